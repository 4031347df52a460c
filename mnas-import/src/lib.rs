//! Imports ONNX files of mobile convnets as specs and weights.
//!
//! ```
//! use mnas_codegen::{compile::fused_graph, onnx, weights};
//! use mnas_import::{Files, Options, import};
//!
//! let text = "
//! name: tiny
//! input: 32x32x3
//! stem: {op: conv, kernel: 3, stride: 2, filters: 8}
//! blocks: [{op: mbconv, expand: 6, kernel: 3, stride: 2, filters: 16, layers: 2}]
//! head: {classes: 10}
//! ";
//! let (_, network) = mnas_dsl::load_yaml(text, "tiny.yaml")?;
//! let metadata = onnx::Metadata { mnas_version: String::new(), spec_hash: String::new() };
//! let file = onnx::export(&fused_graph(&network), &network, &weights::random(&network, 1), &metadata)?;
//!
//! let imported = import(&file, &Files::new(), &Options { name: "tiny".to_owned(), input: None })?;
//! assert_eq!(imported.spec.blocks.len(), 1);
//! assert_eq!(imported.network.layers[1].op, network.layers[1].op);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Bytes go in, values come out; nothing here opens a file. The file is not trusted: the crate has its own reader of
//! protocol buffers (`wire.rs`), which neither recurses nor copies, and constants give no more values than the file has
//! bytes.
//!
//! ```text
//! bytes -> proto -> tape (operators on maps) -> net -> layers -> text of a spec -> Spec, Network
//!                                                         \-> weights under our names
//! ```
#![forbid(unsafe_code)]

mod attributes;
mod bounds;
mod channels_last;
mod constant;
mod constants;
mod error;
mod group;
mod head;
mod interpret;
mod layer;
mod metadata;
mod net;
mod operands;
mod operators;
mod padding;
mod proto;
mod quantized;
mod ratios;
mod recognise;
mod residual;
mod sources;
mod spec_text;
mod squeeze_excite;
mod tape;
mod tensor;
mod tflite;
mod understood;
mod walk;
mod weights;
mod windows;
mod wire;

pub use error::{ImportError, Problem, Problems, ReadError};
pub use sources::{FORMAT, inventory, load};
pub use tensor::Files;

use mnas_codegen::weights::Weights;
use mnas_dsl::chain::Unit;
use mnas_dsl::network::{self, Shape};
use mnas_dsl::{Network, Spec};
use proto::ModelProto;
use std::collections::BTreeSet;
use tensor::Store;

/// Oldest operator set whose operators mean what they mean today.
const OLDEST_OPSET: i64 = 7;

/// What a file does not contain.
#[derive(Clone, Debug)]
pub struct Options {
    /// The spec's name; [`name_from`] makes a valid one from any text.
    pub name: String,
    /// The input, where the file leaves rows and columns open.
    pub input: Option<Shape>,
}

/// A network as it was read from a file.
#[derive(Clone, Debug)]
pub struct Imported {
    /// Its spec.
    pub spec: Spec,
    /// What the spec means.
    pub network: Network,
    /// Its weights under mnas's names, in the shapes that the network needs.
    pub weights: Weights,
    /// What of the file the spec leaves out, each a line.
    pub notes: Vec<String>,
}

/// The names of files, relative to the model's folder, that constants are in; to be read and handed to [`import`].
///
/// No name leads out of that folder, but a link may: the caller has to check links before it opens a file.
///
/// # Errors
///
/// The file is not ONNX, or it names a file outside of its folder.
pub fn external_files(bytes: &[u8]) -> Result<BTreeSet<String>, ImportError> {
    if tflite::is_tflite(bytes) {
        return Ok(BTreeSet::new());
    }
    let model = ModelProto::read(bytes)?;
    tensor::locations(&model).map_err(|found| {
        let mut problems = Problems::default();
        problems.push("", found, "");
        problems.into()
    })
}

