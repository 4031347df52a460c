//! Reading files of data sets, compressed or not, never more than they can sensibly have.

use flate2::read::GzDecoder;
use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

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

impl DataError {
    /// Something is wrong with a file.
    pub(super) fn of(path: &Path, what: impl fmt::Display) -> Self {
        Self::Input(format!("`{}`: {what}", path.display()))
    }
}

/// Opens a file, which is decompressed if its name ends in `.gz`.
pub(super) fn open(path: &Path) -> Result<Box<dyn Read>, DataError> {
    let file =
        File::open(path).map_err(|error| DataError::System(format!("cannot read `{}`: {error}", path.display())))?;
    let file = BufReader::new(file);
    let is_compressed = path.extension().is_some_and(|extension| extension == "gz");
    Ok(if is_compressed { Box::new(GzDecoder::new(file)) } else { Box::new(file) })
}

/// Everything that is left of a file: exactly `len` bytes, which nothing allocates before they are there.
pub(super) fn rest(path: &Path, file: &mut dyn Read, len: u64) -> Result<Vec<u8>, DataError> {
    let bytes = up_to(path, file, len)?;
    if bytes.len() as u64 == len {
        return Ok(bytes);
    }
    Err(DataError::of(path, format!("{len} bytes of data are expected, the file has {}", bytes.len())))
}

/// What is left of a file, at most `limit` bytes.
pub(super) fn up_to(path: &Path, file: &mut dyn Read, limit: u64) -> Result<Vec<u8>, DataError> {
    let mut bytes = Vec::new();
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(|error| broken(path, &error))?;
    if bytes.len() as u64 > limit {
        return Err(DataError::of(path, format!("more than the {limit} bytes of data that are expected")));
    }
    Ok(bytes)
}

/// Some bytes from the beginning.
pub(super) fn header<const N: usize>(path: &Path, file: &mut dyn Read) -> Result<[u8; N], DataError> {
    let mut bytes = [0; N];
    file.read_exact(&mut bytes).map_err(|error| broken(path, &error))?;
    Ok(bytes)
}

fn broken(path: &Path, error: &io::Error) -> DataError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => DataError::of(path, "it ends too early"),
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => DataError::of(path, format!("damaged: {error}")),
        _ => DataError::System(format!("cannot read `{}`: {error}", path.display())),
    }
}
