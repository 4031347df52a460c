//! The formats: good files, words of each, and the reader with everything that follows it.

use mnas_codegen::compile::{Options, compile};
use mnas_codegen::machine;
use mnas_codegen::weights::{self, Inventory, Weights};
use mnas_dsl::{Network, Spec};

mod checkpoint;
mod data_set;
mod int8;
mod npy;
mod onnx;
mod picture;
mod pth;
mod recipe;
mod safetensors;
mod schedule;
mod spec;
mod tflite;
pub mod zip;

/// What a reader makes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was read, and everything that follows was done.
    Accepted,
    /// It was refused, with words.
    Refused,
}

/// A format.
#[derive(Clone, Copy)]
pub struct Format {
    /// Its name here, and of its folder in `attacks`.
    pub name: &'static str,
    /// Good files.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Words of the format.
    pub dictionary: &'static [&'static [u8]],
    /// Makes lengths and checksums right again where that is simple, so that mutants get past them.
    pub mend: fn(&mut Vec<u8>),
    /// The reader, and what follows.
    pub read: fn(&[u8]) -> Outcome,
}

/// Every format that is read.
pub const FORMATS: &[Format] = &[
    spec::YAML,
    spec::TOKENS,
    safetensors::SAFETENSORS,
    int8::INT8,
    pth::ZIP,
    pth::LEGACY,
    checkpoint::CHECKPOINT,
    onnx::ONNX,
    tflite::TFLITE,
    npy::NPY,
    picture::JPEG,
    picture::PNG,
    data_set::IDX,
    data_set::CIFAR,
    recipe::RECIPE,
    schedule::SCHEDULE,
];

/// Calls a macro with the name of a test and the name of each of [`FORMATS`], in their order.
#[macro_export]
macro_rules! for_each_format {
    ($then:ident) => {
        $then! {
            yaml "yaml",
            tokens "tokens",
            safetensors "safetensors",
            int8 "int8",
            pth_zip "pth-zip",
            pth_legacy "pth-legacy",
            tf_checkpoint "tf-checkpoint",
            onnx "onnx",
            tflite "tflite",
            npy "npy",
            jpeg "jpeg",
            png "png",
            idx "idx",
            cifar "cifar",
            recipe "recipe",
            schedule "schedule",
        }
    };
}

/// A network with a layer of every kind, small: it is compiled thousands of times.
pub(crate) const TINY: &str = "\
name: tiny
input: 9x8x3
activation: relu6
stem: {op: conv, kernel: 3, stride: 2, filters: 4}
blocks:
  - {op: sepconv, kernel: 3, filters: 4, skip: none}
  - {op: mbconv, expand: 2, kernel: 3, filters: 4, se: 0.5}
head: {filters: 5, classes: 3}
";

/// A reader's words, which are never missing and never endless, and do nothing to a terminal.
///
/// # Panics
///
/// If they are not so.
pub(crate) fn refused(words: &str) -> Outcome {
    assert!(!words.trim().is_empty(), "refused without a word");
    assert!(words.len() < 200_000, "{} bytes of words", words.len());
    assert!(!words.contains(moves), "words that move a cursor or turn the direction of writing: {words:?}");
    Outcome::Refused
}

/// Whether a letter moves a terminal's cursor, line feeds apart, or turns the direction of writing.
pub fn moves(c: char) -> bool {
    c.is_control() && c != '\n' || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The tiny network.
///
/// # Panics
///
/// If the spec is wrong.
pub(crate) fn tiny() -> (Spec, Network) {
    mnas_dsl::load_yaml(TINY, "tiny.yaml").unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

/// Its weights.
pub(crate) fn tiny_weights() -> Weights {
    weights::random(&tiny().1, 1)
}

/// A list of what a file holds can be added up.
pub(crate) fn list(inventory: &Inventory) {
    let _ = (inventory.scheme(), inventory.floats(), inventory.bytes());
}

/// Weights by the door of every command, packed where they fit.
pub(crate) fn weights_file(bytes: &[u8]) -> Outcome {
    if let Ok(inventory) = weights::inventory(bytes) {
        list(&inventory);
    }
    let (spec, network) = tiny();
    match weights::load(bytes, "weights", &network) {
        Ok(weights) => compiles(&spec, &network, Some(&weights)),
        Err(error) => refused(&error.to_string()),
    }
}

/// Compiles to the plan and packs; what cannot be compiled says so.
pub(crate) fn compiles(spec: &Spec, network: &Network, weights: Option<&Weights>) -> Outcome {
    let options = Options { isas: vec![machine::SCALAR], ..Options::default() };
    match compile(spec, network, weights, &options) {
        Ok(compiled) => {
            // The text of small networks alone: that of a thousand layers takes its time.
            if network.layers.len() <= 6 {
                let text = compiled.text("tiny.weights");
                assert!(text.is_ok(), "generated code does not parse: {:?}", text.err());
            }
            Outcome::Accepted
        }
        Err(error) => refused(&error.to_string()),
    }
}
