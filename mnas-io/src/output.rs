//! Output files, which are written completely or not at all.

use crate::error::{Error, Result};
use crate::progress::progress;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

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

/// Refuses a path that cannot be written because it is a folder, or because its folder is not there: before long work, not
/// after it.
pub fn refuse_unwritable(artifact: &Path) -> Result<()> {
    let folder = artifact.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let what = match (artifact.is_dir(), folder.is_dir()) {
        (false, true) => return Ok(()),
        (true, _) => "it is a folder",
        (false, false) => "its folder is not there",
    };
    Err(Error::file("write", artifact, &what))
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
