//! Weights files: a single file, or a first file and the files that belong to it.
//!
//! Each format's row names those files. Names that a file contains never lead out of its folder.

use crate::error::{Error, Result};
use crate::{onnx_file, output};
use mnas_codegen::code::Values;
use mnas_codegen::quantized;
use mnas_codegen::weights::format::{self, Beside, FORMATS, Files, Format, Further};
use mnas_codegen::weights::{self, Fitted, Inventory};
use mnas_dsl::Network;
use mnas_io::read;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Bytes of a weights file for each parameter: a checkpoint in double precision with an optimiser's and an average's
/// copies has five times eight.
const BYTES_PER_PARAMETER: u64 = 64;

/// Further bytes that every weights file may have.
const ALLOWANCE: u64 = 64 << 20;

/// Most bytes of a file that are read without a network.
const INSPECT_LIMIT: u64 = 2 << 30;

/// Every format, in the order of detection.
fn formats() -> impl Iterator<Item = &'static Format> {
    [&mnas_import::FORMAT].into_iter().chain(FORMATS)
}

/// A weights file whose first file was read.
pub(crate) struct WeightFile {
    path: PathBuf,
    bytes: Vec<u8>,
    format: &'static Format,
}

/// Reads the weights of `network`: a network in int8, or weights by name.
pub(crate) fn load_values(path: &Path, network: &Network) -> Result<Values> {
    match load_either(path, network)? {
        Either::Fitted(fitted) => Ok(Values::F32(fitted.weights)),
        Either::Int8(bytes) => {
            Values::int8(&bytes, &path.display().to_string(), network).map_err(|error| Error::input(error.to_string()))
        }
    }
}

/// Reads the weights of `network` by name.
pub(crate) fn load(path: &Path, network: &Network) -> Result<Fitted> {
    match load_either(path, network)? {
        Either::Fitted(fitted) => Ok(fitted),
        Either::Int8(_) => {
            Err(Error::input(format!("`{}` is a network in int8; expected weights of `f32`", path.display()))
                .hint("int8 weights are taken by `mnasc SPEC -o`, `run`, `bench` and `verify`"))
        }
    }
}

enum Either {
    Fitted(Fitted),
    /// The bytes of a network in int8.
    Int8(Vec<u8>),
}

fn load_either(path: &Path, network: &Network) -> Result<Either> {
    let limit = ALLOWANCE + BYTES_PER_PARAMETER * network.parameters();
    let too_large = |path: &Path| {
        Error::input(format!(
            "`{}` has more than {} MB, too much for the {} parameters of network `{}`",
            path.display(),
            limit >> 20,
            network.parameters(),
            network.name
        ))
    };
    let file = WeightFile::open(path, limit, &too_large)?;
    if quantized::is_quantized(&file.bytes) {
        return Ok(Either::Int8(file.bytes));
    }
    let further = match file.format.further {
        Further::None => BTreeMap::new(),
        Further::Named(names) => {
            let names = names(&file.bytes).map_err(|error| unreadable(path, &error))?;
            onnx_file::named(path, &names)?
        }
        Further::Beside(beside) => {
            let mut left = limit;
            let mut further = BTreeMap::new();
            for name in file.names_beside(&beside)? {
                let path = file.path.with_file_name(&name);
                let bytes = read(&path, left)?.ok_or_else(|| too_large(&path))?;
                left -= bytes.len() as u64;
                further.insert(name, bytes);
            }
            further
        }
    };
    let files = Files { first: &file.bytes, further: &further };
    let fitted = file.format.load(&files, &path.display().to_string(), network);
    let fitted = fitted.map_err(|error| Error::input(error.to_string()))?;
    fitted.notes.iter().for_each(|note| output::progress(&format!("weights: {note}")));
    Ok(Either::Fitted(fitted))
}

/// Every existing file that [`load`] reads for the weights at `path`; for files that name others, the first one.
pub(crate) fn files(path: &Path) -> Vec<PathBuf> {
    let is_beside = |beside: &Beside| has_suffix(path, beside.suffix) || !path.exists();
    let several = formats().any(|format| matches!(&format.further, Further::Beside(beside) if is_beside(beside)));
    let several = several.then(|| {
        let file = WeightFile::inspect(path).ok()?;
        let Further::Beside(beside) = &file.format.further else { return None };
        let names = file.names_beside(beside).ok()?;
        Some([file.path.clone()].into_iter().chain(names.iter().map(|name| file.path.with_file_name(name))).collect())
    });
    several.flatten().unwrap_or_else(|| vec![path.to_owned()])
}

impl WeightFile {
    /// Reads the file at `path`, or the first of the files whose common name this is.
    pub(crate) fn open(path: &Path, limit: u64, too_large: &dyn Fn(&Path) -> Error) -> Result<Self> {
        let besides = || {
            formats().filter_map(|format| match &format.further {
                Further::Beside(beside) => Some((format, beside)),
                _ => None,
            })
        };
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if let Some((format, first)) = besides().find_map(|(format, it)| Some((format, (it.first_of)(name)?))) {
            let message = format!("`{}` holds values of a {}, without their names", path.display(), format.name);
            let first = path.with_file_name(first);
            return Err(Error::input(message).hint(format!("give its index, `{}`", first.display())));
        }
        let first = besides().map(|(_, beside)| with_suffix(path, beside.suffix)).find(|_| !path.exists());
        let path = first.filter(|first| first.exists()).unwrap_or_else(|| path.to_owned());
        let bytes = read(&path, limit)?.ok_or_else(|| too_large(&path))?;
        let format = format::recognise(formats(), &bytes).map_err(|error| unreadable(&path, &error))?;
        if let Further::Beside(beside) = &format.further
            && !has_suffix(&path, beside.suffix)
        {
            let message = format!("`{}` is the index of a {} under another name", path.display(), format.name);
            let hint =
                format!("rename it to end in `{}`: the files of its values are found by that name", beside.suffix);
            return Err(Error::input(message).hint(hint));
        }
        Ok(WeightFile { path, bytes, format })
    }

    /// Reads a file to list its content.
    pub(crate) fn inspect(path: &Path) -> Result<Self> {
        Self::open(path, INSPECT_LIMIT, &|path| {
            Error::input(format!("`{}` has more than {} GB", path.display(), INSPECT_LIMIT >> 30))
        })
    }

    /// The content of the file.
    pub(crate) fn inventory(&self) -> Result<Inventory> {
        (self.format.list)(&self.bytes).map_err(|error| unreadable(&self.path, &error))
    }

    /// Whether it is a network in int8.
    pub(crate) fn is_int8(&self) -> bool {
        quantized::is_quantized(&self.bytes)
    }

    fn names_beside(&self, beside: &Beside) -> Result<Vec<String>> {
        let name = self.path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let rest = name.strip_suffix(beside.suffix).unwrap_or(name);
        (beside.names)(&self.bytes, rest).map_err(|error| unreadable(&self.path, &error))
    }
}

fn unreadable(path: &Path, error: &weights::FormatError) -> Error {
    Error::input(format!("cannot read weights from `{}`: {error}", path.display()))
}

fn has_suffix(path: &Path, suffix: &str) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.ends_with(suffix))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut path = OsString::from(path);
    path.push(suffix);
    path.into()
}
