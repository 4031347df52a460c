//! Labelled images, stored as bytes until a batch is made, and training recipes.
//!
//! [`read`] recognises a data set by the names of its files. The files are untrusted input: sizes have limits, each error
//! names its file, and no input causes a panic.
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

/// Most bytes of all pictures together: far above CIFAR's 180 MB, and within a machine's memory.
pub const MAX_BYTES: u64 = 2 << 30;

/// Largest number of classes, as labels have 16 bits.
pub const MAX_CLASSES: usize = 65_536;

/// A data set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Data {
    /// The name of the data set.
    pub name: String,
    /// Shape of every picture.
    pub shape: Shape,
    /// The names of the classes.
    pub classes: Vec<String>,
    /// The training pictures.
    pub train: Pictures,
    /// The test pictures, on which only final figures are measured.
    pub test: Pictures,
}

/// Pictures with their classes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pictures {
    /// The bytes of all pictures, as [picture, row, column, channel].
    pub pixels: Vec<u8>,
    /// The class of each picture.
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

    /// The pictures of these indices, in their order.
    ///
    /// # Panics
    ///
    /// If an index is out of range.
    pub fn select(&self, indices: &[usize]) -> Self {
        let size = self.pixels.len().checked_div(self.len()).unwrap_or(0);
        Self {
            pixels: indices.iter().flat_map(|&at| &self.pixels[at * size..][..size]).copied().collect(),
            labels: indices.iter().map(|&at| self.labels[at]).collect(),
        }
    }
}

impl Data {
    /// The name and a checksum of all content, which identify the data set.
    pub fn fingerprint(&self) -> String {
        let hash = [&self.train, &self.test].into_iter().fold(fnv::EMPTY, |hash, pictures| {
            let hash = fnv::continued(fnv::add(hash, pictures.len() as u64), &pictures.pixels);
            pictures.labels.iter().fold(hash, |hash, &label| fnv::add(hash, u64::from(label)))
        });
        format!("{} {hash:016x}", self.name)
    }

    /// Checks that networks can be trained on the data.
    ///
    /// # Errors
    ///
    /// The data lacks something, or its parts do not fit together.
    pub fn check(&self) -> Result<(), DataError> {
        let refuse = |what: &str| Err(DataError::Input(format!("the data set `{}` {what}", self.name)));
        if self.train.is_empty() || self.test.is_empty() {
            return refuse("has no training pictures, or no test pictures");
        }
        if self.classes.len() < 2 {
            return refuse("has fewer than two classes");
        }
        for pictures in [&self.train, &self.test] {
            if pictures.pixels.len() != pictures.len() * self.shape.len() {
                return refuse("has pictures whose size differs from the data set's shape");
            }
            if pictures.labels.iter().any(|&label| usize::from(label) >= self.classes.len()) {
                return refuse("has a label that is not the number of a class");
            }
        }
        Ok(())
    }
}

/// Reads the data set in a folder: MNIST and similar (IDX), CIFAR-10 or CIFAR-100 (binary). `None` if the folder has no file
/// by their names.
///
/// # Errors
///
/// A file cannot be read, or its content does not match its name.
pub fn read(folder: &Path) -> Result<Option<Data>, DataError> {
    of(Files::Folder(folder))
}

/// Reads the data set in files that are in memory, by their names.
///
/// # Errors
///
/// A file is missing, or its content does not match its name.
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