/// Whether bytes are an ONNX file. The format has no magic number, so the bytes are parsed.
pub fn is_onnx(bytes: &[u8]) -> bool {
    // The first field has to be one of ONNX's; usually it is `ir_version`.
    let is_likely = bytes.first().is_some_and(|key| matches!(key >> 3, 1..=8 | 14 | 20 | 25));
    is_likely && ModelProto::read(bytes).is_ok_and(|model| model.graph.is_some())
}

/// Recognises the network of an ONNX file.
///
/// # Errors
///
/// The file is not ONNX, or everything in it that a spec cannot describe, node by node.
pub fn import(bytes: &[u8], files: &Files, options: &Options) -> Result<Imported, ImportError> {
    recognise(bytes, files, options, None)
}

/// [`import`], with the epsilon of the batch norms that folded convolutions get; the default is the spec's.
fn recognise(bytes: &[u8], files: &Files, options: &Options, given_eps: Option<f64>) -> Result<Imported, ImportError> {
    let mut problems = Problems::default();
    if tflite::is_tflite(bytes) {
        let model = tflite::Model::read(bytes)?;
        let store = Store::new(bytes.len(), files);
        let Some(tape) = tflite::record(&model, options.input, &store, &mut problems) else {
            return Err(problems.into());
        };
        return describe(&tape, options, given_eps, &[], problems);
    }
    let model = ModelProto::read(bytes)?;
    let Some(graph) = &model.graph else {
        problems.push("", "the file has no graph", "");
        return Err(problems.into());
    };
    let opset = model.opset.unwrap_or(0);
    if opset < OLDEST_OPSET {
        problems.push("", format!("the file uses operators of version {opset}"), format!("at least {OLDEST_OPSET}"));
        return Err(problems.into());
    }
    let store = Store::new(bytes.len(), files);
    let Some(tape) = interpret::record(graph, options.input, &store, &mut problems) else {
        return Err(problems.into());
    };
    describe(&tape, options, given_eps, &model.metadata, problems)
}

/// The spec and the weights of a tape.
fn describe(
    tape: &tape::Tape,
    options: &Options,
    given_eps: Option<f64>,
    metadata: &[(&str, &str)],
    mut problems: Problems,
) -> Result<Imported, ImportError> {
    let Some(output) = tape.output else { return Err(problems.into()) };
    let net = net::Net::new(tape, output);
    let layers = recognise::recognise(&net, &mut problems);
    let eps = batch_norm_eps(&layers, &net, &mut problems);
    let text = |preprocess: &str, problems: &mut Problems| {
        spec_text::write(&options.name, preprocess, eps, &layers, &net, problems)
    };
    let plain = text("", &mut problems);
    if !problems.is_empty() {
        return Err(problems.into());
    }
    // Metadata about pictures is optional: where it is invalid, the network is imported without it.
    let channels = layers.layers.first().map_or(0, |stem| stem.input.channels);
    let preprocess = metadata::preprocess(metadata, channels);
    let with = mnas_dsl::load_yaml(&text(&preprocess, &mut problems), &options.name);
    let (spec, network) = match with.or_else(|_| mnas_dsl::load_yaml(&plain, &options.name)) {
        Ok(both) => both,
        Err(diagnostics) => {
            for diagnostic in &diagnostics {
                problems.push("", diagnostic.text().replace('\n', "; "), "");
            }
            return Err(problems.into());
        }
    };
    check(&layers, &network, &net, &mut problems);
    if let (Some(given), Some(eps)) = (given_eps, eps)
        && given != eps
    {
        problems.push(
            "",
            format!("the file's batch norms have an epsilon of {eps}"),
            format!("the network's is {given}"),
        );
    }
    let eps = given_eps.unwrap_or(network.batch_norm_eps);
    let weights = weights::collect(&layers, &network, eps, &net, &mut problems);
    if problems.is_empty() {
        let notes = tape.notes.iter().cloned().chain(quantized::note(tape)).collect();
        Ok(Imported { spec, network, weights, notes })
    } else {
        Err(problems.into())
    }
}

