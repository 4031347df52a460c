//! `f32`. A panel is the biases of its channels, in the type of the weights, and a row of weights for each value of the
//! reduction; a tile starts from the biases and ends with the activation and the residual.

use super::Numeric;
use crate::element::Element;

/// `f32` activations, weights and sums.
pub const F32: Numeric = Numeric {
    name: "f32",
    activation: Element::F32,
    weight: Element::F32,
    accumulator: Element::F32,
    panel: |rows, channels| (rows + 1) * channels,
};
