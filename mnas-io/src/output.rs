//! Files are written completely or not at all; standard output may be closed at any time.

use crate::error::{Error, Result};
use mnas_dsl::printable;
use std::fs;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

/// Prints results.
pub fn print(text: &str) -> Result<()> {
    let mut out = anstream::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|e| Error::stdout(&e))
}

/// Prints bytes as they are.
pub fn print_bytes(bytes: &[u8]) -> Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(|e| Error::stdout(&e))
}

/// Prints one JSON object on one line.
pub fn print_json(value: &serde_json::Value) -> Result<()> {
    print_bytes(format!("{value}\n").as_bytes())
}

/// Says what is going on.
pub fn progress(text: &str) {
    // Nothing depends on it: where standard error is closed the work goes on.
    let _ = writeln!(anstream::stderr(), "{}", without_controls(text));
}

/// The text without what a terminal obeys, but for line breaks and tabs: a part of it may be from anywhere.
pub fn without_controls(text: &str) -> String {
    text.split_inclusive(['\n', '\t'])
        .map(|part| match part.strip_suffix(['\n', '\t']) {
            Some(line) => printable(line) + &part[line.len()..],
            None => printable(part),
        })
        .collect()
}

/// Says in one line, in place of the one before, what is going on; nothing where nobody sees it.
pub fn status(text: &str) {
    let mut out = io::stderr().lock();
    if out.is_terminal() {
        // Nothing depends on it.
        let _ = write!(out, "\r\x1b[K{text}").and_then(|()| out.flush());
    }
}

/// A file to be written.
#[derive(Clone, Debug)]
pub struct Artifact {
    /// Where to.
    pub path: PathBuf,
    /// What.
    pub bytes: Vec<u8>,
}

/// Refuses to write over a file that is read.
pub fn refuse_overwriting(artifact: &Path, inputs: &[&Path]) -> Result<()> {
    let Ok(target) = fs::canonicalize(artifact) else { return Ok(()) };
    match inputs.iter().find(|input| fs::canonicalize(input).is_ok_and(|input| input == target)) {
        None => Ok(()),
        Some(input) => Err(Error::input(format!("`{}` would overwrite `{}`", artifact.display(), input.display()))
            .hint("write to another file")),
    }
}

/// Refuses to write two outputs to one file, however their paths are written.
pub fn refuse_same_file(artifacts: &[Artifact]) -> Result<()> {
    let paths: Vec<&Path> = artifacts.iter().map(|artifact| artifact.path.as_path()).collect();
    mnas_files::check_distinct(&paths).map_err(Error::from)
}

/// Writes all files, or none of them.
pub fn write_all(artifacts: &[Artifact]) -> Result<()> {
    let outputs: Vec<(&Path, &[u8])> = artifacts.iter().map(|it| (it.path.as_path(), it.bytes.as_slice())).collect();
    mnas_files::publish(&outputs).map_err(Error::from)
}

/// The same in a folder, which is made if it is not there.
pub fn write_folder(folder: &Path, artifacts: &[Artifact]) -> Result<()> {
    make_folder(folder)?;
    let others = weights_of_others(artifacts);
    write_all(artifacts)?;
    for path in others {
        let mut aside = path.clone().into_os_string();
        aside.push(".old");
        let aside = PathBuf::from(aside);
        fs::rename(&path, &aside).map_err(|error| Error::file("move the old weights of", &path, &error))?;
        progress(&format!("`{}` was of another network, and is `{}` now", path.display(), aside.display()));
    }
    Ok(())
}

/// Weights beside specs that will be others: they would be taken for those of the new ones.
fn weights_of_others(artifacts: &[Artifact]) -> Vec<PathBuf> {
    let is_spec = |it: &&Artifact| it.path.extension().is_some_and(|extension| extension == "yaml");
    let is_other = |it: &&Artifact| fs::read(&it.path).is_ok_and(|before| before != it.bytes);
    let beside = |it: &Artifact| ["safetensors", "weights"].map(|extension| it.path.with_extension(extension));
    let beside = artifacts.iter().filter(is_spec).filter(is_other).flat_map(beside);
    beside.filter(|path| path.exists() && !artifacts.iter().any(|it| it.path == *path)).collect()
}

/// Makes a folder, and those that it is in.
pub fn make_folder(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).map_err(|error| Error::file("create the folder", folder, &error))
}

/// The paths whose files are missing or hold something else.
pub fn stale(artifacts: &[Artifact]) -> Result<Vec<&Path>> {
    let mut stale = Vec::new();
    for Artifact { path, bytes } in artifacts {
        match is_current(path, bytes) {
            Ok(true) => {}
            Ok(false) => stale.push(path.as_path()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => stale.push(path.as_path()),
            Err(error) => return Err(Error::file("read", path, &error)),
        }
    }
    Ok(stale)
}

fn is_current(path: &Path, bytes: &[u8]) -> io::Result<bool> {
    Ok(fs::metadata(path)?.len() == bytes.len() as u64 && fs::read(path)? == bytes)
}
