//! Pools over windows; padding is ignored.

use super::{Operand, Window, result, vectorized};
use burn_tensor::Tensor;

/// Mean over the pixels of a window that lie inside of the picture.
pub(in crate::model) fn average_pool(x: Tensor<4>, window: Window) -> Tensor<4> {
    let x = Operand::new(x);
    let channels = window.input.channels;
    let mut counts = vec![0.0_f32; window.output_len() / channels];
    window.pairs(|to, _, _| counts[to] += 1.0);
    let y = vectorized(|| {
        let mut y = vec![0.0; window.output_len()];
        window.pairs(|to, from, _| {
            let x = &x.values[from * channels..][..channels];
            for (y, x) in y[to * channels..][..channels].iter_mut().zip(x) {
                *y += x / counts[to];
            }
        });
        y
    });
    result([x], y, window.dims(), move |gradient| {
        let mut dx = vec![0.0; window.input_len()];
        window.pairs(|to, from, _| {
            let gradient = &gradient[to * channels..][..channels];
            for (dx, gradient) in dx[from * channels..][..channels].iter_mut().zip(gradient) {
                *dx += gradient / counts[to];
            }
        });
        [dx]
    })
}

/// Maximum over the pixels of a window that lie inside of the picture; the first of equal values gets the gradient.
pub(in crate::model) fn max_pool(x: Tensor<4>, window: Window) -> Tensor<4> {
    let x = Operand::new(x);
    let channels = window.input.channels;
    let mut y = vec![f32::NEG_INFINITY; window.output_len()];
    let mut winners = vec![0_usize; y.len()];
    window.pairs(|to, from, _| {
        for channel in 0..channels {
            let (place, x) = (to * channels + channel, x.values[from * channels + channel]);
            // A NaN is the maximum, so that it stays visible.
            if x > y[place] || x.is_nan() {
                y[place] = x;
                winners[place] = from * channels + channel;
            }
        }
    });
    result([x], y, window.dims(), move |gradient| {
        let mut dx = vec![0.0; window.input_len()];
        for (&winner, gradient) in winners.iter().zip(gradient) {
            dx[winner] += gradient;
        }
        [dx]
    })
}
