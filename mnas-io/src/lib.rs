//! Input and output of programs of mnas.
//!
//! A file is never read further than it can sensibly be long, and is written completely or not at all. [`Error`] says
//! what is wrong and how to mend it. [`npy`] reads and writes NumPy's arrays; with the feature `pictures`, `picture` makes
//! a network's input of a JPEG or PNG file.
#![forbid(unsafe_code)]

pub mod error;
pub mod npy;
pub mod output;
#[cfg(feature = "pictures")]
pub mod picture;
pub mod progress;
mod read;
pub mod terminal;
mod text;

pub use error::{Error, Result};
pub use read::read;
