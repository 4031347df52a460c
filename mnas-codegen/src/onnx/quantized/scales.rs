//! The scales that a file writes beside the integers.
//!
//! A runtime's integer convolution multiplies the sum of output channel `o` by `x * w[o] / y`, in `f32` and in this
//! order, where `x` and `y` are the scales of its maps and `w[o]` that of the weights. What it has to multiply by is the
//! multiplier of [`Epilogue`]. With maps of one scale that is the same expression. Where a map has one scale a channel,
//! `x` and `y` are powers of two, by which products and quotients are exact, and `w[o]` is what is left.

use crate::graph::{Conv, TensorId};
use crate::quantized::arithmetic::Epilogue;
use crate::quantized::{Map, Quantized};

/// The least scale of a weight: a smaller one could vanish in a product, and rounds every sum to 0 as this one does.
const LEAST: f32 = 1e-30;

/// The scales around one convolution.
pub(super) struct Scales {
    /// Of its input, per tensor.
    pub(super) input: f32,
    /// Of its weights, per output channel.
    pub(super) weight: Vec<f32>,
    /// Of its output, per tensor; 1 where the output is no map.
    pub(super) output: f32,
}

impl Scales {
    /// Of a bias: the product as a runtime computes it.
    pub(super) fn bias(&self) -> Vec<f32> {
        self.weight.iter().map(|w| self.input * w).collect()
    }
}

/// The scale of a map in a file: its own, or near the mean of its channels' a power of two.
pub(super) fn of_map(map: &Map) -> f32 {
    if map.by_channel() { power_of_two(map) } else { map.scales[0] }
}

/// The scales of a convolution whose sums go through `epilogue`; without one they stay real numbers.
///
/// `None` where a scale would not be finite.
pub(super) fn of_conv(
    network: &Quantized,
    conv: &Conv,
    from: TensorId,
    to: Option<(&Map, &Epilogue)>,
) -> Option<Scales> {
    let x = network.map(from);
    let weights = &network.layers[&conv.param].weight_scale;
    let sum_scale = |o: usize| network.sum_scale(conv, from, o);
    let scales = match to {
        Some((y, Epilogue::Multiply { multiplier, .. })) if y.by_channel() => {
            let (input, output) = (power_of_two(x), power_of_two(y));
            let weight = multiplier.iter().map(|m| (m * (output / input)).max(LEAST)).collect();
            Scales { input, weight, output }
        }
        to => {
            let output = to.map_or(1.0, |(y, _)| of_map(y));
            if x.by_channel() {
                let input = power_of_two(x);
                let weight = (0..conv.output_channels).map(|o| (sum_scale(o) / input).max(LEAST)).collect();
                Scales { input, weight, output }
            } else {
                Scales { input: x.scales[0], weight: weights.clone(), output }
            }
        }
    };
    let is_finite = scales.weight.iter().chain([&scales.input, &scales.output]).all(|scale| scale.is_finite());
    is_finite.then_some(scales)
}

/// The power of two that is nearest to the geometric mean of a map's scales.
fn power_of_two(map: &Map) -> f32 {
    let sum: f64 = map.scales.iter().map(|scale| f64::from(*scale).log2()).sum();
    // Far from the ends of an `f32`, so that products with it are exact.
    let exponent = (sum / map.scales.len() as f64).round().clamp(-40.0, 40.0);
    exponent.exp2() as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_are_near_the_mean() {
        let of = |scales: &[f32]| power_of_two(&Map { scales: scales.to_vec(), zero: 0 });
        assert_eq!(of(&[0.24]), 0.25);
        assert_eq!(of(&[1.0, 4.0]), 2.0);
        assert_eq!(of(&[f32::MIN_POSITIVE]), (-40_f32).exp2());
    }
}
