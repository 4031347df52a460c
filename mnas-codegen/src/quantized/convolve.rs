//! Sums of convolutions.

use super::{Quantized, conv_of};
use crate::graph::{Conv, TensorId};
use mnas_dsl::network::Shape;
use std::collections::BTreeMap;

/// Weights of a convolution in the order in which its loops read them. They are 16 bits wide, as the operands of the
/// multiplication, which the compiler vectorises.
pub(super) struct Filters {
    /// OHWI, so that a filter and its window are two vectors; HWC if depthwise.
    weights: Vec<i16>,
}

impl Filters {
    fn new(conv: &Conv, weight: &[i8]) -> Self {
        let [outputs, inputs, rows, columns] = conv.weight_shape();
        let taps = rows * columns;
        let mut weights = vec![0; weight.len()];
        for output in 0..outputs {
            for input in 0..inputs {
                for tap in 0..taps {
                    let to =
                        if conv.depthwise { tap * outputs + output } else { (output * taps + tap) * inputs + input };
                    weights[to] = i16::from(weight[(output * inputs + input) * taps + tap]);
                }
            }
        }
        Filters { weights }
    }

    /// Those of every convolution of a network, by the prefix of its parameters.
    pub(super) fn of_network(network: &Quantized) -> BTreeMap<String, Filters> {
        let convs = network.graph.nodes.iter().filter_map(|node| conv_of(&network.graph, node));
        convs.map(|conv| (conv.param.clone(), Filters::new(&conv, &network.layers[&conv.param].weight))).collect()
    }
}

/// The sums of a convolution: weights times bytes less the zero point, and the bias. Padding is the zero point.
///
/// # Panics
///
/// As [`run`](super::run).
pub fn convolve(network: &Quantized, conv: &Conv, from: TensorId, x: &[u8], input: Shape, output: Shape) -> Vec<i32> {
    let filters = Filters::new(conv, &network.layers[&conv.param].weight);
    convolve_by(&filters, network, conv, from, x, input, output)
}

/// [`convolve`] with filters that are in order already.
pub(super) fn convolve_by(
    filters: &Filters,
    network: &Quantized,
    conv: &Conv,
    from: TensorId,
    x: &[u8],
    input: Shape,
    output: Shape,
) -> Vec<i32> {
    let bias = &network.layers[&conv.param].bias;
    let zero = i16::from(network.map(from).zero);
    let outputs = conv.output_channels;
    // A fully connected layer reads its input as one pixel.
    let input =
        if input.len() == conv.input_channels { Shape { height: 1, width: 1, channels: input.len() } } else { input };
    let filter_len = conv.weight_len() / outputs;
    let mut window = vec![0; conv.kernel_size * conv.kernel_size * input.channels];
    let mut sums = Vec::with_capacity(output.pixels() * outputs);
    for pixel in 0..output.pixels() {
        let at = (pixel / output.width * conv.stride, pixel % output.width * conv.stride);
        read_window(conv, x, input, at, zero, &mut window);
        if conv.depthwise {
            let start = sums.len();
            sums.extend_from_slice(bias);
            for (x, weights) in window.chunks_exact(outputs).zip(filters.weights.chunks_exact(outputs)) {
                for ((sum, &x), &w) in sums[start..].iter_mut().zip(x).zip(weights) {
                    *sum += i32::from(x) * i32::from(w);
                }
            }
        } else {
            let each = filters.weights.chunks_exact(filter_len).zip(bias);
            sums.extend(each.map(|(filter, bias)| bias + dot(&window, filter)));
        }
    }
    sums
}

fn dot(a: &[i16], b: &[i16]) -> i32 {
    a.iter().zip(b).map(|(&a, &b)| i32::from(a) * i32::from(b)).sum()
}

/// The bytes less the zero point that an output pixel reads, HWC; padding is 0. `at` is the row and the column of the
/// window in the padded image.
fn read_window(conv: &Conv, x: &[u8], input: Shape, at: (usize, usize), zero: i16, window: &mut [i16]) {
    for (tap, window) in window.chunks_exact_mut(input.channels).enumerate() {
        let (row, column) = (at.0 + tap / conv.kernel_size, at.1 + tap % conv.kernel_size);
        let row = row.checked_sub(conv.pads.top).filter(|&row| row < input.height);
        let column = column.checked_sub(conv.pads.left).filter(|&column| column < input.width);
        let (Some(row), Some(column)) = (row, column) else {
            window.fill(0);
            continue;
        };
        let pixel = &x[(row * input.width + column) * input.channels..][..input.channels];
        for (to, &q) in window.iter_mut().zip(pixel) {
            *to = i16::from(q) - zero;
        }
    }
}
