//! The digits of scikit-learn, which are embedded in this crate: 1,797 grey pictures of 8x8 pixels. Their values from 0 to 16
//! are scaled to the bytes 0 to 255. `assets/digits/README.md` names their source.

use crate::file::DataFile;
use crate::{Data, Pictures, idx, test_split};

const IMAGES: &[u8] = include_bytes!("../assets/digits/images-idx3-ubyte.gz");
const LABELS: &[u8] = include_bytes!("../assets/digits/labels-idx1-ubyte.gz");

/// The embedded digits. They have no split, so every fifth picture of each class is a test picture.
///
/// # Panics
///
/// This never happens: the files are part of the crate.
pub fn digits() -> Data {
    let file = |bytes: &'static [u8]| DataFile::gzip("digits".into(), bytes, bytes.len() as u64);
    let (shape, pixels) = idx::image_file(&mut file(IMAGES), None).expect("the embedded pictures are good");
    let pixels: Vec<u8> = pixels.into_iter().map(spread).collect();
    let count = pixels.len() / shape.len();
    let labels = idx::label_file(&mut file(LABELS), count).expect("the embedded labels are good");
    let (train, test) = test_split(&Pictures { pixels, labels });
    let classes = (0..10).map(|class: u8| class.to_string()).collect();
    Data { name: "digits".to_owned(), shape, classes, train, test }
}

/// Scales 0 to 16 to 0 to 255, rounded.
fn spread(value: u8) -> u8 {
    ((u16::from(value.min(16)) * 255 + 8) / 16) as u8
}
