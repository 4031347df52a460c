//! The arithmetic of int8, one value at a time.
//!
//! Every operation is an integer one or an IEEE `f32` multiplication, addition, division, comparison or conversion,
//! in the order written here and never contracted to a fused multiply-add. So every instruction set can follow it to
//! the bit. Rounding is to nearest, ties to even.

use mnas_dsl::network::Activation;
use mnas_runtime::math::{LN_2_HIGH, LN_2_LOW, TAYLOR};

/// `1.5 * 2^23`: adding it to an `f32` of magnitude below `2^22` rounds to an integer, ties to even, in the low bits.
const ROUNDER: f32 = 12_582_912.0;

/// The largest scale of a map behind relu6: its product with 255 is exactly 6 in `f32`.
pub const RELU6_SCALE: f32 = 6.0 / 255.0;

/// The nearest integer, ties to even, of a value whose magnitude is below `2^22`.
pub fn round(x: f32) -> i32 {
    (x + ROUNDER).to_bits().wrapping_sub(ROUNDER.to_bits()) as i32
}

/// The byte of a real value: `round(x) + zero`, limited to `lower..=255`. `x` is in units of the map's scale; NaN
/// gives `lower`.
pub fn saturate(x: f32, zero: u8, lower: u8) -> u8 {
    let (zero, least, most) = (i32::from(zero), i32::from(lower), 255);
    // The limits are integers, so limiting before rounding equals limiting after it, and keeps `round` in its range.
    let x = if x > (least - zero) as f32 { x } else { (least - zero) as f32 };
    let x = if x < (most - zero) as f32 { x } else { (most - zero) as f32 };
    (round(x) + zero) as u8
}

/// An image's value as a byte, as ONNX's QuantizeLinear: `saturate(x / scale)`.
pub fn quantize(x: f32, scale: f32, zero: u8) -> u8 {
    saturate(x / scale, zero, 0)
}

/// How a sum of a convolution becomes a byte.
#[derive(Clone, Debug, PartialEq)]
pub enum Epilogue {
    /// Linear, relu, relu6: one multiplication, and the limits of the byte are the activation. A map behind relu6 has
    /// scales of at most [`RELU6_SCALE`], so that 255 stands for 6 or less.
    Multiply {
        /// `sum_scale[o] / scale[o]`, one an output channel.
        multiplier: Vec<f32>,
        /// The map's.
        zero: u8,
        /// The byte of the least value of the activation.
        lower: u8,
    },
    /// Other activations: computed in `f32` on the sum.
    Activate {
        /// `sum_scale[o]`.
        sum_scale: Vec<f32>,
        /// Which.
        activation: Activation,
        /// `1 / scale[o]`.
        inverse_scale: Vec<f32>,
        /// The map's.
        zero: u8,
    },
}

impl Epilogue {
    /// The epilogue of a layer whose sums have these scales, whose output map has scale `scale(o)` and zero point `zero`.
    pub fn new(activation: Activation, sum_scale: Vec<f32>, scale: impl Fn(usize) -> f32, zero: u8) -> Self {
        let lower = match activation {
            Activation::Linear => 0,
            Activation::Relu | Activation::Relu6 => zero,
            Activation::HardSwish | Activation::Swish | Activation::Sigmoid | Activation::HardSigmoid => {
                let inverse_scale = (0..sum_scale.len()).map(|o| 1.0 / scale(o)).collect();
                return Epilogue::Activate { sum_scale, activation, inverse_scale, zero };
            }
        };
        let multiplier = sum_scale.iter().enumerate().map(|(o, s)| s / scale(o)).collect();
        Epilogue::Multiply { multiplier, zero, lower }
    }

    /// The byte of a sum in output channel `o`.
    pub fn apply(&self, sum: i32, o: usize) -> u8 {
        match self {
            Epilogue::Multiply { multiplier, zero, lower } => saturate(sum as f32 * multiplier[o], *zero, *lower),
            Epilogue::Activate { sum_scale, activation, inverse_scale, zero } => {
                let y = activate(*activation, sum as f32 * sum_scale[o]);
                saturate(y * inverse_scale[o], *zero, 0)
            }
        }
    }
}

