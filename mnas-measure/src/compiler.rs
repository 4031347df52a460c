//! The compiler, with its errors as this crate's.

use crate::error::{Error, Result};
use mnas_codegen::code::{Code, Values, compile_values};
use mnas_codegen::compile::Options;
use mnas_dsl::{Network, Spec};

/// Compiles; what fails here was not seen by the checks before.
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
