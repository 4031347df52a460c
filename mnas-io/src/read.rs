//! Reading files with a limit on their size.

use crate::error::{Error, Result};
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

/// Reads a file; `None` if it has more than `limit` bytes. At most `limit + 1` bytes are read.
///
/// # Errors
///
/// The system's.
pub fn read(path: &Path, limit: u64) -> Result<Option<Vec<u8>>> {
    let read = || -> io::Result<Option<Vec<u8>>> {
        let file = File::open(path)?;
        if file.metadata()?.len() > limit {
            return Ok(None);
        }
        // The size of a pipe or a device is not known before.
        let mut bytes = Vec::new();
        file.take(limit + 1).read_to_end(&mut bytes)?;
        Ok(if bytes.len() as u64 > limit { None } else { Some(bytes) })
    };
    read().map_err(|error| Error::file("read", path, &error))
}
