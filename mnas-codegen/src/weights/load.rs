//! From a file's bytes to weights that fit.

use super::format::{FORMATS, Files, Format, Further, Read, recognise};
use super::{Fitted, FormatError, Inventory, WeightTensor, Weights, WeightsError};
use mnas_dsl::network::Network;
use std::collections::BTreeMap;

/// Loads the weights of `network` from the bytes of a file, in any of the [`FORMATS`] whose files hold everything.
///
/// # Errors
///
/// When the file cannot be read, or with everything that is missing, extra, misshapen or not finite.
pub fn load(bytes: &[u8], file_name: &str, network: &Network) -> Result<Weights, WeightsError> {
    load_for(bytes, file_name, network).map(|fitted| fitted.weights)
}

/// As [`load`], with what the weights were in their file, and what was chosen where it left a choice.
///
/// # Errors
///
/// As [`load`].
pub fn load_for(bytes: &[u8], file_name: &str, network: &Network) -> Result<Fitted, WeightsError> {
    let format = single(bytes).map_err(|error| WeightsError::Unreadable { file: file_name.into(), error })?;
    format.load(&Files { first: bytes, further: &BTreeMap::new() }, file_name, network)
}

/// Every floating-point tensor of a file by its name in the file, in any of the [`FORMATS`] whose files hold everything.
///
/// # Errors
///
/// When the file is damaged, or has none of these formats.
pub fn read(bytes: &[u8]) -> Result<BTreeMap<String, WeightTensor>, FormatError> {
    let format = single(bytes)?;
    match format.read {
        Read::Tensors(read) => {
            read(&Files { first: bytes, further: &BTreeMap::new() }, None).map(|contents| contents.tensors)
        }
        Read::Network(_) => Err(FormatError::new(format!("weights of {} are read for a network only", format.name))),
    }
}

/// Lists what a file holds, or what the first file of several says that they hold.
///
/// # Errors
///
/// When the file is damaged, or has none of the [`FORMATS`].
pub fn inventory(bytes: &[u8]) -> Result<Inventory, FormatError> {
    (recognise(FORMATS, bytes)?.list)(bytes)
}

/// The format of a file that holds everything.
fn single(bytes: &[u8]) -> Result<&'static Format, FormatError> {
    let format = recognise(FORMATS, bytes)?;
    match format.further {
        Further::None | Further::Named(_) => Ok(format),
        Further::Beside(_) => Err(FormatError::new(format!(
            "it is the index of a {}, whose values are in further files; expected one file, which `mnasc convert` makes",
            format.name
        ))),
    }
}
