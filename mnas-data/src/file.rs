//! The files of data sets, compressed or not. Each has a limit on the bytes that are read.

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

/// Why there is no data set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DataError {
    /// The system refused.
    System(String),
    /// A file is not what its name says.
    Input(String),
}

impl fmt::Display for DataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::System(message) | Self::Input(message)) = self;
        f.write_str(message)
    }
}

impl std::error::Error for DataError {}

/// Where the files of a data set are.
#[derive(Clone, Copy)]
pub(crate) enum Files<'a> {
    Folder(&'a Path),
    Memory(&'a BTreeMap<&'a str, &'a [u8]>),
}

impl<'a> Files<'a> {
    /// What the data set is called: as its folder.
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

    /// Opens a file, which is decompressed if its name ends in `.gz`.
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

    /// What a file is called in messages.
    pub(crate) fn shown(self) -> String {
        match self {
            Self::Folder(folder) => folder.display().to_string(),
            Self::Memory(_) => self.name(),
        }
    }
}

/// A file that is read from its beginning to its end.
pub(crate) struct DataFile<'a> {
    path: PathBuf,
    bytes: Box<dyn Read + 'a>,
    /// Bytes that are read of it at most, in one piece.
    limit: u64,
}

impl<'a> DataFile<'a> {
    /// A compressed file of `len` bytes.
    pub(crate) fn gzip(path: PathBuf, bytes: impl Read + 'a, len: u64) -> Self {
        let limit = UNPACKED.saturating_add(len.saturating_mul(UNPACKED_PER_BYTE));
        Self { path, bytes: Box::new(GzDecoder::new(bytes)), limit }
    }

    /// Something is wrong with it.
    pub(crate) fn wrong(&self, what: impl fmt::Display) -> DataError {
        DataError::Input(format!("`{}`: {what}", self.path.display()))
    }

    /// Some bytes from the beginning.
    pub(crate) fn header<const N: usize>(&mut self) -> Result<[u8; N], DataError> {
        let mut bytes = [0; N];
        self.bytes.read_exact(&mut bytes).map_err(|error| self.broken(&error))?;
        Ok(bytes)
    }

    /// Everything that is left: exactly `len` bytes, which nothing allocates before they are there.
    pub(crate) fn rest(&mut self, len: u64) -> Result<Vec<u8>, DataError> {
        let bytes = self.up_to(len)?;
        if bytes.len() as u64 == len {
            return Ok(bytes);
        }
        Err(self.wrong(format!("{len} bytes of data are expected, the file has {}", bytes.len())))
    }

    /// What is left, at most `limit` bytes.
    pub(crate) fn up_to(&mut self, limit: u64) -> Result<Vec<u8>, DataError> {
        let mut bytes = Vec::new();
        let most = limit.min(self.limit);
        let read = (&mut self.bytes).take(most.saturating_add(1)).read_to_end(&mut bytes);
        read.map_err(|error| self.broken(&error))?;
        match bytes.len() as u64 {
            len if len <= most => Ok(bytes),
            _ if most < limit => {
                Err(self.wrong(format!("more than {most} bytes are packed in it, too many for a file of its size")))
            }
            _ => Err(self.wrong(format!("more than the {limit} bytes of data that are expected"))),
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
