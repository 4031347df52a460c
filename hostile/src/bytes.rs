//! What the compiler makes of a spec, as one number: for tests that it is the same wherever and whenever it is made.

use mnas_codegen::compile::{Options, VERSION, compile, fused_graph, spec_hash};
use mnas_codegen::onnx::{Metadata, export};
use mnas_codegen::weights::{WeightTensor, parameters};

/// Which form of the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Tokens, for one thread.
    Alone,
    /// Tokens, for several.
    Threaded,
    /// The formatted file, for several.
    Text,
}

/// Hashes of the code and of the ONNX file.
///
/// # Errors
///
/// Whatever is wrong with the spec.
pub fn hashes(yaml: &str, form: Form) -> Result<[u64; 2], String> {
    let (spec, network) = mnas_dsl::load_yaml(yaml, "spec.yaml").map_err(|mistakes| mistakes.to_string())?;
    let options = Options { threaded: form != Form::Alone, ..Options::default() };
    let compiled = compile(&spec, &network, None, &options).map_err(|error| error.to_string())?;
    let code = match form {
        Form::Text => compiled.text("").map_err(|error| error.to_string())?,
        _ => compiled.tokens().to_string(),
    };
    // Weights of ones: their names, shapes and places are what could differ.
    let ones = |shape: &[usize]| WeightTensor { shape: shape.to_vec(), data: vec![1.0; shape.iter().product()] };
    let weights = parameters(&network).into_iter().map(|parameter| (parameter.name, ones(&parameter.shape))).collect();
    let metadata = Metadata { mnas_version: VERSION.to_owned(), spec_hash: spec_hash(&spec) };
    let onnx = export(&fused_graph(&network), &network, &weights, &metadata).map_err(|error| error.to_string())?;
    Ok([hash(code.as_bytes()), hash(&onnx)])
}

/// FNV-1a by words of eight bytes, and what is left.
fn hash(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let words = words.iter().map(|word| u64::from_le_bytes(*word));
    let step = |hash: u64, word: u64| (hash ^ word).wrapping_mul(0x0100_0000_01b3).rotate_left(29);
    words.chain(rest.iter().map(|byte| u64::from(*byte))).fold(bytes.len() as u64, step)
}
