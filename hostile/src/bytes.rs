//! What the compiler makes of a spec, as one number: for tests that it is the same wherever and whenever it is made.

use mnas_codegen::compile::{Options, VERSION, compile, fused_graph, spec_hash};
use mnas_codegen::onnx::{Metadata, export};
use mnas_codegen::weights::{WeightTensor, parameters};

/// Hashes of the tokens for one thread, for several, of the formatted file where `text` asks for it, and of the ONNX file.
///
/// # Errors
///
/// Whatever is wrong with the spec.
pub fn hashes(yaml: &str, text: bool) -> Result<[u64; 4], String> {
    let (spec, network) = mnas_dsl::load_yaml(yaml, "spec.yaml").map_err(|mistakes| mistakes.to_string())?;
    let made = |threaded: bool| {
        let options = Options { threaded, ..Options::default() };
        compile(&spec, &network, None, &options).map_err(|error| error.to_string())
    };
    let (alone, threaded) = (made(false)?, made(true)?);
    let file = if text { threaded.text("").map_err(|error| error.to_string())? } else { String::new() };
    // Weights of ones: their names, shapes and places are what could differ.
    let ones = |shape: &[usize]| WeightTensor { shape: shape.to_vec(), data: vec![1.0; shape.iter().product()] };
    let weights = parameters(&network).into_iter().map(|parameter| (parameter.name, ones(&parameter.shape))).collect();
    let metadata = Metadata { mnas_version: VERSION.to_owned(), spec_hash: spec_hash(&spec) };
    let onnx = export(&fused_graph(&network), &network, &weights, &metadata).map_err(|error| error.to_string())?;
    let tokens = [alone, threaded].map(|compiled| hash(compiled.tokens().to_string().as_bytes()));
    Ok([tokens[0], tokens[1], hash(file.as_bytes()), hash(&onnx)])
}

/// FNV-1a by words of eight bytes, and what is left.
fn hash(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let words = words.iter().map(|word| u64::from_le_bytes(*word));
    let step = |hash: u64, word: u64| (hash ^ word).wrapping_mul(0x0100_0000_01b3).rotate_left(29);
    words.chain(rest.iter().map(|byte| u64::from(*byte))).fold(bytes.len() as u64, step)
}
