//! Labelled images, stored as bytes until a batch is made, and training recipes.
//!
//! [`read`] recognises a data set by the names of its files. The files are untrusted input: what is read has limits,
//! each error names its file, and nothing panics.
#![forbid(unsafe_code)]

mod cifar;
mod digits;
mod file;
mod idx;
pub mod recipe;
mod split;

pub use digits::digits;
pub use file::DataError;
pub use recipe::Recipe;
pub use split::{fewer, hold_out, test_split};

use file::Files;
use mnas_codegen::fnv;
use mnas_dsl::network::Shape;
use std::collections::BTreeMap;
use std::path::Path;

/// Bytes of all pictures together: far above CIFAR's 180 MB, and no danger to a machine's memory.
pub const MAX_BYTES: u64 = 2 << 30;

/// Classes at most: labels are 16 bits.
pub const MAX_CLASSES: usize = 65_536;

/// A data set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Data {
    /// What it is called.
    pub name: String,
    /// Shape of every picture.
    pub shape: Shape,
    /// What the classes are called.
    pub classes: Vec<String>,
    /// What networks may learn from.
    pub train: Pictures,
    /// What final figures are measured on, and nothing else.
    pub test: Pictures,
}

/// Pictures with their classes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pictures {
    /// Of each picture rows of pixels, the channels of a pixel together.
    pub pixels: Vec<u8>,
    /// The class of each.
    pub labels: Vec<u16>,
}

impl Pictures {
    /// Number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether the set is empty.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Some of them, in the order of the indices.
    ///
    /// # Panics
    ///
    /// If there is no such picture.
    pub fn select(&self, indices: &[usize]) -> Self {
        let size = self.pixels.len().checked_div(self.len()).unwrap_or(0);
        Self {
            pixels: indices.iter().flat_map(|&at| &self.pixels[at * size..][..size]).copied().collect(),
            labels: indices.iter().map(|&at| self.labels[at]).collect(),
        }
    }
}

impl Data {
    /// Its name and a sum of everything in it: other data have another.
    pub fn fingerprint(&self) -> String {
        let hash = [&self.train, &self.test].into_iter().fold(fnv::EMPTY, |hash, pictures| {
            let hash = fnv::continued(fnv::add(hash, pictures.len() as u64), &pictures.pixels);
            pictures.labels.iter().fold(hash, |hash, &label| fnv::add(hash, u64::from(label)))
        });
        format!("{} {hash:016x}", self.name)
    }

    /// Whether it can be trained with.
    ///
    /// # Errors
    ///
    /// What is missing or does not fit together.
    pub fn check(&self) -> Result<(), DataError> {
        let refuse = |what: &str| Err(DataError::Input(format!("the data set `{}` {what}", self.name)));
        if self.train.is_empty() || self.test.is_empty() {
            return refuse("has no pictures to learn from, or none to test with");
        }
        if self.classes.len() < 2 {
            return refuse("has fewer than two classes");
        }
        for pictures in [&self.train, &self.test] {
            if pictures.pixels.len() != pictures.len() * self.shape.len() {
                return refuse("has pictures of other sizes than it says");
            }
            if pictures.labels.iter().any(|&label| usize::from(label) >= self.classes.len()) {
                return refuse("has labels of classes that it does not have");
            }
        }
        Ok(())
    }
}

/// Reads the data set in a folder: MNIST's kind (IDX), CIFAR-10 or CIFAR-100 (binary). `None` where the folder has no
/// files by such names.
///
/// # Errors
///
/// A file cannot be read, or is not what its name says.
pub fn read(folder: &Path) -> Result<Option<Data>, DataError> {
    of(Files::Folder(folder))
}

/// The same of files that are in memory, by their names.
///
/// # Errors
///
/// A file is missing, or not what its name says.
pub fn read_files(files: &BTreeMap<&str, &[u8]>) -> Result<Option<Data>, DataError> {
    of(Files::Memory(files))
}

fn of(files: Files<'_>) -> Result<Option<Data>, DataError> {
    let data = match idx::read(files)? {
        Some(data) => Some(data),
        None => cifar::read(files)?,
    };
    if let Some(data) = &data {
        data.check()?;
    }
    Ok(data)
}
