//! Pictures in a folder for each class.

use crate::error::{Error, Result};
use crate::output;
use mnas_data::MAX_CLASSES;
use std::fs;
use std::path::{Path, PathBuf};

/// A picture's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) path: PathBuf,
    /// Position of its class.
    pub(super) label: u16,
}

/// The picture files of a folder of folders, one a class.
pub(super) struct Listing {
    pub(super) classes: Vec<String>,
    /// All of them, or those in `train`.
    pub(super) learn: Vec<Listed>,
    /// Those in `test` or `val` beside `train`.
    pub(super) test: Option<Vec<Listed>>,
}

/// Lists a folder of folders of pictures. `train` and, beside it, `test` or `val` are the two parts.
pub(super) fn list(folder: &Path) -> Result<Listing> {
    let test_folder = ["test", "val"].map(|name| folder.join(name)).into_iter().find(|path| path.is_dir());
    let (learn_folder, test_folder) = match test_folder {
        Some(test) if folder.join("train").is_dir() => (folder.join("train"), Some(test)),
        _ => (folder.to_owned(), None),
    };
    let classes = classes(&learn_folder)?;
    let mut passed_over = 0;
    let mut of_classes = |folder: &Path| -> Result<Vec<Listed>> {
        let mut all = Vec::new();
        for (label, class) in classes.iter().enumerate() {
            let files = pictures(&folder.join(class), &mut passed_over)?;
            all.extend(files.into_iter().map(|path| Listed { path, label: label as u16 }));
        }
        Ok(all)
    };
    let learn = of_classes(&learn_folder)?;
    let test = test_folder.as_ref().map(|folder| of_classes(folder)).transpose()?;
    say_passed_over(passed_over);
    Ok(Listing { classes, learn, test })
}

/// The picture files that lie in a folder itself.
pub(super) fn list_flat(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut passed_over = 0;
    let files = pictures(folder, &mut passed_over)?;
    say_passed_over(passed_over);
    Ok(files)
}

fn say_passed_over(count: usize) {
    if count > 0 {
        output::progress(&format!("{count} files are no PNG or JPEG by their names, and left away"));
    }
}

/// The picture files of a folder, in order; other entries are counted.
fn pictures(folder: &Path, passed_over: &mut usize) -> Result<Vec<PathBuf>> {
    let is_picture = |path: &PathBuf| {
        let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        ["png", "jpg", "jpeg"].contains(&extension.as_str())
    };
    let (pictures, others): (Vec<_>, Vec<_>) = entries(folder)?.into_iter().partition(is_picture);
    *passed_over += others.len();
    Ok(pictures)
}

/// Names of the folders in a folder, in order.
fn classes(folder: &Path) -> Result<Vec<String>> {
    let folders = entries(folder)?.into_iter().filter(|path| path.is_dir());
    let classes: Vec<String> =
        folders.map(|path| path.file_name().unwrap_or_default().to_string_lossy().into_owned()).collect();
    if classes.len() > MAX_CLASSES {
        return Err(Error::input(format!("`{}` has more than {MAX_CLASSES} classes", folder.display())));
    }
    Ok(classes)
}

/// What is in a folder and not hidden, in order.
fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let failed = |error: std::io::Error| Error::file("read the folder", folder, &error);
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if !entry.file_name().to_string_lossy().starts_with('.') {
            entries.push(entry.path());
        }
    }
    entries.sort();
    Ok(entries)
}

/// Of a folder that has neither classes nor files that are known.
pub(super) fn unknown(folder: &Path, help: &str) -> Error {
    Error::input(format!("`{}` is no data set that is known", folder.display()))
        .hint(format!("`{help} --help` says what is: files by certain names, or a folder of pictures for each class"))
}
