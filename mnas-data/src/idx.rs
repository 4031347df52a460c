//! MNIST's file format (IDX), and the file names of MNIST and similar data sets.

use crate::file::{DataError, DataFile, Files};
use crate::{Data, MAX_BYTES, Pictures};
use mnas_dsl::network::Shape;

/// Names of the four files, with or without `.gz`: those of MNIST's authors and Debian's packages, and those with a dot,
/// which unpacked copies have.
const IMAGES: [&str; 2] = ["-images-idx3-ubyte", "-images.idx3-ubyte"];
const LABELS: [&str; 2] = ["-labels-idx1-ubyte", "-labels.idx1-ubyte"];
const TRAIN: [&str; 1] = ["train"];
const TEST: [&str; 2] = ["t10k", "test"];

/// Reads the data set from files by these names.
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
            "`{}` has some of the four files of a data set, but not all; expected images and labels of `train` and of `t10k` or `test`",
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

/// Pictures and their labels; `expected` is their shape, if it is known.
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

/// An array of unsigned bytes with three dimensions: pictures, rows, columns.
pub(crate) fn image_file(file: &mut DataFile<'_>, expected: Option<Shape>) -> Result<(Shape, Vec<u8>), DataError> {
    let [magic, count, height, width] = numbers(file)?;
    if magic != 0x803 {
        return Err(file.wrong("not an IDX file of pictures: its first bytes differ"));
    }
    // The limit is above the size of any network's input.
    if !(1..=4096).contains(&height) || !(1..=4096).contains(&width) {
        return Err(file.wrong(format!("pictures of {height}x{width} pixels; expected 1 to 4096 each")));
    }
    let shape = Shape { height: height as usize, width: width as usize, channels: 1 };
    if let Some(expected) = expected.filter(|expected| *expected != shape) {
        return Err(file.wrong(format!("pictures of {shape}; expected {expected} as in the training files")));
    }
    let len = u64::from(count) * u64::from(height) * u64::from(width);
    if len > MAX_BYTES {
        return Err(file.wrong(format!("{len} bytes of pictures; expected at most {MAX_BYTES}")));
    }
    Ok((shape, file.rest(len)?))
}

/// An array of unsigned bytes with one dimension: a label for each picture.
pub(crate) fn label_file(file: &mut DataFile<'_>, pictures: usize) -> Result<Vec<u16>, DataError> {
    let [magic, count] = numbers(file)?;
    if magic != 0x801 {
        return Err(file.wrong("not an IDX file of labels: its first bytes differ"));
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
