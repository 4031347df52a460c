//! The mnas compiler: `Spec` -> `Graph` -> passes -> `Plan` -> Rust, ONNX, report.
//!
//! Text in, value or diagnostics out: nothing here reads a file, the environment or the clock, but for `build` (a feature),
//! the door for build scripts.
#![forbid(unsafe_code)]

#[cfg(feature = "build")]
pub mod build;
pub mod compile;
pub mod emit;
pub mod fnv;
pub mod fold;
pub mod graph;
pub mod layer;
pub mod lower;
#[cfg(feature = "onnx")]
pub mod onnx;
pub mod pack;
pub mod parameter;
pub mod passes;
pub mod plan;
mod print;
pub mod reference;
pub mod report;
pub mod tuned;
pub mod validate;
pub mod weights;
