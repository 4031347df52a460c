//! MNIST's format, and the names under which its family is found.

use crate::file::{DataError, DataFile, Files};
use crate::{Data, MAX_BYTES, Pictures};
use mnas_dsl::network::Shape;

/// What the four files are called, `.gz` behind it or not: as MNIST's authors and Debian's packages have it, and with a
/// dot, as unpacked copies have.
const IMAGES: [&str; 2] = ["-images-idx3-ubyte", "-images.idx3-ubyte"];
const LABELS: [&str; 2] = ["-labels-idx1-ubyte", "-labels.idx1-ubyte"];
const TRAIN: [&str; 1] = ["train"];
const TEST: [&str; 2] = ["t10k", "test"];

/// Reads the data set of files by these names.
pub(crate) fn read(files: Files<'_>) -> Result<Option<Data>, DataError> {
    let names: Vec<String> = [[&TRAIN[..], &IMAGES], [&TRAIN, &LABELS], [&TEST, &IMAGES], [&TEST, &LABELS]]
        .into_iter()
        .filter_map(|names| find(files, names))
        .collect();
    let [train_images, train_labels, test_images, test_labels] = &names[..] else {
        if names.is_empty() {
            return Ok(None);
        }
        return Err(DataError::Input(format!(
            "`{}` has some of the four files of a data set and not all: images and labels of `train` and `t10k` or `test`",
            files.shown()
        )));
    };
    let (shape, train) = pictures(files, train_images, train_labels, None)?;
    let (_, test) = pictures(files, test_images, test_labels, Some(shape))?;
    let classes = train.labels.iter().max().map_or(0, |&label| usize::from(label) + 1);
    let classes = (0..classes).map(|class| class.to_string()).collect();
    Ok(Some(Data { name: files.name(), shape, classes, train, test }))
}

fn find(files: Files<'_>, [splits, kinds]: [&[&str]; 2]) -> Option<String> {
    let names = splits.iter().flat_map(|split| kinds.iter().map(move |kind| format!("{split}{kind}")));
    names.flat_map(|name| [format!("{name}.gz"), name]).find(|name| files.has(name))
}

/// Pictures, of a shape that is known or not, and their labels.
fn pictures(
    files: Files<'_>,
    images: &str,
    labels: &str,
    expected: Option<Shape>,
) -> Result<(Shape, Pictures), DataError> {
    let (shape, pixels) = image_file(&mut files.open(images)?, expected)?;
    let labels = label_file(&mut files.open(labels)?, pixels.len() / shape.len())?;
    Ok((shape, Pictures { pixels, labels }))
}

/// Unsigned bytes in three dimensions: pictures, rows, columns.
pub(crate) fn image_file(file: &mut DataFile<'_>, expected: Option<Shape>) -> Result<(Shape, Vec<u8>), DataError> {
    let [magic, count, height, width] = numbers(file)?;
    if magic != 0x803 {
        return Err(file.wrong("no IDX file of pictures: it begins otherwise"));
    }
    // More than any network takes.
    if !(1..=4096).contains(&height) || !(1..=4096).contains(&width) {
        return Err(file.wrong(format!("pictures of {height}x{width} pixels; 1 to 4096 are expected")));
    }
    let shape = Shape { height: height as usize, width: width as usize, channels: 1 };
    if let Some(expected) = expected.filter(|expected| *expected != shape) {
        return Err(file.wrong(format!("pictures of {shape}, those to learn from are {expected}")));
    }
    let len = u64::from(count) * u64::from(height) * u64::from(width);
    if len > MAX_BYTES {
        return Err(file.wrong(format!("{len} bytes of pictures; at most {MAX_BYTES} are read")));
    }
    Ok((shape, file.rest(len)?))
}

/// Unsigned bytes in one dimension, one for each picture.
pub(crate) fn label_file(file: &mut DataFile<'_>, pictures: usize) -> Result<Vec<u16>, DataError> {
    let [magic, count] = numbers(file)?;
    if magic != 0x801 {
        return Err(file.wrong("no IDX file of labels: it begins otherwise"));
    }
    if count as usize != pictures {
        return Err(file.wrong(format!("{count} labels for {pictures} pictures")));
    }
    Ok(file.rest(u64::from(count))?.into_iter().map(u16::from).collect())
}

fn numbers<const N: usize>(file: &mut DataFile<'_>) -> Result<[u32; N], DataError> {
    let mut numbers = [0; N];
    for number in &mut numbers {
        *number = u32::from_be_bytes(file.header()?);
    }
    Ok(numbers)
}
