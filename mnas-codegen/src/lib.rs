//! The mnas compiler: `Spec` -> `Graph` -> passes -> `Plan` -> Rust, ONNX, report.
//!
//! ```
//! use mnas_codegen::compile::{Options, compile};
//!
//! let text = "
//! name: tiny
//! input: 32x32x3
//! stem: {op: conv, kernel: 3, stride: 2, filters: 8}
//! blocks: [{op: mbconv, expand: 6, kernel: 3, stride: 2, filters: 16, layers: 2}]
//! head: {classes: 10}
//! ";
//! let (spec, network) = mnas_dsl::load_yaml(text, "tiny.yaml")?;
//! let compiled = compile(&spec, &network, None, &Options::default())?;
//! assert!(compiled.tokens().to_string().contains("struct Tiny"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Text goes in, a value or diagnostics come out. Nothing here reads a file, the environment or the clock, except the
//! feature `build`, which is for build scripts.
#![forbid(unsafe_code)]

#[cfg(feature = "build")]
pub mod build;
pub mod code;
pub mod compile;
pub mod element;
pub mod emit;
pub mod fnv;
pub mod fold;
pub mod graph;
pub mod int8;
pub mod layer;
pub mod lower;
pub mod machine;
pub mod numeric;
#[cfg(feature = "onnx")]
pub mod onnx;
pub mod pack;
pub mod parameter;
pub mod passes;
pub mod plan;
mod print;
pub mod quantized;
pub mod reference;
pub mod report;
pub mod tuned;
pub mod units;
pub mod validate;
pub mod weights;
