//! Who measures on this machine is alone with it, among all that take this lock.

use crate::error::{Error, Result};
use crate::output::progress;
use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// Held while something is measured. The system takes it from a process that ends, however it ends.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

/// Waits until nobody else measures.
pub(crate) fn acquire() -> Result<Lock> {
    acquire_at(&path(), "another mnasc is measuring; waiting for it")
}

/// As [`acquire`], for a command that says of itself that it waits.
pub(crate) fn acquire_for(command: &str) -> Result<Lock> {
    let waits = format!("another mnasc is measuring on this machine; `mnasc {command}` waits until it has finished");
    acquire_at(&path(), &waits)
}

/// One for the machine, whoever uses it and whichever cache they have.
fn path() -> PathBuf {
    std::env::temp_dir().join("mnas-measuring.lock")
}

/// As [`acquire`], by a file; who has to wait is told what it `waits` for.
fn acquire_at(path: &Path, waits: &str) -> Result<Lock> {
    let failed = |error: io::Error| Error::file("lock", path, &error);
    let file = open(path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            progress(waits);
            file.lock().map_err(failed)?;
        }
        Err(TryLockError::Error(error)) => return Err(failed(error)),
    }
    Ok(Lock { _file: file })
}

/// Another user's file can be locked, but not always written.
fn open(path: &Path) -> io::Result<File> {
    File::open(path).or_else(|_| File::options().create(true).truncate(false).write(true).open(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_holds_it_until_it_lets_go() {
        let path = std::env::temp_dir().join(format!("mnasc-lock-{}", crate::output::unique()));
        let lock = acquire_at(&path, "another").unwrap();
        let other = open(&path).unwrap();
        assert!(matches!(other.try_lock(), Err(TryLockError::WouldBlock)));
        drop(lock);
        other.try_lock().unwrap();
        std::fs::remove_file(path).unwrap();
    }
}
