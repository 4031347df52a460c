//! Names that no other process uses, and temporary folders under such names.

use std::fs::{self, DirBuilder};
use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::path::{Path, PathBuf};

/// 16 hexadecimal digits that cannot be predicted: part of a name that no other process uses, on this machine or on
/// another one that shares the folder.
pub fn unique() -> String {
    // The keys of hash tables are the standard library's only source of randomness.
    format!("{:016x}", RandomState::new().hash_one(std::process::id()))
}

/// A folder for temporary files, removed with all that is in it when it is dropped.
///
/// Other users can neither guess its name nor read or write it.
#[derive(Debug)]
pub struct TempFolder {
    path: PathBuf,
}

impl TempFolder {
    /// A new folder in the system's folder for temporary files; its name starts with `prefix`.
    ///
    /// # Errors
    ///
    /// The folder cannot be created. A folder or link that has its name already is an error too: it is never reused.
    pub fn new(prefix: &str) -> io::Result<Self> {
        let path = std::env::temp_dir().join(format!("{prefix}-{}", unique()));
        let mut builder = DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&path)?;
        Ok(TempFolder { path })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for TempFolder {
    fn drop(&mut self) {
        // The system empties its folder for temporary files anyway.
        let _ = fs::remove_dir_all(&self.path);
    }
}
