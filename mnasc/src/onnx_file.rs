//! Reading ONNX files, and the files beside them that have their constants.

use crate::error::{Error, Result};
use mnas_import::{Files, ImportError, external_files};
use std::fs;
use std::path::Path;

/// Most bytes of a model, which is the limit of protocol buffers.
const MODEL_LIMIT: u64 = 2 << 30;

/// Most bytes of all files beside a model together.
const EXTERNAL_LIMIT: u64 = 4 << 30;

/// The bytes of a model, and of the files that it names.
///
/// A file outside of the model's folder is never opened: `external_files` refuses names that lead out, and `named` links.
pub(crate) fn read(path: &Path) -> Result<(Vec<u8>, Files)> {
    let Some(bytes) = mnas_io::read(path, MODEL_LIMIT)? else {
        return Err(Error::input(format!("`{}` has more than {} GB", path.display(), MODEL_LIMIT >> 30)));
    };
    let names = external_files(&bytes).map_err(|error| refused("read", path, &error))?;
    let files = named(path, &names.into_iter().collect::<Vec<_>>())?;
    Ok((bytes, files))
}

/// Files that a model names, relative to its folder.
pub(crate) fn named(path: &Path, names: &[String]) -> Result<Files> {
    let mut files = Files::new();
    if names.is_empty() {
        return Ok(files);
    }
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let root = fs::canonicalize(folder).map_err(|error| Error::file("read", folder, &error))?;
    let mut left = EXTERNAL_LIMIT;
    for name in names {
        let shown = folder.join(name);
        let real = fs::canonicalize(&shown).map_err(|error| Error::file("read", &shown, &error))?;
        if !real.starts_with(&root) {
            return Err(Error::input(format!(
                "`{}` has constants in `{}`, a link out of the model's folder",
                path.display(),
                shown.display()
            ))
            .hint("put the file itself beside the model"));
        }
        let Some(file) = mnas_io::read(&real, left)? else {
            let limit = EXTERNAL_LIMIT >> 30;
            return Err(Error::input(format!("the files beside `{}` have more than {limit} GB", path.display())));
        };
        left -= file.len() as u64;
        files.insert(name.clone(), file);
    }
    Ok(files)
}

/// The error of a file that cannot be used.
pub(crate) fn refused(action: &str, path: &Path, error: &ImportError) -> Error {
    Error::input(format!("cannot {action} `{}`: {error}", path.display()))
}
