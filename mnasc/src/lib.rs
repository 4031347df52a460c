//! `mnasc`, the command line: the one place where specs, weights and pictures become files and numbers.
//!
//! What is compiled, and how, is mnas-codegen's; here are reading and writing, the building of generated code with
//! rustc, and the words for people. Results go to standard output, everything else to standard error.
//!
//! Exit codes: 0 done; 1 a check found a difference; 2 bad input; 3 the system refused (files, rustc).
#![forbid(unsafe_code)]

mod build_cache;
mod cli;
mod commands;
mod error;
mod input;
mod latency;
mod npy;
mod onnx_file;
mod output;
mod page;
mod paper;
mod peak;
mod picture;
mod quantile;
mod roofline;
mod runner;
#[doc(hidden)]
pub mod untrusted;
mod weight_file;

use std::process::ExitCode;

/// The whole of `main`.
pub fn main() -> ExitCode {
    match commands::dispatch(cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => ExitCode::from(error.say().code()),
    }
}
