//! MNIST's format, and the names under which its family is found.

use super::file::{self, DataError};
use super::{Data, MAX_BYTES, Pictures, folder_name};
use mnas_dsl::network::Shape;
use std::io::Read;
use std::path::{Path, PathBuf};

/// What the four files are called, `.gz` behind it or not: as MNIST's authors and Debian's packages have it, and with a
/// dot, as unpacked copies have.
const IMAGES: [&str; 2] = ["-images-idx3-ubyte", "-images.idx3-ubyte"];
const LABELS: [&str; 2] = ["-labels-idx1-ubyte", "-labels.idx1-ubyte"];
const TRAIN: [&str; 1] = ["train"];
const TEST: [&str; 2] = ["t10k", "test"];

/// Reads the data set of a folder that has files by these names.
pub(super) fn read(folder: &Path) -> Result<Option<Data>, DataError> {
    let files: Vec<(PathBuf, [&[&str]; 2])> =
        [[&TRAIN[..], &IMAGES], [&TRAIN, &LABELS], [&TEST, &IMAGES], [&TEST, &LABELS]]
            .into_iter()
            .filter_map(|names| Some((find(folder, names)?, names)))
            .collect();
    let [train_images, train_labels, test_images, test_labels] = &files[..] else {
        if files.is_empty() {
            return Ok(None);
        }
        return Err(DataError::Input(format!(
            "`{}` has some of the four files of a data set and not all: images and labels of `train` and `t10k` or `test`",
            folder.display()
        )));
    };
    let (shape, train) = pictures(&train_images.0, &train_labels.0)?;
    let (test_shape, test) = pictures(&test_images.0, &test_labels.0)?;
    if shape != test_shape {
        return Err(DataError::of(
            &test_images.0,
            format!("pictures of {test_shape}, those to learn from are {shape}"),
        ));
    }
    let classes = train.labels.iter().max().map_or(0, |&label| usize::from(label) + 1);
    let classes = (0..classes).map(|class| class.to_string()).collect();
    Ok(Some(Data { name: folder_name(folder), shape, classes, train, test }))
}

fn find(folder: &Path, [splits, kinds]: [&[&str]; 2]) -> Option<PathBuf> {
    let names = splits.iter().flat_map(|split| kinds.iter().map(move |kind| format!("{split}{kind}")));
    let paths = names.flat_map(|name| [format!("{name}.gz"), name]).map(|name| folder.join(name));
    let mut found = paths.filter(|path| path.is_file());
    found.next()
}

/// Pictures and their labels.
fn pictures(images: &Path, labels: &Path) -> Result<(Shape, Pictures), DataError> {
    let (shape, pixels) = image_file(images, &mut *file::open(images)?)?;
    let labels_read = label_file(labels, &mut *file::open(labels)?)?;
    let count = pixels.len() / shape.len();
    if labels_read.len() != count {
        return Err(DataError::of(labels, format!("{} labels for {count} pictures", labels_read.len())));
    }
    Ok((shape, Pictures { pixels, labels: labels_read }))
}

/// Unsigned bytes in three dimensions: pictures, rows, columns.
pub(super) fn image_file(path: &Path, file: &mut dyn Read) -> Result<(Shape, Vec<u8>), DataError> {
    let [magic, count, height, width] = numbers(path, file)?;
    if magic != 0x803 {
        return Err(DataError::of(path, "no IDX file of pictures: it begins otherwise"));
    }
    // More than any network takes.
    if !(1..=4096).contains(&height) || !(1..=4096).contains(&width) {
        return Err(DataError::of(path, format!("pictures of {height}x{width} pixels; 1 to 4096 are expected")));
    }
    let shape = Shape { height: height as usize, width: width as usize, channels: 1 };
    let len = u64::from(count) * u64::from(height) * u64::from(width);
    if len > MAX_BYTES {
        return Err(DataError::of(path, format!("{len} bytes of pictures; at most {MAX_BYTES} are read")));
    }
    Ok((shape, file::rest(path, file, len)?))
}

/// Unsigned bytes in one dimension.
pub(super) fn label_file(path: &Path, file: &mut dyn Read) -> Result<Vec<u16>, DataError> {
    let [magic, count] = numbers(path, file)?;
    if magic != 0x801 {
        return Err(DataError::of(path, "no IDX file of labels: it begins otherwise"));
    }
    Ok(file::rest(path, file, u64::from(count))?.into_iter().map(u16::from).collect())
}

fn numbers<const N: usize>(path: &Path, file: &mut dyn Read) -> Result<[u32; N], DataError> {
    let mut numbers = [0; N];
    for number in &mut numbers {
        *number = u32::from_be_bytes(file::header(path, file)?);
    }
    Ok(numbers)
}
