//! Who measures on this machine is alone with it, among all that take this lock; trainings wait meanwhile.

use crate::error::{Error, Result};
use crate::output::progress;
use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Held while something is measured. The system takes it from a process that ends, however it ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Waits until nobody else measures.
pub fn acquire() -> Result<Lock> {
    acquire_at(&path(), "another mnasc is measuring; waiting for it")
}

/// As [`acquire`], for a command that says of itself that it waits.
pub fn acquire_for(command: &str) -> Result<Lock> {
    let waits = format!("another mnasc is measuring on this machine; `mnasc {command}` waits until it has finished");
    acquire_at(&path(), &waits)
}

/// One for all on the machine who have the same folder for temporary files, whichever cache they have.
fn path() -> PathBuf {
    std::env::temp_dir().join("mnas-measuring.lock")
}

/// Waits while anybody measures, without keeping them from it: for work that goes on a moment later. Where the lock cannot
/// be had there is nobody to wait for.
pub fn pass() {
    static FILE: OnceLock<Option<File>> = OnceLock::new();
    let Some(file) = FILE.get_or_init(|| open(&path()).ok()) else { return };
    pass_by(file, || progress("something is being measured on this machine; trainings wait for it"));
}

/// As [`pass`], by a file; `waits` is called where somebody measures.
fn pass_by(file: &File, waits: impl FnOnce()) {
    let passed = match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => {
            waits();
            file.lock_shared().is_ok()
        }
        Ok(()) => true,
        Err(TryLockError::Error(_)) => false,
    };
    if passed {
        // It cannot be kept from letting go.
        let _ = file.unlock();
    }
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

    #[test]
    fn who_passes_waits_and_keeps_nobody_from_measuring() {
        let path = std::env::temp_dir().join(format!("mnasc-pass-{}", crate::output::unique()));
        let lock = acquire_at(&path, "another").unwrap();
        let (tell, told) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let file = open(&path).unwrap();
                pass_by(&file, || tell.send("waits").unwrap());
                tell.send("passed").unwrap();
                // Nobody measures: there is nothing to wait for.
                pass_by(&file, || tell.send("waits again").unwrap());
                acquire_at(&path, "another").unwrap();
                tell.send("measured").unwrap();
            });
            assert_eq!(told.recv(), Ok("waits"));
            // Nothing can come, however long one waits.
            assert!(told.recv_timeout(std::time::Duration::from_millis(100)).is_err());
            drop(lock);
            assert_eq!((told.recv(), told.recv()), (Ok("passed"), Ok("measured")));
        });
        std::fs::remove_file(path).unwrap();
    }
}
