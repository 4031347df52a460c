//! What the compiler makes of a spec, as one number: for tests that it is the same wherever and whenever it is made.

use mnas_codegen::compile::{Options, VERSION, compile, fused_graph, spec_hash};
use mnas_codegen::onnx::{Metadata, export};
use mnas_codegen::weights::{WeightTensor, parameters};
use std::hash::{BuildHasher as _, RandomState};

/// Which form of the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Tokens, for one thread.
    Alone,
    /// Tokens, for several.
    Threaded,
    /// The formatted file, for several.
    Text,
    /// As `Alone`, with something in it that must not be: the control of tests.
    Planted(Leak),
}

/// What says where or when code was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leak {
    /// Keys of hash tables, which decide their order.
    Keys,
    /// The folder.
    Folder,
    /// The language.
    Language,
    /// The time zone.
    Zone,
}

impl Leak {
    /// The text that is planted.
    fn text(self) -> String {
        let variable = |name| std::env::var(name).unwrap_or_default();
        match self {
            Leak::Keys => RandomState::new().hash_one(0).to_string(),
            Leak::Folder => std::env::current_dir().unwrap_or_default().display().to_string(),
            Leak::Language => variable("LC_ALL"),
            Leak::Zone => variable("TZ"),
        }
    }
}

impl Form {
    /// The form of this name.
    pub fn by_name(name: &str) -> Option<Self> {
        Some(match name {
            "alone" => Form::Alone,
            "threaded" => Form::Threaded,
            "text" => Form::Text,
            "planted-keys" => Form::Planted(Leak::Keys),
            "planted-folder" => Form::Planted(Leak::Folder),
            "planted-language" => Form::Planted(Leak::Language),
            "planted-zone" => Form::Planted(Leak::Zone),
            _ => return None,
        })
    }
}

/// Hashes of the code and of the ONNX file.
///
/// # Errors
///
/// Whatever is wrong with the spec.
pub fn hashes(yaml: &str, form: Form) -> Result<[u64; 2], String> {
    let (spec, network) = mnas_dsl::load_yaml(yaml, "spec.yaml").map_err(|mistakes| mistakes.to_string())?;
    let options = Options { threaded: matches!(form, Form::Threaded | Form::Text), ..Options::default() };
    let compiled = compile(&spec, &network, None, &options).map_err(|error| error.to_string())?;
    let code = match form {
        Form::Text => compiled.text("").map_err(|error| error.to_string())?,
        Form::Alone | Form::Threaded => compiled.tokens().to_string(),
        Form::Planted(leak) => compiled.tokens().to_string() + &leak.text(),
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
