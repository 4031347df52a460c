//! Code for int8 networks: from a [`Quantized`](crate::quantized::Quantized) network to a plan, packed weights and Rust.
//!
//! ```text
//! Quantized -> steps, layouts of maps (plan) -> packed weights (pack), Rust (emit)
//! ```
//!
//! What is computed is defined by [`crate::quantized`], and the code gives its bits on every instruction set. Each
//! operator is one step: a byte of a map is a quarter of an `f32`, so maps that are `f32` blocks' bottleneck fit the
//! caches here, and computing a block row by row gains nothing worth its weights being read again.
//!
//! A map is cut into blocks of sixteen channels, `[C/16][row][column][16]`, so that a row of a depthwise convolution
//! lies in one piece, and a pointwise convolution reads four channels of a pixel at once. Maps that windows slide over
//! have margins that hold the zero point.

mod compile;
pub mod emit;
pub mod kernel;
pub mod map;
pub mod pack;
pub mod plan;
pub mod tile;

pub use compile::{Compiled, compile};
pub use plan::Plan;
