//! The compiler, with its errors as this crate's.

use crate::error::{Error, Result};
use mnas_codegen::code::{Code, Values, compile_values};
use mnas_codegen::compile::{Compiled, Options, compile};
use mnas_dsl::{Network, Spec};

/// Compiles for `f32`; what fails here was not seen by the checks before.
///
/// # Errors
///
/// The compiler's.
pub fn build_f32(spec: &Spec, network: &Network, options: &Options) -> Result<Compiled> {
    compile(spec, network, None, options).map_err(|error| Error::input(error.to_string()))
}

/// Compiles for the number type of the weights; what fails here was not seen by the checks before.
///
/// # Errors
///
/// The compiler's.
pub fn build(spec: &Spec, network: &Network, values: Option<&Values>, options: &Options) -> Result<Code> {
    compile_values(spec, network, values, options).map_err(|error| Error::input(error.to_string()))
}

/// The text of the generated file.
///
/// # Errors
///
/// A mistake of mnas itself.
pub fn text(compiled: &Code, weights_file: &str) -> Result<String> {
    compiled.text(weights_file).map_err(|error| Error::system(format!("a mistake of mnas itself: {error}")))
}
