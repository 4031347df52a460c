//! A data set as a network takes it.

use super::{data_error, folder};
use crate::error::{Error, Result};
use crate::{output, picture};
use mnas_dsl::Network;
use mnas_dsl::network::{Preprocess, Shape};
use mnas_train::data::{self, Data, Pictures};
use std::path::Path;

/// The word for the embedded digits.
const DIGITS: &str = "digits";

/// Reads the data set, and makes its pictures as large as the network's input.
pub(crate) fn read(from: &Path, network: &Network) -> Result<Data> {
    let Some(preprocess) = &network.preprocess else {
        return Err(Error::input(format!("the spec of `{}` does not say how bytes become its input", network.name))
            .hint("add `preprocess`, such as `preprocess: {mean: 0.5, std: 0.25}`"));
    };
    if from == Path::new(DIGITS) {
        return fitted(data::digits(), network, preprocess);
    }
    if !from.is_dir() {
        return Err(Error::input(format!("`{}` is no folder", from.display()))
            .hint("give a folder with data, or `digits`, which are built in"));
    }
    match data::read(from).map_err(data_error)? {
        Some(data) => fitted(data, network, preprocess),
        // They have the right size from the beginning: the wrong one may be larger than the memory.
        None => folder::read(from, network.input, preprocess),
    }
}

fn fitted(data: Data, network: &Network, preprocess: &Preprocess) -> Result<Data> {
    let to = network.input;
    if data.shape == to {
        return Ok(data);
    }
    output::progress(&format!("pictures of {} become {to}", data.shape));
    let resize = |pictures: &Pictures| -> Result<Pictures> {
        let mut pixels = Vec::with_capacity(pictures.len() * to.len());
        for picture in pictures.pixels.chunks_exact(data.shape.len()) {
            pixels.extend(resized(picture, data.shape, to, preprocess)?);
        }
        Ok(Pictures { pixels, labels: pictures.labels.clone() })
    };
    let (train, test) = (resize(&data.train)?, resize(&data.test)?);
    Ok(Data { shape: to, train, test, ..data })
}

fn resized(bytes: &[u8], from: Shape, to: Shape, preprocess: &Preprocess) -> Result<Vec<u8>> {
    let refused = || {
        Error::input(format!("pictures of {from} cannot become the network's input, {to}"))
            .hint("a network takes 1 or 3 channels")
    };
    picture::resized(bytes, from, to, preprocess).ok_or_else(refused)
}
