//! Depthwise convolution.

use super::{Operand, Window, result, vectorized};
use burn_tensor::Tensor;

/// `weight` has a filter for each channel, in row-major order.
pub(in crate::model) fn depthwise(x: Tensor<4>, weight: Tensor<1>, window: Window) -> Tensor<4> {
    let (x, weight) = (Operand::new(x), Operand::new(weight));
    let channels = window.input.channels;
    // For each tap, the weights of all channels.
    let taps = transposed(&weight.values, channels);
    let y = vectorized(|| forward(&window, &x.values, &taps));
    let kept = x.values.clone();
    result([x, weight], y, window.dims(), move |gradient| vectorized(|| backward(&window, &kept, &taps, gradient)))
}

#[inline(always)]
fn forward(window: &Window, x: &[f32], taps: &[f32]) -> Vec<f32> {
    let channels = window.input.channels;
    let mut y = vec![0.0; window.output_len()];
    window.pairs(|to, from, tap| {
        let y = &mut y[to * channels..][..channels];
        let (x, weight) = (&x[from * channels..][..channels], &taps[tap * channels..][..channels]);
        for ((y, x), weight) in y.iter_mut().zip(x).zip(weight) {
            *y += x * weight;
        }
    });
    y
}

#[inline(always)]
fn backward(window: &Window, x: &[f32], taps: &[f32], gradient: &[f32]) -> [Vec<f32>; 2] {
    let channels = window.input.channels;
    let mut dx = vec![0.0; window.input_len()];
    let mut dtaps = vec![0.0; taps.len()];
    window.pairs(|to, from, tap| {
        let gradient = &gradient[to * channels..][..channels];
        let (x, dx) = (&x[from * channels..][..channels], &mut dx[from * channels..][..channels]);
        let (weight, dweight) = (&taps[tap * channels..][..channels], &mut dtaps[tap * channels..][..channels]);
        for ((((gradient, x), dx), weight), dweight) in gradient.iter().zip(x).zip(dx).zip(weight).zip(dweight) {
            *dx += gradient * weight;
            *dweight += gradient * x;
        }
    });
    [dx, transposed(&dtaps, dtaps.len() / channels)]
}

/// Transposes a matrix of `rows` rows.
fn transposed(values: &[f32], rows: usize) -> Vec<f32> {
    let columns = values.len() / rows;
    (0..values.len()).map(|at| values[at % rows * columns + at / rows]).collect()
}
