//! Max pool.

use mnas_dsl::network::{Pads, Shape};

use super::average_pool::visible;

/// The largest of the pixels of a window that lie in the image; NaN where one of them is NaN.
pub(super) fn run(x: &[f64], input: Shape, output: Shape, kernel_size: usize, stride: usize, pads: Pads) -> Vec<f64> {
    let mut y = Vec::with_capacity(output.len());
    for row in 0..output.height {
        let rows = visible(row * stride, kernel_size, pads.top, input.height);
        for column in 0..output.width {
            let columns = visible(column * stride, kernel_size, pads.left, input.width);
            for channel in 0..output.channels {
                let pixels = rows.clone().flat_map(|row| columns.clone().map(move |column| row * input.width + column));
                let values = pixels.map(|pixel| x[pixel * input.channels + channel]);
                y.push(values.fold(f64::NEG_INFINITY, larger));
            }
        }
    }
    y
}

/// Not `max`, which would hide a NaN.
fn larger(a: f64, b: f64) -> f64 {
    if a.is_nan() || a >= b { a } else { b }
}
