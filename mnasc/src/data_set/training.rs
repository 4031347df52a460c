//! Data sets that are trained with: all pictures in memory, as bytes.

use super::folder::{self, Listed};
use super::{data_error, known, preprocess};
use crate::error::{Error, Result};
use crate::{output, picture};
use mnas_data::{Data, MAX_BYTES, Pictures, test_split};
use mnas_dsl::Network;
use mnas_dsl::network::{Preprocess, Shape};
use std::path::Path;

/// The most pictures that cannot be read and are named.
const NAMED: usize = 10;

/// Reads the data set, and makes its pictures as large as the network's input.
pub(crate) fn read(from: &Path, network: &Network) -> Result<Data> {
    let preprocess = preprocess(network)?;
    match known(from)? {
        Some(data) => fitted(data, network, preprocess),
        // They have the right size from the beginning: the wrong one may be larger than the memory.
        None => of_folder(from, network.input, preprocess),
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
            pixels.extend(super::resized(picture, data.shape, to, preprocess)?);
        }
        Ok(Pictures { pixels, labels: pictures.labels.clone() })
    };
    let (train, test) = (resize(&data.train)?, resize(&data.test)?);
    Ok(Data { shape: to, train, test, ..data })
}

/// Reads a folder of folders of pictures, each as `shape`. Without a part for tests every fifth picture is for tests.
fn of_folder(folder: &Path, shape: Shape, preprocess: &Preprocess) -> Result<Data> {
    let name = folder.canonicalize().ok().and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
    let name = name.unwrap_or_else(|| "pictures".to_owned());
    let listing = folder::list(folder)?;
    if listing.classes.len() < 2 {
        return Err(folder::unknown(folder, "mnasc train"));
    }
    let mut read = Reading { shape, preprocess, bytes: 0, wrong: Vec::new() };
    let train = read.pictures(&listing.learn)?;
    let test = listing.test.as_ref().map(|files| read.pictures(files)).transpose()?;
    read.finish()?;
    let (train, test) = test.map_or_else(|| test_split(&train), |test| (train.clone(), test));
    let data = Data { name, shape, classes: listing.classes, train, test };
    data.check().map_err(data_error)?;
    Ok(data)
}

struct Reading<'a> {
    shape: Shape,
    preprocess: &'a Preprocess,
    /// Of all pictures so far.
    bytes: u64,
    wrong: Vec<String>,
}

impl Reading<'_> {
    fn pictures(&mut self, files: &[Listed]) -> Result<Pictures> {
        let mut pictures = Pictures::default();
        for Listed { path, label } in files {
            self.bytes += self.shape.len() as u64;
            if self.bytes > MAX_BYTES {
                return Err(Error::input(format!("the pictures have more than {} MB together", MAX_BYTES >> 20)));
            }
            match picture::bytes(path, self.shape, self.preprocess) {
                Ok(bytes) => {
                    pictures.pixels.extend(bytes);
                    pictures.labels.push(*label);
                }
                Err(error) => self.wrong.push(error.message().to_owned()),
            }
        }
        Ok(pictures)
    }

    fn finish(self) -> Result<()> {
        if self.wrong.is_empty() {
            return Ok(());
        }
        let more = self.wrong.len().saturating_sub(NAMED);
        let mut text = self.wrong[..self.wrong.len().min(NAMED)].join("\n");
        if more > 0 {
            text.push_str(&format!("\nand {more} more"));
        }
        Err(Error::input(text))
    }
}