/// An activation in `f32`, in the order that every instruction set follows.
pub fn activate(activation: Activation, x: f32) -> f32 {
    match activation {
        Activation::Linear => x,
        Activation::Relu => max(x, 0.0),
        Activation::Relu6 => min(max(x, 0.0), 6.0),
        Activation::HardSigmoid => hard_sigmoid(x),
        Activation::HardSwish => x * hard_sigmoid(x),
        Activation::Sigmoid => sigmoid(x),
        Activation::Swish => x * sigmoid(x),
    }
}

fn max(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

fn min(a: f32, b: f32) -> f32 {
    if a < b { a } else { b }
}

fn hard_sigmoid(x: f32) -> f32 {
    min(max(x + 3.0, 0.0), 6.0) * (1.0 / 6.0)
}

/// `1 / (1 + exp(-x))` for an argument that is limited to `-87..=87`.
fn sigmoid(x: f32) -> f32 {
    let x = min(max(x, -87.0), 87.0);
    1.0 / (1.0 + exp(-x))
}

/// `2^n * exp(r)`, `r` in `[-ln 2 / 2, ln 2 / 2]` by its Taylor series, products and sums rounded one by one.
fn exp(x: f32) -> f32 {
    let n = round(x * core::f32::consts::LOG2_E);
    let r = x - n as f32 * LN_2_HIGH;
    let r = r - n as f32 * LN_2_LOW;
    let mut sum = TAYLOR[0];
    for c in &TAYLOR[1..] {
        sum = sum * r + c;
    }
    sum * f32::from_bits(((n + 127) as u32) << 23)
}

/// A map times its gate: `round((a - zero_a) * gate * multiplier) + zero`, the product of integers exact.
pub fn gate(a: u8, zero_a: u8, gate: u8, multiplier: f32, zero: u8) -> u8 {
    let product = (i32::from(a) - i32::from(zero_a)) * i32::from(gate);
    saturate(product as f32 * multiplier, zero, 0)
}

/// Two maps of one scale added, in units of that scale: `(a - zero_a) + (b - zero_b)`.
pub fn sum(a: u8, zero_a: u8, b: u8, zero_b: u8) -> i32 {
    i32::from(a) - i32::from(zero_a) + i32::from(b) - i32::from(zero_b)
}

/// The byte of a [`sum`]: the zero point added, saturated.
pub fn add(a: u8, zero_a: u8, b: u8, zero_b: u8, zero: u8) -> u8 {
    (sum(a, zero_a, b, zero_b) + i32::from(zero)).clamp(0, 255) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_is_to_nearest_ties_to_even() {
        for i in -8192..=8192_i32 {
            let x = i as f32 / 16.0;
            assert_eq!(round(x), x.round_ties_even() as i32, "{x}");
        }
        assert_eq!(round(4_194_303.0), 4_194_303);
        assert_eq!(round(-4_194_303.0), -4_194_303);
    }

    #[test]
    fn saturation_is_the_limit_after_rounding() {
        for zero in [0_u8, 2, 128, 254] {
            for i in -6000..6000_i32 {
                let x = i as f32 / 8.0;
                let expected = (x.round_ties_even() as i32 + i32::from(zero)).clamp(4, 255) as u8;
                assert_eq!(saturate(x, zero, 4), expected, "{x} + {zero}");
            }
            assert_eq!(saturate(f32::INFINITY, zero, 0), 255);
            assert_eq!(saturate(f32::NEG_INFINITY, zero, 0), 0);
            assert_eq!(saturate(1e30, zero, 0), 255);
        }
        assert_eq!(saturate(f32::NAN, 128, 3), 3);
    }

    #[test]
    fn activations_are_near_their_definitions() {
        for activation in [Activation::HardSwish, Activation::Swish, Activation::Sigmoid, Activation::HardSigmoid] {
            for i in -20_000..20_000_i32 {
                let x = i as f32 / 100.0;
                let expected = crate::reference::apply_activation(activation, f64::from(x));
                let found = f64::from(activate(activation, x));
                assert!(
                    (found - expected).abs() <= 2e-6 * expected.abs() + 1e-30,
                    "{activation:?} {x}: {found} {expected}"
                );
            }
        }
    }
}
