//! Input and output of programs of mnas.
//!
//! A file is never read further than it can sensibly be long, and is written completely or not at all. [`Error`] says
//! what is wrong and how to mend it. [`npy`] reads and writes NumPy's arrays; with the feature `pictures`, `picture` makes
//! a network's input of a JPEG or PNG file.
//! ```
//! use mnas_io::npy::{Array, parse, write};
//!
//! let array = Array { shape: vec![2, 1], data: vec![0.5, -1.0] };
//! assert_eq!(parse(&write(&array)), Ok(array));
//! assert_eq!(parse(b"not an array").unwrap_err(), "it is no .npy file");
//! ```
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
