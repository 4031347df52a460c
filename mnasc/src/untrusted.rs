//! The readers of files that anyone may have made, for tests and fuzzing, which give them anything.
//! No interface for users: it changes without notice.

use crate::{npy, picture};
use mnas_dsl::network::{Preprocess, Shape};
use std::io::Cursor;

/// Reads a .npy file; gives its shape and how many values it has.
///
/// # Errors
///
/// Why the file is refused.
pub fn npy(bytes: &[u8]) -> Result<(Vec<usize>, usize), String> {
    npy::parse(bytes).map(|array| (array.shape, array.data.len()))
}

/// Reads a picture as an image of `shape`.
///
/// # Errors
///
/// Why the file is refused.
pub fn picture(bytes: &[u8], shape: Shape, preprocess: &Preprocess) -> Result<Vec<f32>, String> {
    picture::image(Cursor::new(bytes), bytes.len() as u64, "picture".as_ref(), shape, preprocess)
        .map_err(|error| error.message().to_owned())
}
