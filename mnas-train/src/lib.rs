//! Training of mnas networks, with burn's tensors.
//!
//! ```text
//!  Spec -> Graph, nothing fused -> Model (parameters under mnas's names) <- Recipe, Data
//!                                    |
//!                                 Weights, which the compiler reads unchanged
//! ```
//!
//! A network is interpreted from the same [`Graph`](mnas_codegen::graph::Graph) that the compiler starts from, so there
//! is no second description of any block. Pictures are bytes until a batch is made. Then they are normalised by the spec's
//! `preprocess`, exactly as in generated code. All random numbers come from seeds.
#![forbid(unsafe_code)]

pub mod augment;
pub mod device;
mod evaluator;
pub mod model;
mod optimizer;
mod pause;
mod schedule;
pub mod training;

pub use mnas_data::{self as data, Recipe, recipe};

pub use evaluator::{Setup, TrainingEvaluator};
pub use model::Model;
pub use pause::Pause;

/// Runs the README's examples.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeExamples;
