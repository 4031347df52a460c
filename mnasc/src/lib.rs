//! `mnasc`, the command line: the one place where specs, weights and pictures become files and numbers.
//!
//! What is compiled, and how, is mnas-codegen's; here are reading and writing, the building of generated code with
//! rustc, and the words for people. Results go to standard output, everything else to standard error.
//!
//! Exit codes: 0 done; 1 a check found a difference; 2 bad input; 3 the system refused (files, rustc).
#![forbid(unsafe_code)]

mod cli;
mod commands;
mod compiler;
mod input;
mod onnx_file;
mod output;
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
