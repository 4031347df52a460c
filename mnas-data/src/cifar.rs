//! CIFAR-10 and CIFAR-100 in their binary form: labels, then 1,024 bytes each of red, green and blue for each picture.

use crate::file::{DataError, DataFile, Files};
use crate::{Data, Pictures};
use mnas_dsl::network::Shape;

const SHAPE: Shape = Shape { height: 32, width: 32, channels: 3 };
const PIXELS: usize = 32 * 32;

/// Most pictures of a file, which CIFAR-100's training file has.
const MAX_PICTURES: u64 = 50_000;

/// Most bytes of a file of class names.
const NAMES_LIMIT: u64 = 1 << 16;

/// The file names and sizes of one of the two data sets.
struct Kind {
    train: &'static [&'static str],
    test: &'static str,
    names: &'static str,
    /// Bytes of labels before the pixels; the last one is the class.
    labels: usize,
    classes: usize,
}

const KINDS: [Kind; 2] = [
    Kind {
        train: &["data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"],
        test: "test_batch.bin",
        names: "batches.meta.txt",
        labels: 1,
        classes: 10,
    },
    Kind { train: &["train.bin"], test: "test.bin", names: "fine_label_names.txt", labels: 2, classes: 100 },
];

/// Reads the data set from files by these names.
pub(crate) fn read(files: Files<'_>) -> Result<Option<Data>, DataError> {
    let has = |kind: &&Kind| files.has(kind.train[0]) || files.has(kind.test);
    let Some(kind) = KINDS.iter().find(has) else { return Ok(None) };
    let mut train = Pictures::default();
    for name in kind.train {
        pictures(&mut files.open(name)?, kind, &mut train)?;
    }
    let mut test = Pictures::default();
    pictures(&mut files.open(kind.test)?, kind, &mut test)?;
    let classes = names(files, kind)?;
    Ok(Some(Data { name: files.name(), shape: SHAPE, classes, train, test }))
}

fn pictures(file: &mut DataFile<'_>, kind: &Kind, into: &mut Pictures) -> Result<(), DataError> {
    let size = kind.labels + 3 * PIXELS;
    let bytes = file.up_to(MAX_PICTURES * size as u64)?;
    if bytes.is_empty() || bytes.len() % size != 0 {
        return Err(file.wrong(format!("{} bytes are not a whole number of pictures of {size}", bytes.len())));
    }
    for (number, picture) in bytes.chunks_exact(size).enumerate() {
        let label = picture[kind.labels - 1];
        if usize::from(label) >= kind.classes {
            return Err(file.wrong(format!(
                "picture {number} is of class {label}; expected one of {} classes, counted from 0",
                kind.classes
            )));
        }
        into.labels.push(u16::from(label));
        let planes = &picture[kind.labels..];
        into.pixels.extend((0..3 * PIXELS).map(|at| planes[at % 3 * PIXELS + at / 3]));
    }
    Ok(())
}

/// The names of the classes, or numbers if the file is missing.
fn names(files: Files<'_>, kind: &Kind) -> Result<Vec<String>, DataError> {
    if !files.has(kind.names) {
        return Ok((0..kind.classes).map(|class| class.to_string()).collect());
    }
    let mut file = files.open(kind.names)?;
    let bytes = file.up_to(NAMES_LIMIT)?;
    let text = String::from_utf8_lossy(&bytes);
    let names: Vec<String> = text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
    if names.len() != kind.classes {
        return Err(file.wrong(format!("{} names of classes; expected {}", names.len(), kind.classes)));
    }
    Ok(names)
}
