//! Activations.

use super::{Operand, result, vectorized};
use burn_tensor::Tensor;
use mnas_dsl::network::Activation;

/// Applies an activation to each value.
pub(in crate::model) fn activate(activation: Activation, x: Tensor<4>) -> Tensor<4> {
    match activation {
        Activation::Linear => x,
        Activation::Relu => each(x, |x| if x < 0.0 { 0.0 } else { x }, |x| if x > 0.0 { 1.0 } else { 0.0 }),
        Activation::Relu6 => each(x, |x| x.clamp(0.0, 6.0), |x| if x > 0.0 && x < 6.0 { 1.0 } else { 0.0 }),
        Activation::HardSigmoid => each(x, hard_sigmoid, hard_slope),
        Activation::HardSwish => each(x, |x| x * hard_sigmoid(x), |x| hard_sigmoid(x) + x * hard_slope(x)),
        Activation::Sigmoid => each(x, sigmoid, |x| sigmoid(x) * (1.0 - sigmoid(x))),
        Activation::Swish => each(
            x,
            |x| x * sigmoid(x),
            |x| {
                let gate = sigmoid(x);
                gate + x * gate * (1.0 - gate)
            },
        ),
    }
}

fn each(x: Tensor<4>, function: impl Fn(f32) -> f32, slope: impl Fn(f32) -> f32 + Send + Sync + 'static) -> Tensor<4> {
    let dims = x.dims();
    let x = Operand::new(x);
    let y = vectorized(|| x.values.iter().map(|&x| function(x)).collect());
    let kept = x.values.clone();
    result([x], y, dims, move |gradient| {
        vectorized(|| [gradient.iter().zip(&*kept).map(|(gradient, &x)| gradient * slope(x)).collect()])
    })
}

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

fn hard_sigmoid(x: f32) -> f32 {
    (x + 3.0).clamp(0.0, 6.0) / 6.0
}

fn hard_slope(x: f32) -> f32 {
    if x > -3.0 && x < 3.0 { 1.0 / 6.0 } else { 0.0 }
}
