//! im2col: a row of input values for each output pixel, so that a convolution is a product of matrices.

use super::{Operand, Window, result};
use burn_tensor::Tensor;

/// `[pixels of the result, kernel rows, kernel columns, channels]`, flat; zero in the padding.
pub(in crate::model) fn patches(x: Tensor<4>, window: Window) -> Tensor<2> {
    let x = Operand::new(x);
    let channels = window.input.channels;
    let len = window.kernel_size * window.kernel_size * channels;
    let rows = window.output_len() / window.output.channels;
    let mut y = vec![0.0; rows * len];
    window.pairs(|to, from, tap| {
        let place = to * len + tap * channels;
        y[place..][..channels].copy_from_slice(&x.values[from * channels..][..channels]);
    });
    result([x], y, [rows, len], move |gradient| {
        let mut dx = vec![0.0; window.input_len()];
        window.pairs(|to, from, tap| {
            let gradient = &gradient[to * len + tap * channels..][..channels];
            for (dx, gradient) in dx[from * channels..][..channels].iter_mut().zip(gradient) {
                *dx += gradient;
            }
        });
        [dx]
    })
}
