//! The lock of the machine: one process measures at a time, and trainings wait meanwhile. It is advisory: where it cannot
//! be had, a measurement goes on with a warning.

use mnas_io::progress::progress;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Held while something is measured. The system releases it when the process ends, however it ends.
#[derive(Debug)]
pub struct Lock {
    _file: Option<File>,
}

/// Waits until no other process measures.
pub fn acquire() -> Lock {
    acquire_at(&path(), "another mnasc is measuring; waiting for it")
}

/// As [`acquire`], for a command that says that it waits.
pub fn acquire_for(command: &str) -> Lock {
    let waits = format!("another mnasc is measuring on this machine; `mnasc {command}` waits until it has finished");
    acquire_at(&path(), &waits)
}

/// One file for all processes with the same folder for temporary files, whichever cache and whichever user they have.
fn path() -> PathBuf {
    std::env::temp_dir().join("mnas-measuring.lock")
}

/// Waits while another process measures, and does not keep it from measuring: for work that can be delayed. Does not
/// wait where the lock cannot be had.
pub fn pass() {
    static FILE: OnceLock<Option<File>> = OnceLock::new();
    let Some(file) = FILE.get_or_init(|| open(&path()).ok()) else { return };
    pass_by(file, || progress("something is being measured on this machine; trainings wait for it"));
}

/// As [`pass`], with an open file; `waits` is called before it waits.
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
        // Unlocking does not fail for a lock that is held.
        let _ = file.unlock();
    }
}

/// As [`acquire`], with another file; `waits` is printed before it waits.
fn acquire_at(path: &Path, waits: &str) -> Lock {
    match try_acquire(path, waits) {
        Ok(file) => Lock { _file: Some(file) },
        Err(error) => {
            progress(&format!(
                "warning: cannot lock `{}`: {error}; another process may disturb what is measured",
                path.display()
            ));
            Lock { _file: None }
        }
    }
}

fn try_acquire(path: &Path, waits: &str) -> io::Result<File> {
    let file = open(path)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            progress(waits);
            file.lock()?;
        }
        Err(TryLockError::Error(error)) => return Err(error),
    }
    Ok(file)
}

/// Opens the file of the lock, or creates it. Another user may have put anything in its place: links are not followed, a
/// pipe does not block, and only a regular file is taken.
fn open(path: &Path) -> io::Result<File> {
    let file = match cautious().read(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => create(path)?,
        opened => opened?,
    };
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("it is not a regular file")) }
}

fn create(path: &Path) -> io::Result<File> {
    match cautious().write(true).create_new(true).open(path) {
        // Another process was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => cautious().read(true).open(path),
        created => {
            let file = created?;
            share(&file)?;
            Ok(file)
        }
    }
}

#[cfg(unix)]
fn cautious() -> OpenOptions {
    use rustix::fs::OFlags;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = OpenOptions::new();
    options.custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed());
    options
}

#[cfg(not(unix))]
fn cautious() -> OpenOptions {
    OpenOptions::new()
}

/// All users of the machine can lock the file, whatever the umask of the first one is.
#[cfg(unix)]
fn share(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(std::fs::Permissions::from_mode(0o666))
}

#[cfg(not(unix))]
fn share(_: &File) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_held_until_it_is_dropped() {
        let path = std::env::temp_dir().join(format!("mnasc-lock-{}", mnas_files::unique()));
        let lock = acquire_at(&path, "another");
        let other = open(&path).unwrap();
        assert!(matches!(other.try_lock(), Err(TryLockError::WouldBlock)));
        drop(lock);
        other.try_lock().unwrap();
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn passing_waits_and_does_not_keep_others_from_measuring() {
        let path = std::env::temp_dir().join(format!("mnasc-pass-{}", mnas_files::unique()));
        let lock = acquire_at(&path, "another");
        let (tell, told) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let file = open(&path).unwrap();
                pass_by(&file, || tell.send("waits").unwrap());
                tell.send("passed").unwrap();
                // Nothing is measured now.
                pass_by(&file, || tell.send("waits again").unwrap());
                drop(acquire_at(&path, "another"));
                tell.send("measured").unwrap();
            });
            assert_eq!(told.recv(), Ok("waits"));
            // Nothing arrives before the lock is released.
            assert!(told.recv_timeout(std::time::Duration::from_millis(100)).is_err());
            drop(lock);
            assert_eq!((told.recv(), told.recv()), (Ok("passed"), Ok("measured")));
        });
        std::fs::remove_file(path).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn a_measurement_continues_if_another_user_replaced_the_lock() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let folder = mnas_files::TempFolder::new("mnasc-lock-test").unwrap();
        let place = |name: &str| folder.path().join(name);
        // A pipe that nothing writes to.
        let made = std::process::Command::new("mkfifo").arg(place("pipe")).status().unwrap();
        assert!(made.success());
        assert!(acquire_at(&place("pipe"), "another")._file.is_none());
        // A link whose file would be created.
        symlink(place("elsewhere"), place("link")).unwrap();
        assert!(acquire_at(&place("link"), "another")._file.is_none());
        assert!(!place("elsewhere").exists());
        assert!(acquire_at(folder.path(), "another")._file.is_none());
        assert!(acquire_at(&place("missing/lock"), "another")._file.is_none());
        // The control: nothing is there, and the file is for all users whatever the umask is.
        assert!(acquire_at(&place("lock"), "another")._file.is_some());
        assert_eq!(std::fs::metadata(place("lock")).unwrap().permissions().mode() & 0o777, 0o666);
        // A file that its owner keeps others from writing can still be locked.
        std::fs::set_permissions(place("lock"), std::fs::Permissions::from_mode(0o444)).unwrap();
        assert!(acquire_at(&place("lock"), "another")._file.is_some());
    }
}
