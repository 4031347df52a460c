//! Formats of weight files: one file and one row in [`FORMATS`] for each.
//!
//! Whatever reads weights goes by these rows, so a format that has one is known to the library, to `mnas_net!`, to build
//! scripts and to the command line.
//!
//! ```
//! use mnas_codegen::weights::format::{FORMATS, recognise};
//!
//! let file = br#"X.......{"stem.conv.weight":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#;
//! assert_eq!(recognise(FORMATS, file)?.name, "safetensors");
//! assert!(recognise(FORMATS, b"GIF89a").is_err());
//! # Ok::<(), mnas_codegen::weights::FormatError>(())
//! ```

pub mod pth;
pub mod safetensors;
pub mod tf_checkpoint;

use super::fit::{self, Fitted};
use super::{Contents, FormatError, Inventory, WeightsError};
use mnas_dsl::network::Network;
use std::collections::BTreeMap;

/// Every format that this crate reads. `mnas-import` has a row for ONNX.
pub const FORMATS: &[Format] = &[pth::FORMAT, safetensors::FORMAT, tf_checkpoint::FORMAT];

/// A format of files that hold weights.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// Its name in messages.
    pub name: &'static str,
    /// Whether a file, or the first of several, has this format.
    pub is: fn(&[u8]) -> bool,
    /// Which further files belong to the first.
    pub further: Further,
    /// What the first file lists, without values.
    pub list: fn(&[u8]) -> Result<Inventory, FormatError>,
    /// How weights are read.
    pub read: Read,
}

/// Which further files belong to the first.
#[derive(Clone, Copy, Debug)]
pub enum Further {
    /// None: one file holds everything.
    None,
    /// Files beside the first whose names follow from its own.
    Beside(Beside),
    /// Files that the first names, relative to its folder. They may be none, and have to lie within the folder.
    Named(fn(&[u8]) -> Result<Vec<String>, FormatError>),
}

/// Files beside the first whose names follow from its own.
#[derive(Clone, Copy, Debug)]
pub struct Beside {
    /// How the first file's name ends; the rest names all of them.
    pub suffix: &'static str,
    /// The names, from the first file and the rest of its name.
    pub names: fn(&[u8], &str) -> Result<Vec<String>, FormatError>,
    /// The name of the first file by that of a further one; `None` for other names.
    pub first_of: fn(&str) -> Option<String>,
}

/// How weights are read.
#[derive(Clone, Copy, Debug)]
pub enum Read {
    /// As tensors by the names of the file, which are then fitted to the network. Of a file with several sets of tensors
    /// the one is read that fits best.
    Tensors(fn(&Files, Option<&Fitness<'_>>) -> Result<Contents, FormatError>),
    /// For a network at once. The text is the file's name, for errors.
    Network(fn(&Files, &str, &Network) -> Result<Fitted, WeightsError>),
}

/// How many parameters of a network tensors of these names and shapes are.
pub type Fitness<'a> = dyn Fn(&BTreeMap<String, Vec<usize>>) -> usize + 'a;

/// The bytes of a file of weights, and of those that belong to it.
#[derive(Clone, Copy, Debug)]
pub struct Files<'a> {
    /// The file that says what there is.
    pub first: &'a [u8],
    /// The further ones by name.
    pub further: &'a BTreeMap<String, Vec<u8>>,
}

impl Format {
    /// The weights of `network`. `file_name` is for errors.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or with everything that is missing, extra, misshapen or not finite.
    pub fn load(&self, files: &Files, file_name: &str, network: &Network) -> Result<Fitted, WeightsError> {
        match self.read {
            Read::Network(load) => load(files, file_name, network),
            Read::Tensors(read) => {
                let unreadable = |error| WeightsError::Unreadable { file: file_name.to_owned(), error };
                let fitness = fit::fitness(network);
                fit::fit_contents(read(files, Some(&fitness)).map_err(unreadable)?, file_name, network)
            }
        }
    }
}

/// The first of these formats that a file has.
///
/// # Errors
///
/// When it has none of them.
pub fn recognise(
    formats: impl IntoIterator<Item = &'static Format>,
    bytes: &[u8],
) -> Result<&'static Format, FormatError> {
    let mut names = Vec::new();
    for format in formats {
        if (format.is)(bytes) {
            return Ok(format);
        }
        names.push(format.name);
    }
    if let Some(what) = other(bytes) {
        return Err(FormatError::new(what));
    }
    let last = names.pop().unwrap_or_default();
    Err(FormatError::new(format!("its format is not known; expected {} or {last}", names.join(", "))))
}

/// What a file is that is taken for weights and holds none that are read.
fn other(bytes: &[u8]) -> Option<&'static str> {
    const STARTS: [(&[u8], &str); 11] = [
        // A clone without git-lfs has this in place of the file.
        (b"version https://git-lfs", "it is a pointer of Git LFS, not the file itself; fetch it with `git lfs pull`"),
        (b"\x89HDF\r\n\x1a\n", "it is an HDF5 file, as Keras writes it; export the model to ONNX"),
        (b"GGUF", "it is a GGUF file, which is not read; save the weights as safetensors"),
        (b"\x93NUMPY", "it is a single array of NumPy; save the weights as safetensors"),
        (b"\x1f\x8b", "it is packed with gzip; unpack it first"),
        (b"BZh", "it is packed with bzip2; unpack it first"),
        (b"\xfd7zXZ\0", "it is packed with xz; unpack it first"),
        (b"\x28\xb5\x2f\xfd", "it is packed with zstd; unpack it first"),
        (b"<!DOCTYPE", "it is a web page: the download went wrong"),
        (b"<!doctype", "it is a web page: the download went wrong"),
        (b"<html", "it is a web page: the download went wrong"),
    ];
    let start = STARTS.iter().find(|(start, _)| bytes.starts_with(start)).map(|(_, what)| *what);
    start.or_else(|| match bytes {
        [] => Some("it is empty"),
        _ if bytes.get(4..8) == Some(b"TFL3") => Some("it is a TensorFlow Lite model, which is not read"),
        _ if bytes.get(257..262) == Some(b"ustar") => Some("it is a tar archive; unpack it first"),
        _ => None,
    })
}
