//! Weights by name: what readers give and what folding takes.
//!
//! [`load`] is the door: bytes of a safetensors or PyTorch file, with any known naming scheme, become
//! [`Weights`] that fit the network exactly, or one error that lists everything that does not. It is a reader of one
//! format ([`read`], or [`tf_checkpoint`], whose checkpoints are several files), and then [`fit()`]. [`inventory`] says
//! what a file holds, without a network.
//! Nothing here folds or packs; the values are those of the file.

use std::collections::BTreeMap;

pub mod elements;
mod error;
mod fit;
mod inventory;
mod load;
mod names;
mod parameters;
pub mod pth;
mod random;
pub mod safetensors;
pub mod tf_checkpoint;

pub use error::{FormatError, Problem, WeightsError};
pub use inventory::{Inventory, Listed, inventory};
pub use load::{Fitted, fit, load, read};
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
