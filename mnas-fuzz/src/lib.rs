//! Random networks that hold the mnas compiler against its reference executor.
//!
//! [`draw::cases`] draws specs, so few of which have every pair of values of the [`factors`] that compiling them is cheap.
//! [`check::check`] compiles each, runs it on every instruction set of the machine, and compares each step with what the
//! reference makes of the same inputs. A test puts [`fault`]s between the stages of the compiler to see whether that
//! finds them.
//!
//! How the compiler works is not known here: specs go in, and what comes out is run.
#![forbid(unsafe_code)]

pub mod case;
pub mod check;
pub mod cover;
pub mod data;
pub mod draw;
pub mod factors;
pub mod fault;
pub mod finding;
pub mod hunt;
pub mod program;
pub mod random;
pub mod reductions;
pub mod rules;
pub mod subject;

pub use case::Case;
