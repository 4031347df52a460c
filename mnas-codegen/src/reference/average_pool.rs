//! Average pools.

use mnas_dsl::network::{Pads, Shape};

/// Mean over all pixels.
pub(super) fn global(x: &[f64], input: Shape) -> Vec<f64> {
    let mut y = vec![0.0; input.channels];
    for pixel in x.chunks_exact(input.channels) {
        super::elementwise::add(&mut y, pixel);
    }
    y.into_iter().map(|sum| sum / input.pixels() as f64).collect()
}

/// Mean over the pixels of a window that lie in the image.
pub(super) fn window(
    x: &[f64],
    input: Shape,
    output: Shape,
    kernel_size: usize,
    stride: usize,
    pads: Pads,
) -> Vec<f64> {
    let mut y = Vec::with_capacity(output.len());
    for row in 0..output.height {
        let rows = visible(row * stride, kernel_size, pads.top, input.height);
        for column in 0..output.width {
            let columns = visible(column * stride, kernel_size, pads.left, input.width);
            let count = (rows.len() * columns.len()) as f64;
            for channel in 0..output.channels {
                let pixels = rows.clone().flat_map(|row| columns.clone().map(move |column| row * input.width + column));
                let sum: f64 = pixels.map(|pixel| x[pixel * input.channels + channel]).sum();
                y.push(sum / count);
            }
        }
    }
    y
}

/// The part of a window that lies in the image; `start` counts from the first padded row or column.
pub(super) fn visible(start: usize, kernel_size: usize, pad: usize, size: usize) -> std::ops::Range<usize> {
    start.saturating_sub(pad)..(start + kernel_size).saturating_sub(pad).min(size)
}
