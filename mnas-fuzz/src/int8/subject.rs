//! A case compiled in int8: its code, its packed weights, and the values that every step has to write.

use super::network::quantized;
use crate::case::Case;
use crate::data;
use crate::fault::Fault;
use crate::finding::Finding;
use crate::program::Unit;
use crate::random::Random;
use crate::subject::Variant;
use mnas_codegen::compile::Options;
use mnas_codegen::graph::{Node, Op};
use mnas_codegen::int8::compile;
use mnas_codegen::int8::map::Layout;
use mnas_codegen::quantized::{self, Quantized, Value};
use mnas_dsl::Network;
use mnas_dsl::network::{Interpolation, Preprocess};
use quote::quote;

/// A case ready to be built and run.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The generated items, which find mnas-runtime as `crate::mnas_runtime`.
    pub code: String,
    /// Name of the generated type.
    pub type_name: String,
    /// Packed weights.
    pub packed: Vec<u8>,
    /// The image, height x width x channels.
    pub image: Vec<f32>,
    /// The 8-bit values that the image was made of, for a network that says how.
    pub pixels: Option<Vec<u8>>,
    /// Whether it has entries for several threads.
    pub threads: bool,
    /// What each step writes.
    pub steps: Vec<Expected>,
    /// The output.
    pub output: Vec<f32>,
}

/// The values that a step writes.
#[derive(Clone, Debug)]
pub struct Expected {
    /// The step's name.
    pub name: String,
    /// Its block as the spec writes it.
    pub source: String,
    /// Where the values lie.
    pub layout: Layout,
    /// The values, height x width x channels.
    pub values: Value,
}

impl Subject {
    /// What a program has of it.
    pub fn unit(&self) -> Unit<'_> {
        let macros = [
            (true, "int8"),
            (self.pixels.is_some(), "int8_pixels"),
            (self.threads, "int8_threads"),
            (self.threads && self.pixels.is_some(), "int8_pixels_threads"),
        ];
        Unit {
            code: &self.code,
            type_name: &self.type_name,
            weights: self.packed.as_slice().into(),
            image: &self.image,
            pixels: self.pixels.as_deref(),
            macros: macros.into_iter().filter_map(|(has, name)| has.then_some(name)).collect(),
        }
    }
}

/// A case's network with random integers, its image, and the 8-bit values that the image was made of.
pub struct Source {
    /// As the case's; half of all networks say how 8-bit values are normalised.
    pub network: Network,
    /// The integers.
    pub quantized: Quantized,
    /// The image, height x width x channels.
    pub image: Vec<f32>,
    /// What it was made of.
    pub pixels: Option<Vec<u8>>,
}

/// Whether the int8 compiler takes a case. It refuses networks whose last operator is a pool by windows.
pub fn is_supported(case: &Case) -> bool {
    let graph = quantized::graph(&case.network);
    let is_last = |node: &&Node| node.output == graph.output;
    let last = graph.nodes.iter().find(is_last).map(|node| &node.op);
    !matches!(last, Some(Op::AveragePool { .. } | Op::MaxPool { .. }))
}

/// Draws the integers and the image of a case.
pub fn source(case: &Case) -> Source {
    let mut random = Random::new(case.seed ^ 0x5eed_0009);
    let mut network = case.network.clone();
    network.preprocess = random.percent(50).then(|| preprocess(&mut random, network.input.channels));
    let (image, pixels) = match &network.preprocess {
        Some(preprocess) => {
            let pixels: Vec<u8> = (0..network.input.len()).map(|_| random.below(256) as u8).collect();
            (normalized(&pixels, preprocess), Some(pixels))
        }
        None => {
            let mut image = data::image(&network, case.seed);
            // Values that are no byte, and those that have none near.
            if random.percent(30) {
                for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -0.0, 1e30, f32::MIN_POSITIVE / 2.0] {
                    let at = random.below(image.len());
                    image[at] = value;
                }
            }
            (image, None)
        }
    };
    let quantized = quantized(quantized::graph(&network), &image, case.seed);
    Source { network, quantized, image, pixels }
}

/// Values of an image between about -2 and 2, each channel a little different.
fn preprocess(random: &mut Random, channels: usize) -> Preprocess {
    let mut some = |low, high| (0..channels).map(|_| random.between(low, high)).collect();
    Preprocess {
        resize: 256,
        interpolation: Interpolation::Bilinear,
        divide: 255.0,
        mean: some(0.4, 0.6),
        std: some(0.2, 0.3),
    }
}

/// As `infer_u8` is documented: one `f32` multiplication and one addition.
fn normalized(pixels: &[u8], preprocess: &Preprocess) -> Vec<f32> {
    let channels = preprocess.mean.len();
    let value = |(i, pixel): (usize, &u8)| {
        let (mean, std) = (preprocess.mean[i % channels], preprocess.std[i % channels]);
        f32::from(*pixel) * (1.0 / (preprocess.divide * std)) as f32 + (-mean / std) as f32
    };
    pixels.iter().enumerate().map(value).collect()
}

/// Compiles a case in int8, with a fault where a test wants one.
///
/// # Errors
///
/// An error before anything runs.
pub fn prepare(case: &Case, variant: &Variant, fault: Option<&Fault>) -> Result<Subject, Finding> {
    let Source { network, quantized, image, pixels } = source(case);
    let values = quantized::run(&quantized, &image, |_| true);
    let options = Options {
        isas: variant.isas.clone(),
        checked: variant.checked,
        threaded: variant.team.is_some(),
        runtime: Some(quote!(crate::mnas_runtime)),
        ..Options::default()
    };
    let planned = compile(&case.spec, &network, &quantized, &options).map_err(Finding::Refused)?;
    let steps = planned.plan.steps.iter().map(|step| Expected {
        name: step.name.clone(),
        source: step.source.clone(),
        layout: step.kernel.output().layout(),
        values: values[&step.tensor].clone(),
    });
    let steps: Vec<Expected> = steps.collect();
    let Value::Floats(output) = &values[&quantized.graph.output] else {
        return Err(Finding::Refused("the definition has no `f32` output".to_owned()));
    };

    let mut compiled = planned;
    if let Some(Fault::Int8Network(change)) = fault {
        let mut wrong = quantized.clone();
        change(&mut wrong);
        compiled = compile(&case.spec, &network, &wrong, &options).map_err(Finding::Refused)?;
    }
    let mut packed = compiled.weights.take().unwrap_or_default();
    match fault {
        Some(Fault::Int8Plan(change)) => {
            change(&mut compiled.plan);
        }
        Some(Fault::Int8Packed(change)) => {
            change(&compiled.plan, &mut packed);
        }
        _ => {}
    }
    let mut code = compiled.source();
    if let Some(Fault::Code(change)) = fault {
        change(&mut code);
    }
    let (type_name, threads) = (compiled.type_name(), options.threaded);
    Ok(Subject { code, type_name, packed, image, pixels, threads, steps, output: output.clone() })
}
