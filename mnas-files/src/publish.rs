//! Files are written beside their places, and renamed when all of them are complete and on the disk.

use crate::target::{PublishError, Reason, Target, targets};
use crate::unique;
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How the name of a file ends that is not complete.
const SUFFIX: &str = ".tmp";

/// A temporary file of this age belongs to a process that was killed.
const ABANDONED: Duration = Duration::from_secs(24 * 60 * 60);

/// Writes files, each a path and its bytes: all of them or, where one cannot be written, none.
///
/// Links are followed. The permissions of a file that is replaced are kept, and a file that is read-only is not
/// replaced. Pipes and devices are written in place. The files are on the disk when this returns, also where the machine
/// loses power: a file has the old bytes or the new ones. A process that is killed while several files are renamed may
/// leave some of them old and some new.
///
/// # Errors
///
/// What cannot be written. Two outputs that are one file are an error before anything is written.
pub fn publish(outputs: &[(&Path, &[u8])]) -> Result<(), PublishError> {
    let paths: Vec<&Path> = outputs.iter().map(|(path, _)| *path).collect();
    let targets = targets(&paths)?;
    let mut staged = Vec::new();
    for (&(path, bytes), target) in outputs.iter().zip(&targets) {
        if let Target::File(target) = target {
            staged.push((path, Staged::write(target, bytes).map_err(failed(path))?));
        }
    }
    for (&(path, bytes), target) in outputs.iter().zip(&targets) {
        if let Target::Special(target) = target {
            write_in_place(target, bytes).map_err(failed(path))?;
        }
    }
    for at in 0..staged.len() {
        if let Err(error) = staged[at].1.rename() {
            // Files that were there have new bytes now; what did not exist must not be left alone.
            staged[..at].iter().for_each(|(_, before)| before.take_back());
            return Err(failed(staged[at].0)(error));
        }
    }
    let folders: BTreeSet<&Path> = staged.iter().filter_map(|(_, it)| it.target.parent()).collect();
    folders.into_iter().for_each(sync_folder);
    Ok(())
}

/// Brings the names in a folder to the disk. Not every file system can, and the files are complete either way, so that
/// failing is no error.
pub fn sync_folder(folder: &Path) {
    if cfg!(unix) {
        let _ = File::open(folder).and_then(|folder| folder.sync_all());
    }
}

fn failed(path: &Path) -> impl Fn(io::Error) -> PublishError {
    move |error| PublishError { path: path.to_owned(), reason: Reason::System(error) }
}

fn write_in_place(target: &Path, bytes: &[u8]) -> io::Result<()> {
    OpenOptions::new().write(true).open(target)?.write_all(bytes)
}

/// A complete file beside its place, removed if it never gets there.
struct Staged {
    target: PathBuf,
    temporary: PathBuf,
    /// Whether there was no such file before.
    is_new: bool,
    is_renamed: bool,
}

impl Staged {
    fn write(target: &Path, bytes: &[u8]) -> io::Result<Self> {
        remove_abandoned(target);
        let before = fs::metadata(target).ok().map(|found| found.permissions());
        let temporary = beside(target);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        if let Some(before) = &before {
            restrict(&mut options, before);
        }
        let mut file = options.open(&temporary)?;
        let staged = Staged { target: target.to_owned(), temporary, is_new: before.is_none(), is_renamed: false };
        file.write_all(bytes)?;
        if let Some(before) = before {
            file.set_permissions(without_special_bits(before))?;
        }
        file.sync_all()?;
        Ok(staged)
    }

    fn rename(&mut self) -> io::Result<()> {
        fs::rename(&self.temporary, &self.target)?;
        self.is_renamed = true;
        Ok(())
    }

    fn take_back(&self) {
        if self.is_new && self.is_renamed {
            // The first error is the one that is reported.
            let _ = fs::remove_file(&self.target);
        }
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.is_renamed {
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

/// The new file is never readable by users that could not read the old one, not even while it is written.
#[cfg(unix)]
fn restrict(options: &mut OpenOptions, before: &Permissions) {
    use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
    options.mode(before.mode() & 0o777);
}

#[cfg(not(unix))]
fn restrict(_: &mut OpenOptions, _: &Permissions) {}

/// A new file does not become another user's program.
#[cfg(unix)]
fn without_special_bits(before: Permissions) -> Permissions {
    use std::os::unix::fs::PermissionsExt as _;
    Permissions::from_mode(before.mode() & 0o777)
}

#[cfg(not(unix))]
fn without_special_bits(before: Permissions) -> Permissions {
    before
}

/// A hidden name in the same folder, so that renaming never crosses file systems.
fn beside(target: &Path) -> PathBuf {
    let mut name = prefix(target);
    name.push(unique());
    name.push(SUFFIX);
    target.with_file_name(name)
}

fn prefix(target: &Path) -> OsString {
    let mut prefix = OsString::from(".");
    prefix.push(target.file_name().unwrap_or_default());
    prefix.push(".");
    prefix
}

/// Removes temporary files of the same output that killed processes left behind.
fn remove_abandoned(target: &Path) {
    let Some(folder) = target.parent() else { return };
    let Ok(entries) = fs::read_dir(folder) else { return };
    let prefix = prefix(target);
    for entry in entries.flatten() {
        if is_temporary(&entry.file_name(), &prefix) && is_abandoned(&entry) {
            // Another process may do the same.
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn is_temporary(name: &OsStr, prefix: &OsStr) -> bool {
    let middle = name.as_encoded_bytes().strip_prefix(prefix.as_encoded_bytes());
    let middle = middle.and_then(|rest| rest.strip_suffix(SUFFIX.as_bytes()));
    middle.is_some_and(|middle| middle.len() == 16 && middle.iter().all(u8::is_ascii_hexdigit))
}

fn is_abandoned(entry: &fs::DirEntry) -> bool {
    let age = entry.metadata().and_then(|found| found.modified()).ok().and_then(|time| time.elapsed().ok());
    age.is_some_and(|age| age > ABANDONED)
}
