//! Builds, runs, times and tunes code that mnas generated.
//!
//! Functions take plain values and know no command line. They report progress by [`mnas_io::progress`], which drops
//! reports unless the program sets a receiver.
//!
//! | module | what it does |
//! |---|---|
//! | [`build_cache`] | keeps programs that rustc built, by a hash of their source |
//! | [`runner`] | runs a network as a process: outputs, outputs of each step, times |
//! | [`latency`] | predicts latency from separately timed layers, on this machine or on a device |
//! | [`peak`], [`roofline`] | measures peak rates, and computes the lower bound of a block's time |
//! | [`tune`] | searches for faster schedules |
//! | [`lock`] | lets one process measure at a time |
//!
//! ```
//! use mnas_measure::runner::{Runner, RunnerOptions, isa_or_best, random_image};
//!
//! let text = "name: tiny\ninput: 8x8x3\nstem: {op: conv, kernel: 3, stride: 2, filters: 8}\n\
//!             blocks: [{op: sepconv, kernel: 3, filters: 8}]\nhead: {filters: 16, classes: 4}\n";
//! let (spec, network) = mnas_dsl::load_yaml(text, "tiny.yaml")?;
//! let values = mnas_codegen::code::Values::F32(mnas_codegen::weights::random(&network, 0));
//! let isa = isa_or_best(None)?;
//! // rustc builds the program, or the cache has it.
//! let runner = Runner::build(&spec, &network, &values, RunnerOptions::new(isa))?;
//! let outputs = runner.infer(isa, &[random_image(network.input)])?;
//! assert_eq!(outputs[0].len(), 4);
//! # Ok::<(), mnas_io::Error>(())
//! ```
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
