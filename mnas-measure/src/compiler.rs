//! The compiler, with its errors as this crate's.

use crate::error::{Error, Result};
use mnas_codegen::compile::{Compiled, Options, compile};
use mnas_codegen::weights::Weights;
use mnas_dsl::{Network, Spec};

/// Compiles; what fails here was not seen by the checks before.
///
/// # Errors
///
/// The compiler's.
pub fn build(spec: &Spec, network: &Network, weights: Option<&Weights>, options: &Options) -> Result<Compiled> {
    compile(spec, network, weights, options).map_err(|error| Error::input(error.to_string()))
}

/// The text of the generated file.
///
/// # Errors
///
/// A mistake of mnas itself.
pub fn text(compiled: &Compiled, weights_file: &str) -> Result<String> {
    compiled.text(weights_file).map_err(|error| Error::system(format!("a mistake of mnas itself: {error}")))
}
