//! Output of commands: files, standard output and progress.

pub(crate) use mnas_io::output::*;
pub(crate) use mnas_io::progress::{progress, status};
pub(crate) use mnas_io::terminal::{print, print_bytes, print_json};
