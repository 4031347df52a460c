//! `mnasc`, the command line: it connects the crates of mnas with files and a terminal.
//!
//! Compiling is in mnas-codegen, measuring in mnas-measure, drawing in mnas-pages; this crate parses arguments, reads and
//! writes files and prints messages. Results go to standard output, everything else to standard error.
//!
//! Exit codes: 0 done; 1 a check found a difference; 2 bad input; 3 files or rustc failed.
#![forbid(unsafe_code)]

mod cli;
mod commands;
mod compiler;
mod data_set;
mod describe;
mod input;
mod onnx_file;
mod output;
mod study_error;
mod weight_file;

use mnas_io::{error, npy, picture};
use mnas_measure::{build_cache, latency, lock, peak, quantile, roofline, runner};
use mnas_pages::{self as page, paper};
use std::process::ExitCode;

/// The whole of `main`.
pub fn main() -> ExitCode {
    mnas_io::progress::report_to(mnas_io::terminal::Terminal);
    match commands::dispatch(cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => ExitCode::from(error.say().code()),
    }
}
