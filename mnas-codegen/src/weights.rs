//! Weights by name: what readers give and what folding takes.

use std::collections::BTreeMap;

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
