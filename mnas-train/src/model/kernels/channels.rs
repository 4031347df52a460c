//! Operators on all pixels of a channel.

use super::{Operand, result, vectorized};
use burn_tensor::Tensor;

/// Adds a value to each channel.
pub(in crate::model) fn add_bias(x: Tensor<4>, bias: Tensor<1>) -> Tensor<4> {
    let dims = x.dims();
    let channels = dims[3];
    let (x, bias) = (Operand::new(x), Operand::new(bias));
    let mut y = x.values.to_vec();
    for pixel in y.chunks_exact_mut(channels) {
        pixel.iter_mut().zip(&*bias.values).for_each(|(y, bias)| *y += bias);
    }
    result([x, bias], y, dims, move |gradient| {
        let mut sums = vec![0.0; channels];
        for pixel in gradient.chunks_exact(channels) {
            sums.iter_mut().zip(pixel).for_each(|(sum, gradient)| *sum += gradient);
        }
        [gradient.to_vec(), sums]
    })
}

/// Mean over all pixels.
pub(in crate::model) fn global_average(x: Tensor<4>) -> Tensor<4> {
    let [pictures, height, width, channels] = x.dims();
    let pixels = height * width;
    let x = Operand::new(x);
    let mut y = vec![0.0; pictures * channels];
    for (y, picture) in y.chunks_exact_mut(channels).zip(x.values.chunks_exact(pixels * channels)) {
        for pixel in picture.chunks_exact(channels) {
            y.iter_mut().zip(pixel).for_each(|(y, x)| *y += x);
        }
        y.iter_mut().for_each(|y| *y /= pixels as f32);
    }
    result([x], y, [pictures, 1, 1, channels], move |gradient| {
        let mut dx = Vec::with_capacity(pictures * pixels * channels);
        for gradient in gradient.chunks_exact(channels) {
            for _ in 0..pixels {
                dx.extend(gradient.iter().map(|gradient| gradient / pixels as f32));
            }
        }
        [dx]
    })
}

/// Multiplies each channel by its gate, `[pictures, 1, 1, channels]`.
pub(in crate::model) fn gate(x: Tensor<4>, gate: Tensor<4>) -> Tensor<4> {
    let dims = x.dims();
    let (channels, picture) = (dims[3], dims[1] * dims[2] * dims[3]);
    let (x, gate) = (Operand::new(x), Operand::new(gate));
    let mut y = x.values.to_vec();
    for (picture, gate) in y.chunks_exact_mut(picture).zip(gate.values.chunks_exact(channels)) {
        for pixel in picture.chunks_exact_mut(channels) {
            pixel.iter_mut().zip(gate).for_each(|(y, gate)| *y *= gate);
        }
    }
    let (kept, gates) = (x.values.clone(), gate.values.clone());
    result([x, gate], y, dims, move |gradient| vectorized(|| gate_backward(&kept, &gates, gradient, channels, picture)))
}

#[inline(always)]
fn gate_backward(x: &[f32], gates: &[f32], gradient: &[f32], channels: usize, picture: usize) -> [Vec<f32>; 2] {
    let mut dx = gradient.to_vec();
    let mut dgates = vec![0.0; gates.len()];
    let gates = gates.chunks_exact(channels).zip(dgates.chunks_exact_mut(channels));
    for ((dx, x), (gate, dgate)) in dx.chunks_exact_mut(picture).zip(x.chunks_exact(picture)).zip(gates) {
        for (dx, x) in dx.chunks_exact_mut(channels).zip(x.chunks_exact(channels)) {
            for (((dx, x), gate), dgate) in dx.iter_mut().zip(x).zip(gate).zip(&mut *dgate) {
                *dgate += *dx * x;
                *dx *= gate;
            }
        }
    }
    [dx, dgates]
}
