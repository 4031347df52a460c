//! Weights by name: what readers give and what folding takes.
//!
//! [`load`] makes [`Weights`] that fit a network exactly of the bytes of a file, or gives one error that lists everything
//! that does not fit. It reads the file by its row in [`mod@format`] and then calls [`fit()`], which recognises the naming
//! scheme. [`inventory`] lists what a file holds, without a network.
//! Nothing here folds or packs; the values are those of the file.

use std::collections::BTreeMap;

mod contents;
pub mod elements;
mod error;
mod fit;
pub mod format;
mod listed;
mod load;
mod names;
mod order;
mod parameters;
mod random;

pub use contents::Contents;
pub use error::{FormatError, Problem, WeightsError};
pub use fit::{Fitted, fit};
pub use format::{pth, safetensors, tf_checkpoint};
pub use listed::{Inventory, Listed};
pub use load::{inventory, load, load_for, read};
pub use parameters::{Parameter, ParameterKind, parameters};
pub use random::random;

/// A tensor of weights, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct WeightTensor {
    /// Dimensions, outermost first.
    pub shape: Vec<usize>,
    /// Values.
    pub data: Vec<f32>,
}

/// Weights by mnas's own names (`blocks.2.0.depthwise.weight`, `blocks.2.0.depthwise.bn.running_mean`, ...).
pub type Weights = BTreeMap<String, WeightTensor>;
