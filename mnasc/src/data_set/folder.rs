//! Pictures in a folder for each class.

use super::data_error;
use crate::error::{Error, Result};
use crate::{output, picture};
use mnas_dsl::network::{Preprocess, Shape};
use mnas_train::data::{Data, MAX_BYTES, MAX_CLASSES, Pictures, test_split};
use std::fs;
use std::path::{Path, PathBuf};

/// Pictures that cannot be read are named, so many at most.
const NAMED: usize = 10;

/// Reads a folder of folders of pictures, each as `shape`. `train` and, beside it, `test` or `val` are the two parts;
/// without them every fifth picture is for tests.
pub(super) fn read(folder: &Path, shape: Shape, preprocess: &Preprocess) -> Result<Data> {
    let name = folder.canonicalize().ok().and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
    let name = name.unwrap_or_else(|| "pictures".to_owned());
    let test_folder = ["test", "val"].map(|name| folder.join(name)).into_iter().find(|path| path.is_dir());
    let (train_folder, test_folder) = match test_folder {
        Some(test) if folder.join("train").is_dir() => (folder.join("train"), Some(test)),
        _ => (folder.to_owned(), None),
    };
    let classes = classes(&train_folder)?;
    if classes.len() < 2 {
        return Err(Error::input(format!("`{}` is no data set that is known", folder.display())).hint(
            "`mnasc train --help` says what is: files by certain names, or a folder of pictures for each class",
        ));
    }
    let mut read = Reading { shape, preprocess, bytes: 0, wrong: Vec::new(), passed_over: 0 };
    let train = read.classes(&train_folder, &classes)?;
    let test = test_folder.as_ref().map(|folder| read.classes(folder, &classes)).transpose()?;
    read.finish()?;
    let (train, test) = test.map_or_else(|| test_split(&train), |test| (train.clone(), test));
    let data = Data { name, shape, classes, train, test };
    data.check().map_err(data_error)?;
    Ok(data)
}

struct Reading<'a> {
    shape: Shape,
    preprocess: &'a Preprocess,
    /// Of all pictures so far.
    bytes: u64,
    wrong: Vec<String>,
    passed_over: usize,
}

impl Reading<'_> {
    fn classes(&mut self, folder: &Path, classes: &[String]) -> Result<Pictures> {
        let mut pictures = Pictures::default();
        for (label, class) in classes.iter().enumerate() {
            for path in entries(&folder.join(class))? {
                let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
                if !["png", "jpg", "jpeg"].contains(&extension.as_str()) {
                    self.passed_over += 1;
                    continue;
                }
                self.bytes += self.shape.len() as u64;
                if self.bytes > MAX_BYTES {
                    return Err(Error::input(format!("the pictures have more than {} MB together", MAX_BYTES >> 20)));
                }
                match picture::bytes(&path, self.shape, self.preprocess) {
                    Ok(bytes) => {
                        pictures.pixels.extend(bytes);
                        pictures.labels.push(label as u16);
                    }
                    Err(error) => self.wrong.push(error.message().to_owned()),
                }
            }
        }
        Ok(pictures)
    }

    fn finish(self) -> Result<()> {
        if self.passed_over > 0 {
            output::progress(&format!("{} files are no PNG or JPEG by their names, and left away", self.passed_over));
        }
        if self.wrong.is_empty() {
            return Ok(());
        }
        let more = self.wrong.len().saturating_sub(NAMED);
        let mut text = self.wrong[..self.wrong.len().min(NAMED)].join("\n");
        if more > 0 {
            text.push_str(&format!("\nand {more} more"));
        }
        Err(Error::input(text))
    }
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
