//! A data set as a network takes it.

mod folder;
mod images;
#[cfg(feature = "train")]
mod training;

use crate::error::{Error, Result};
use crate::picture;
use mnas_data::{self as data, Data, DataError};
use mnas_dsl::Network;
use mnas_dsl::network::{Preprocess, Shape};
use std::path::Path;

pub(crate) use images::{Images, Parts, open};
#[cfg(feature = "train")]
pub(crate) use training::read;

/// The word for the embedded digits.
const DIGITS: &str = "digits";

/// How bytes become the network's input.
fn preprocess(network: &Network) -> Result<&Preprocess> {
    network.preprocess.as_ref().ok_or_else(|| {
        Error::input(format!("the spec of `{}` does not say how bytes become its input", network.name))
            .hint("add `preprocess`, such as `preprocess: {mean: 0.5, std: 0.25}`")
    })
}

/// The embedded digits, or the data set whose files a folder has by their names; `None` of another folder.
fn known(from: &Path) -> Result<Option<Data>> {
    if from == Path::new(DIGITS) {
        return Ok(Some(data::digits()));
    }
    if !from.is_dir() {
        return Err(Error::input(format!("`{}` is no folder", from.display()))
            .hint("give a folder with data, or `digits`, which are built in"));
    }
    data::read(from).map_err(data_error)
}

fn resized(bytes: &[u8], from: Shape, to: Shape, preprocess: &Preprocess) -> Result<Vec<u8>> {
    let refused = || {
        Error::input(format!("pictures of {from} cannot become the network's input, {to}"))
            .hint("a network takes 1 or 3 channels")
    };
    picture::resized(bytes, from, to, preprocess).ok_or_else(refused)
}

/// As an error with its exit code.
fn data_error(error: DataError) -> Error {
    match error {
        DataError::System(message) => Error::system(message),
        DataError::Input(message) => Error::input(message),
    }
}
