//! Builds, runs, times and tunes code that mnas generated.
//!
//! Nothing here knows of a command line: what is measured, and how, is said by plain values.
#![forbid(unsafe_code)]

pub mod build_cache;
pub mod compiler;
pub mod harness;
pub mod latency;
pub mod lock;
pub mod peak;
pub mod quantile;
pub mod roofline;
pub mod runner;
pub mod tune;

use mnas_io::{error, output};
