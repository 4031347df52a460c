//! Batch norm, addition and multiplication by a gate a channel.

use crate::parameter::BatchNormParameters;

pub(super) fn batch_norm(mut x: Vec<f64>, norm: &BatchNormParameters<'_>, eps: f64) -> Vec<f64> {
    for pixel in x.chunks_exact_mut(norm.weight.len()) {
        for (channel, x) in pixel.iter_mut().enumerate() {
            *x = norm.apply(channel, eps, *x);
        }
    }
    x
}

pub(super) fn add(y: &mut [f64], x: &[f64]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y += x;
    }
}

pub(super) fn multiply_channels(x: &[f64], gate: &[f64]) -> Vec<f64> {
    x.iter().zip(gate.iter().cycle()).map(|(x, gate)| x * gate).collect()
}
