//! The files of data sets, compressed or not, with a limit on the bytes that are read.

use flate2::read::GzDecoder;
use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

/// Limit on the unpacked bytes of a compressed file: a constant, and a multiple of its own size. MNIST's images unpack to
/// five times their size; gzip packs a file of zeros to a thousandth.
const UNPACKED: u64 = 48 << 20;
const UNPACKED_PER_BYTE: u64 = 100;

/// The reason why a data set cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DataError {
    /// The system's error.
    System(String),
    /// The content of a file does not match its name.
    Input(String),
}

impl fmt::Display for DataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::System(message) | Self::Input(message)) = self;
        f.write_str(message)
    }
}

impl std::error::Error for DataError {}

/// The files of a data set, in a folder or in memory.
#[derive(Clone, Copy)]
pub(crate) enum Files<'a> {
    Folder(&'a Path),
    Memory(&'a BTreeMap<&'a str, &'a [u8]>),
}

impl<'a> Files<'a> {
    /// The data set's name, which is that of the folder.
    pub(crate) fn name(self) -> String {
        let path = match self {
            Self::Folder(folder) => folder.canonicalize().ok(),
            Self::Memory(_) => None,
        };
        let name = path.and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
        name.unwrap_or_else(|| "data".to_owned())
    }

    pub(crate) fn has(self, name: &str) -> bool {
        match self {
            Self::Folder(folder) => folder.join(name).is_file(),
            Self::Memory(files) => files.contains_key(name),
        }
    }

    /// Opens a file, and decompresses it if its name ends in `.gz`.
    pub(crate) fn open(self, name: &str) -> Result<DataFile<'a>, DataError> {
        let path = match self {
            Self::Folder(folder) => folder.join(name),
            Self::Memory(_) => PathBuf::from(name),
        };
        let failed = |error: io::Error| DataError::System(format!("cannot read `{}`: {error}", path.display()));
        let (bytes, len): (Box<dyn Read>, u64) = match self {
            Self::Folder(_) => {
                let file = File::open(&path).map_err(failed)?;
                let len = file.metadata().map_err(failed)?.len();
                (Box::new(BufReader::new(file)), len)
            }
            Self::Memory(files) => {
                let bytes = *files.get(name).ok_or_else(|| failed(io::ErrorKind::NotFound.into()))?;
                (Box::new(bytes), bytes.len() as u64)
            }
        };
        let is_compressed = path.extension().is_some_and(|extension| extension == "gz");
        Ok(if is_compressed { DataFile::gzip(path, bytes, len) } else { DataFile { path, bytes, limit: u64::MAX } })
    }

    /// The name of a file in messages.
    pub(crate) fn shown(self) -> String {
        match self {
            Self::Folder(folder) => folder.display().to_string(),
            Self::Memory(_) => self.name(),
        }
    }
}

/// A file that is read from start to end.
pub(crate) struct DataFile<'a> {
    path: PathBuf,
    bytes: Box<dyn Read + 'a>,
    /// Most bytes that are read from the file.
    limit: u64,
}

impl<'a> DataFile<'a> {
    /// A compressed file of `len` bytes.
    pub(crate) fn gzip(path: PathBuf, bytes: impl Read + 'a, len: u64) -> Self {
        let limit = UNPACKED.saturating_add(len.saturating_mul(UNPACKED_PER_BYTE));
        Self { path, bytes: Box::new(GzDecoder::new(bytes)), limit }
    }

    /// An error that names the file.
    pub(crate) fn wrong(&self, what: impl fmt::Display) -> DataError {
        DataError::Input(format!("`{}`: {what}", self.path.display()))
    }

    /// The next bytes, into an array.
    pub(crate) fn header<const N: usize>(&mut self) -> Result<[u8; N], DataError> {
        let mut bytes = [0; N];
        self.bytes.read_exact(&mut bytes).map_err(|error| self.broken(&error))?;
        Ok(bytes)
    }

    /// The remaining `len` bytes, exactly; memory is allocated only as bytes arrive.
    pub(crate) fn rest(&mut self, len: u64) -> Result<Vec<u8>, DataError> {
        let bytes = self.up_to(len)?;
        if bytes.len() as u64 == len {
            return Ok(bytes);
        }
        Err(self.wrong(format!("{len} bytes of data are expected, but the file has {}", bytes.len())))
    }

    /// The remaining bytes, at most `limit`.
    pub(crate) fn up_to(&mut self, limit: u64) -> Result<Vec<u8>, DataError> {
        let mut bytes = Vec::new();
        let most = limit.min(self.limit);
        let read = (&mut self.bytes).take(most.saturating_add(1)).read_to_end(&mut bytes);
        read.map_err(|error| self.broken(&error))?;
        match bytes.len() as u64 {
            len if len <= most => Ok(bytes),
            _ if most < limit => {
                Err(self.wrong(format!("it decompresses to more than {most} bytes, too many for a file of its size")))
            }
            _ => Err(self.wrong(format!("it has more than the {limit} bytes of data that are expected"))),
        }
    }

    fn broken(&self, error: &io::Error) -> DataError {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => self.wrong("it ends too early"),
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => self.wrong(format!("damaged: {error}")),
            _ => DataError::System(format!("cannot read `{}`: {error}", self.path.display())),
        }
    }
}
