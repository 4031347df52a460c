//! Weights of either number type, and the code that they lead to: what every door passes on.

use crate::compile::{CompileError, Compiled, Options, compile};
use crate::int8;
use crate::quantized::{self, Quantized};
use crate::weights::{self, Weights};
use mnas_dsl::network::Network;
use mnas_dsl::spec::Spec;
use proc_macro2::TokenStream;

/// The weights of a network, which say what numbers its code computes with.
#[derive(Clone, Debug)]
pub enum Values {
    /// `f32`.
    F32(Weights),
    /// int8: integers, and what they stand for.
    Int8(Box<Quantized>),
}

impl Values {
    /// Reads the weights of `network` from the bytes of one file, which `name` names in errors.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the file, or with its fit.
    pub fn load(bytes: &[u8], name: &str, network: &Network) -> Result<Values, String> {
        if quantized::is_quantized(bytes) {
            return Self::int8(bytes, name, network);
        }
        weights::load(bytes, name, network).map(Values::F32).map_err(|error| error.to_string())
    }

    /// Reads a file of a network in int8.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the file, or with its fit.
    pub fn int8(bytes: &[u8], name: &str, network: &Network) -> Result<Values, String> {
        let read = quantized::read(bytes, &quantized::graph(network));
        let quantized = read.map_err(|error| format!("`{name}` does not fit network `{}`:\n{error}", network.name))?;
        Ok(Values::Int8(Box::new(quantized)))
    }
}

/// A compiled network of either number type.
#[derive(Clone, Debug)]
pub enum Code {
    /// `f32`.
    F32(Box<Compiled>),
    /// int8.
    Int8(Box<int8::Compiled>),
}

/// Compiles a network for the number type of its weights, or for `f32` without weights.
///
/// # Errors
///
/// As [`compile`] and [`int8::compile`].
pub fn compile_values(
    spec: &Spec,
    network: &Network,
    values: Option<&Values>,
    options: &Options,
) -> Result<Code, CompileError> {
    let weights = match values {
        Some(Values::Int8(quantized)) => {
            let compiled = int8::compile(spec, network, quantized, options).map_err(CompileError::Int8)?;
            return Ok(Code::Int8(Box::new(compiled)));
        }
        Some(Values::F32(weights)) => Some(weights),
        None => None,
    };
    Ok(Code::F32(Box::new(compile(spec, network, weights, options)?)))
}

impl Code {
    /// The items, for a macro; weights are written into them.
    pub fn tokens(&self) -> TokenStream {
        match self {
            Code::F32(compiled) => compiled.tokens(),
            Code::Int8(compiled) => compiled.tokens(),
        }
    }

    /// The text of a file, which includes `weights_file` (a path as `include_bytes!` takes it) where weights were given.
    ///
    /// # Errors
    ///
    /// A mistake of the emitter: the text is no Rust.
    #[cfg(feature = "format")]
    pub fn text(&self, weights_file: &str) -> Result<String, crate::emit::file::FormatError> {
        match self {
            Code::F32(compiled) => compiled.text(weights_file),
            Code::Int8(compiled) => compiled.text(weights_file),
        }
    }

    /// Packed weights, where weights were given.
    pub fn weights(&self) -> Option<&[u8]> {
        match self {
            Code::F32(compiled) => compiled.weights.as_deref(),
            Code::Int8(compiled) => compiled.weights.as_deref(),
        }
    }

    /// The generated type's name.
    pub fn type_name(&self) -> String {
        match self {
            Code::F32(compiled) => compiled.type_name(),
            Code::Int8(compiled) => compiled.type_name(),
        }
    }
}