/// A name for a spec from any text, such as a file's name: small letters, digits and single underscores.
pub fn name_from(text: &str) -> String {
    let letter = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    let words: String = text.chars().map(letter).collect();
    let words: Vec<&str> = words.split('_').filter(|word| !word.is_empty()).collect();
    let name = words.join("_");
    let name: String = if name.starts_with(|c: char| c.is_ascii_lowercase()) { name } else { format!("net_{name}") };
    name.chars().take(48).collect::<String>().trim_end_matches('_').to_owned()
}

/// The one epsilon of all batch norms; `None` where all were folded.
fn batch_norm_eps(layers: &layer::Layers, net: &net::Net, problems: &mut Problems) -> Option<f64> {
    let head = layers.head.iter().filter_map(|head| head.conv.as_ref());
    let units = layers.layers.iter().flat_map(|layer| layer.units.iter().map(|(_, unit)| unit)).chain(head);
    let mut first: Option<f32> = None;
    for unit in units {
        let Some(norm) = unit.batch_norm else { continue };
        if *first.get_or_insert(norm.eps) != norm.eps {
            let found = format!("a batch norm with an epsilon of {}", norm.eps);
            let expected = format!("{}, as the first has it: one for the whole network", first.unwrap_or(0.0));
            problems.push(net.place(unit.step), found, expected);
        }
    }
    // The shortest decimal that is this number: what was written before it was rounded to 32 bits.
    first.and_then(|eps| eps.to_string().parse().ok())
}

/// Compares the network of the spec's text with the layers that were recognised.
fn check(layers: &layer::Layers, network: &Network, net: &net::Net, problems: &mut Problems) {
    let same_count = layers.layers.len() == network.layers.len();
    let is_same = |found: &layer::Layer, read: &network::Layer| {
        (found.input, found.output, found.kernel_size, found.stride, found.pads, found.skip)
            == (read.input, read.output, read.kernel_size, read.stride, read.pads, read.skip)
            && has_chain(found, read)
    };
    let different = layers.layers.iter().zip(&network.layers).find(|(found, read)| !is_same(found, read));
    if let Some((found, read)) = different {
        let what = format!("it is not what `{}` of the spec is", read.name);
        problems.push(net.place(found.window), what, "this is a mistake of mnas");
    } else if !same_count {
        problems.push("", "the spec has another number of layers", "this is a mistake of mnas");
    }
}

/// Whether the convolutions that were recognised are those of the spec's layer, in order, and its pool has the same pads.
fn has_chain(found: &layer::Layer, read: &network::Layer) -> bool {
    let chain = read.chain();
    let mut expected = Vec::new();
    let mut pool = None;
    for (unit, input, _) in chain.with_shapes(read.input) {
        match unit {
            Unit::Conv(conv) => {
                expected.push((conv.name, conv.depthwise, conv.filters, conv.kernel_size, conv.stride, conv.pads));
            }
            Unit::SqueezeExcite(se) => {
                expected.push(("se.reduce", false, se.channels, 1, 1, network::Pads::NONE));
                expected.push(("se.expand", false, input.channels, 1, 1, network::Pads::NONE));
            }
            Unit::MaxPool { pads, .. } => pool = Some(*pads),
        }
    }
    let units = found.units.iter().filter(|(name, _)| *name != "shortcut");
    let found_pool = found.pool.map_or(found.units.is_empty().then_some(found.pads), |pool| Some(pool.pads));
    let is_conv = |(name, unit): &(&'static str, net::Unit)| {
        let conv = unit.conv;
        (*name, conv.depthwise, conv.output_channels, conv.kernel_size, conv.stride, conv.pads)
    };
    units.map(is_conv).eq(expected) && found_pool == pool
}
