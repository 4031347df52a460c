//! Which file an output path stands for.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Longer chains of links are treated as a loop, as Linux does.
const MOST_LINKS: usize = 40;

/// Why a file was not written.
#[derive(Debug)]
pub struct PublishError {
    /// The output, as it was given.
    pub path: PathBuf,
    /// The reason.
    pub reason: Reason,
}

/// What is wrong with an output.
#[derive(Debug)]
#[non_exhaustive]
pub enum Reason {
    /// It is a folder, or its path can only be one.
    Folder,
    /// A file is there that must not be written.
    ReadOnly,
    /// It is the same file as this other output.
    SameFile(PathBuf),
    /// The system refused.
    System(io::Error),
}

impl fmt::Display for PublishError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.reason {
            Reason::SameFile(other) => {
                write!(f, "two outputs have the same name: `{}` and `{path}` are one file", other.display())
            }
            reason => write!(f, "cannot write `{path}`: {reason}"),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Folder => f.write_str("it is a folder"),
            Reason::ReadOnly => f.write_str("the file is read-only"),
            Reason::SameFile(other) => write!(f, "`{}` is the same file", other.display()),
            Reason::System(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for PublishError {}

/// The file that a path stands for: all links are followed, and the last component need not exist, neither that of the
/// path nor that of a link.
///
/// # Errors
///
/// The folder does not exist or cannot be searched, or links form a loop.
pub fn resolve(path: &Path) -> io::Result<PathBuf> {
    if let Ok(found) = fs::canonicalize(path) {
        return Ok(found);
    }
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        let Some(name) = path.file_name() else { return fs::canonicalize(&path) };
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => fs::canonicalize(folder)?,
            _ => fs::canonicalize(".")?,
        };
        let found = folder.join(name);
        match fs::read_link(&found) {
            Ok(link) => path = folder.join(link),
            // No link, or not there.
            Err(_) => return Ok(found),
        }
    }
    Err(io::Error::other("too many links"))
}

/// Refuses outputs two of which are one file, however they are written: `a` and `./a`, or a file and a link to it.
///
/// # Errors
///
/// Such a pair. Whether an output can be written is another question, which [`publish`](crate::publish) answers.
pub fn check_distinct(paths: &[&Path]) -> Result<(), PublishError> {
    let is_special = |path: &Path| fs::metadata(path).is_ok_and(|found| !found.is_file());
    let no_file = |path: &Path| is_special(path) || can_only_be_folder(path);
    let file = |path: &Path| if no_file(path) { None } else { resolve(path).ok() };
    let files: Vec<Option<PathBuf>> = paths.iter().map(|path| file(path)).collect();
    for (at, file) in files.iter().enumerate().filter(|(_, file)| file.is_some()) {
        if let Some(before) = files[..at].iter().position(|it| it == file) {
            return Err(same_file(paths[before], paths[at]));
        }
    }
    Ok(())
}

fn same_file(before: &Path, path: &Path) -> PublishError {
    PublishError { path: path.to_owned(), reason: Reason::SameFile(before.to_owned()) }
}

/// What is to be written.
pub(crate) enum Target {
    /// A file, there or not; no link.
    File(PathBuf),
    /// A pipe or a device, which cannot be replaced and must not be.
    Special(PathBuf),
}

/// The targets of outputs, all of which are different files.
pub(crate) fn targets(paths: &[&Path]) -> Result<Vec<Target>, PublishError> {
    check_distinct(paths)?;
    let target = |path: &&Path| target(path).map_err(|reason| PublishError { path: path.to_path_buf(), reason });
    paths.iter().map(target).collect()
}

fn target(path: &Path) -> Result<Target, Reason> {
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => return Err(Reason::Folder),
        Ok(found) if !found.is_file() => return Ok(Target::Special(path.to_owned())),
        Ok(found) if found.permissions().readonly() => return Err(Reason::ReadOnly),
        Ok(_) => {}
        Err(_) if can_only_be_folder(path) => return Err(Reason::Folder),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(Reason::System(error)),
    }
    resolve(path).map(Target::File).map_err(Reason::System)
}

/// `dir/`, `dir/.` and `dir/..`.
fn can_only_be_folder(path: &Path) -> bool {
    let text = path.as_os_str().as_encoded_bytes();
    let ends_with_separator = text.last().is_some_and(|&last| std::path::is_separator(char::from(last)));
    ends_with_separator || text.ends_with(b"/.") || path.file_name().is_none()
}
