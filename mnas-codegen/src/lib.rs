//! The mnas compiler: `Spec` -> `Graph` -> passes -> `Plan` -> Rust, ONNX, report.
//!
//! Text in, value or diagnostics out: nothing here reads a file, the environment or the clock.
#![forbid(unsafe_code)]

pub mod fold;
pub mod graph;
pub mod lower;
pub mod parameter;
pub mod passes;
pub mod plan;
pub mod reference;
pub mod validate;
pub mod weights;
