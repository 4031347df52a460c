//! Activation functions.

use mnas_dsl::network::Activation;

/// An activation of a value, by its definition.
pub fn apply(activation: Activation, x: f64) -> f64 {
    match activation {
        Activation::Linear => x,
        // Not `max`, which would hide a NaN.
        Activation::Relu if x < 0.0 => 0.0,
        Activation::Relu => x,
        Activation::Relu6 => x.clamp(0.0, 6.0),
        Activation::HardSwish => x * hard_sigmoid(x),
        Activation::Swish => x * sigmoid(x),
        Activation::Sigmoid => sigmoid(x),
        Activation::HardSigmoid => hard_sigmoid(x),
    }
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn hard_sigmoid(x: f64) -> f64 {
    (x + 3.0).clamp(0.0, 6.0) / 6.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_the_definitions() {
        let at = |activation, xs: [f64; 5]| xs.map(|x| apply(activation, x));
        let xs = [-4.0, -1.0, 0.0, 1.5, 7.0];
        assert_eq!(at(Activation::Linear, xs), xs);
        assert_eq!(at(Activation::Relu, xs), [0.0, 0.0, 0.0, 1.5, 7.0]);
        assert_eq!(at(Activation::Relu6, xs), [0.0, 0.0, 0.0, 1.5, 6.0]);
        assert_eq!(at(Activation::HardSigmoid, xs), [0.0, 2.0 / 6.0, 0.5, 0.75, 1.0]);
        assert_eq!(at(Activation::HardSwish, xs), [0.0, -2.0 / 6.0, 0.0, 1.125, 7.0]);
        // exp(ln 3) = 3, so the sigmoid is 3/4 and 1/4.
        let ln3 = 3f64.ln();
        assert!((apply(Activation::Sigmoid, ln3) - 0.75).abs() < 1e-15);
        assert!((apply(Activation::Sigmoid, -ln3) - 0.25).abs() < 1e-15);
        assert!((apply(Activation::Swish, -ln3) + 0.25 * ln3).abs() < 1e-15);
    }

    #[test]
    fn nan_is_not_hidden() {
        use Activation::{HardSigmoid, HardSwish, Linear, Relu, Relu6, Sigmoid, Swish};
        for activation in [Linear, Relu, Relu6, HardSwish, Swish, Sigmoid, HardSigmoid] {
            assert!(apply(activation, f64::NAN).is_nan(), "{activation:?}");
        }
    }

    #[test]
    fn sigmoid_is_finite_far_out() {
        assert_eq!(apply(Activation::Sigmoid, -1e4), 0.0);
        assert_eq!(apply(Activation::Sigmoid, 1e4), 1.0);
    }
}
