//! The digits of scikit-learn, which come with this crate: 1,797 grey pictures of 8x8 pixels with values from 0 to 16.
//! `assets/digits/README.md` says where they are from.

use super::{Data, Pictures, idx, test_split};
use flate2::read::GzDecoder;
use std::path::Path;

const IMAGES: &[u8] = include_bytes!("../../assets/digits/images-idx3-ubyte.gz");
const LABELS: &[u8] = include_bytes!("../../assets/digits/labels-idx1-ubyte.gz");

/// The embedded digits. Every fifth of each class is for tests: they come without a split.
///
/// # Panics
///
/// Never: the files are part of the crate.
pub fn digits() -> Data {
    let (shape, pixels) =
        idx::image_file(Path::new("digits"), &mut GzDecoder::new(IMAGES)).expect("the embedded pictures are good");
    let labels =
        idx::label_file(Path::new("digits"), &mut GzDecoder::new(LABELS)).expect("the embedded labels are good");
    let (train, test) = test_split(&Pictures { pixels, labels });
    let classes = (0..10).map(|class: u8| class.to_string()).collect();
    Data { name: "digits".to_owned(), shape, classes, train, test }
}
