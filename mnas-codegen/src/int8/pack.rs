//! Packed weights: what each vector of output channels needs, in the order in which its kernel reads it.
//!
//! A panel has the biases of its sixteen channels, its constants, and then quads: four values of the reduction for each
//! channel. The zero point of the input is in the biases. Every instruction set reads the same layout.

use super::kernel::{ConvKernel, DepthwiseKernel, Finish, Kernel, Output};
use super::map::{LANES, QUAD};
use super::plan::{Plan, Step};
use crate::graph::{Conv, Op, TensorId};
use crate::quantized::{Integers, Quantized, conv_of};

/// The packed weights of a network.
///
/// # Panics
///
/// If the plan is another network's.
pub fn pack(network: &Quantized, plan: &Plan) -> Vec<u8> {
    let mut out = Vec::with_capacity(plan.weights_len.0);
    for step in &plan.steps {
        assert_eq!(out.len(), step.weights.0, "`{}` lies where the plan says", step.name);
        pack_step(network, step, &mut out);
    }
    out.resize(plan.weights_len.0, 0);
    out
}

fn pack_step(network: &Quantized, step: &Step, out: &mut Vec<u8>) {
    let graph = &network.graph;
    let node = &graph.nodes[step.node];
    let from = node.inputs[0];
    match &step.kernel {
        Kernel::Conv(kernel) => {
            let conv = conv_of(graph, node).expect("a convolution");
            // A fully connected layer reads its input as a vector of rows of pixels.
            let is_linear = matches!(node.op, Op::Linear { .. });
            conv_panels(network, &conv, [from, node.output], kernel, is_linear, out);
        }
        Kernel::Depthwise(kernel) => {
            let conv = conv_of(graph, node).expect("a convolution");
            depthwise_panels(network, &conv, [from, node.output], kernel, out);
        }
        Kernel::GlobalAverage { input, output, .. } => {
            let (map, count) = (network.map(from), (input.height * input.width) as f32);
            let multiplier = |c: usize| match output {
                Output::Bytes(..) => map.scale(c) / (network.map(node.output).scale(c) * count),
                Output::Floats(_) => map.scale(c) / count,
            };
            floats(out, input.channels, multiplier);
        }
        Kernel::Gate { input, .. } => {
            let (map, gate, to) = (network.map(from), network.map(node.inputs[1]), network.map(node.output));
            floats(out, input.channels, |c| map.scale(c) * gate.scales[0] / to.scale(c));
        }
        Kernel::Add { finish, .. } => {
            // The operands and the result have one scale.
            let scale = network.map(from).scales[0];
            match finish {
                None => {}
                Some(Finish::Multiply { .. }) => floats(out, LANES, |_| 1.0),
                Some(Finish::Activate(_)) => {
                    floats(out, LANES, |_| scale);
                    floats(out, LANES, |_| 1.0 / scale);
                }
                Some(Finish::Floats(_)) => floats(out, LANES, |_| scale),
            }
        }
        Kernel::Pool(_) => {}
    }
}

/// Values of channels, in whole vectors.
fn floats(out: &mut Vec<u8>, channels: usize, value: impl Fn(usize) -> f32) {
    for c in 0..channels.next_multiple_of(LANES) {
        out.extend(if c < channels { value(c) } else { 0.0 }.to_le_bytes());
    }
}

/// What the panel of channels from `first` on begins with: biases, and the constants of `finish`.
fn header(
    network: &Quantized,
    conv: &Conv,
    [from, to]: [TensorId; 2],
    finish: Finish,
    first: usize,
    sum_of_weights: impl Fn(usize) -> i32,
    out: &mut Vec<u8>,
) {
    let layer = &network.layers[&conv.param];
    let zero = i32::from(network.map(from).zero);
    let channels = first..first + LANES;
    let is_real = |o: usize| o < conv.output_channels;
    for o in channels.clone() {
        let bias = if is_real(o) { layer.bias[o].wrapping_sub(zero.wrapping_mul(sum_of_weights(o))) } else { 0 };
        out.extend(bias.to_le_bytes());
    }
    let mut constant = |value: &dyn Fn(usize) -> f32| {
        for o in channels.clone() {
            out.extend(if is_real(o) { value(o) } else { 0.0 }.to_le_bytes());
        }
    };
    let sum_scale = |o| network.sum_scale(conv, from, o);
    match finish {
        Finish::Multiply { .. } => constant(&|o| sum_scale(o) / network.map(to).scale(o)),
        Finish::Activate(_) => {
            constant(&sum_scale);
            constant(&|o| 1.0 / network.map(to).scale(o));
        }
        Finish::Floats(_) => constant(&sum_scale),
    }
}

fn conv_panels(
    network: &Quantized,
    conv: &Conv,
    ends: [TensorId; 2],
    kernel: &ConvKernel,
    is_linear: bool,
    out: &mut Vec<u8>,
) {
    let layer = &network.layers[&conv.param];
    let inputs = layer.weight.len() / conv.output_channels;
    let sum = |o: usize| layer.weight[o * inputs..][..inputs].iter().map(|&w| i32::from(w)).sum();
    for panel in 0..kernel.panels() {
        let first = panel * LANES;
        header(network, conv, ends, kernel.finish, first, sum, out);
        for ky in 0..kernel.window[0] {
            for kx in 0..kernel.window[1] {
                for quad in 0..kernel.quads_of_pixel() {
                    for o in first..first + LANES {
                        for c in quad * QUAD..(quad + 1) * QUAD {
                            out.push(conv_weight(conv, kernel, layer, is_linear, [o, c, ky, kx]) as u8);
                        }
                    }
                }
            }
        }
    }
}

/// A weight; 0 for channels that only fill vectors.
fn conv_weight(conv: &Conv, kernel: &ConvKernel, layer: &Integers, is_linear: bool, at: [usize; 4]) -> i8 {
    let [o, c, ky, kx] = at;
    if o >= conv.output_channels || c >= kernel.input.channels {
        return 0;
    }
    let [rows, columns] = kernel.window;
    let index =
        if is_linear { (ky * columns + kx) * kernel.input.channels + c } else { (c * rows + ky) * columns + kx };
    layer.weight[o * rows * columns * kernel.input.channels + index]
}

fn depthwise_panels(
    network: &Quantized,
    conv: &Conv,
    ends: [TensorId; 2],
    kernel: &DepthwiseKernel,
    out: &mut Vec<u8>,
) {
    let layer = &network.layers[&conv.param];
    let k = kernel.kernel_size;
    let sum = |o: usize| layer.weight[o * k * k..][..k * k].iter().map(|&w| i32::from(w)).sum();
    for panel in 0..kernel.output.layout().blocks() {
        let first = panel * LANES;
        header(network, conv, ends, kernel.finish, first, sum, out);
        for ky in 0..k {
            for shift in 0..kernel.shifts() {
                for quad in 0..kernel.quads() {
                    for o in first..first + LANES {
                        for place in quad * QUAD..(quad + 1) * QUAD {
                            let tap = place.checked_sub(shift).filter(|tap| *tap < k && o < conv.output_channels);
                            out.push(tap.map_or(0, |kx| layer.weight[(o * k + ky) * k + kx]) as u8);
                        }
                    }
                }
            }
        }
    }
}
