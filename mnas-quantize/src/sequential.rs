//! Layer by layer, each with the inputs that the layers before it (already treated) really give it: weights are rounded
//! so that the outputs stay near (see [`crate::rounding`]), and the bias takes back the mean error that is left.
//!
//! The second is Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction", 2019, in its
//! empirical form.

use crate::Options;
use crate::rounding::{MOST_INPUTS, Moments};
use crate::weights::{MOST, folded, unit_of_input};
use mnas_codegen::graph::{Conv, Graph, Node, Op, TensorId};
use mnas_codegen::quantized::{Integers, Quantized, Value, conv_of, convolve, finish, quantize_image, run_node};
use mnas_codegen::reference::{ReferenceError, apply_activation, run_nodes};
use mnas_codegen::weights::Weights;
use mnas_dsl::network::{Activation, Shape};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Pixels of a layer's output that are sampled over all images.
const SAMPLES: usize = 8192;

/// Both networks on one image, node by node.
struct Pair {
    float: BTreeMap<TensorId, Vec<f64>>,
    bytes: BTreeMap<TensorId, Value>,
}

/// How many images [`quantize`](crate::quantize) can take in this many bytes of memory, at least one: all values of a layer
/// are held at once, of both networks.
pub fn images_in(graph: &Graph, bytes: u64) -> usize {
    let len = |id: TensorId| graph.shape(id).len() as u64;
    let last_reader = |id: TensorId| graph.nodes.iter().rposition(|node| node.inputs.contains(&id));
    let at_node = |(index, node): (usize, &Node)| -> u64 {
        let made = graph.nodes[..index].iter().map(|node| node.output).chain([graph.input]);
        let held = made.filter(|id| last_reader(*id).is_some_and(|last| last >= index));
        // f64 and bytes; what is made also as f64 and sums before its activation.
        held.map(|id| 9 * len(id)).sum::<u64>() + (9 + 8 + 4) * len(node.output)
    };
    let most = graph.nodes.iter().enumerate().map(at_node).max().unwrap_or(0);
    (bytes / most.max(1)).clamp(1, usize::MAX as u64) as usize
}

pub(crate) fn treat(
    network: &mut Quantized,
    weights: &Weights,
    images: &[Vec<f32>],
    options: &Options,
) -> Result<(), ReferenceError> {
    let graph = network.graph.clone();
    let start = |image: &Vec<f32>| Pair {
        float: BTreeMap::from([(graph.input, image.iter().copied().map(f64::from).collect())]),
        bytes: BTreeMap::from([(graph.input, quantize_image(network, image))]),
    };
    let mut pairs: Vec<Pair> = images.iter().map(start).collect();
    for (index, node) in graph.nodes.iter().enumerate() {
        match conv_of(&graph, node) {
            Some(conv) => layer(network, weights, node, &conv, &mut pairs, options)?,
            None => {
                for pair in &mut pairs {
                    let made = run_nodes(&graph, std::slice::from_ref(node), weights, &operands(node, &pair.float))?;
                    pair.float.extend(made);
                    let value = run_node(network, node, |id| &pair.bytes[&id]);
                    pair.bytes.insert(node.output, value);
                }
            }
        }
        for input in &node.inputs {
            if !graph.nodes[index + 1..].iter().any(|later| later.inputs.contains(input)) {
                for pair in &mut pairs {
                    pair.float.remove(input);
                    pair.bytes.remove(input);
                }
            }
        }
    }
    Ok(())
}

fn layer(
    network: &mut Quantized,
    weights: &Weights,
    node: &Node,
    conv: &Conv,
    pairs: &mut [Pair],
    options: &Options,
) -> Result<(), ReferenceError> {
    let from = node.inputs[0];
    let (input, output) = (network.graph.shape(from), network.graph.shape(node.output));
    let floats: Vec<Vec<f64>> =
        pairs.iter().map(|pair| pre_activation(network, node, weights, &pair.float)).collect::<Result<_, _>>()?;
    if options.rounding {
        let bytes: Vec<&[u8]> = pairs.iter().map(|pair| pair.bytes[&from].bytes()).collect();
        round(network, weights, conv, from, (input, output), &bytes, &floats)?;
    }
    let sums: Vec<Vec<i32>> =
        pairs.iter().map(|pair| convolve(network, conv, from, pair.bytes[&from].bytes(), input, output)).collect();
    let outputs = conv.output_channels;
    let units: Vec<f64> = (0..outputs).map(|o| f64::from(network.sum_scale(conv, from, o))).collect();
    let mut steps = vec![0; outputs];
    if options.bias_correction {
        let mut shift = vec![0.0; outputs];
        for (float, sums) in floats.iter().zip(&sums) {
            for (at, (value, sum)) in float.iter().zip(sums).enumerate() {
                shift[at % outputs] += value - f64::from(*sum) * units[at % outputs];
            }
        }
        let count = (output.pixels() * pairs.len()) as f64;
        steps = shift.iter().zip(&units).map(|(shift, unit)| (shift / count / unit).round() as i32).collect();
        let layer = network.layers.get_mut(&conv.param).expect("every convolution has a layer");
        for (bias, step) in layer.bias.iter_mut().zip(&steps) {
            *bias = bias.saturating_add(*step).clamp(-(1 << 30), 1 << 30);
        }
    }
    for ((pair, float), mut sums) in pairs.iter_mut().zip(floats).zip(sums) {
        sums.iter_mut().enumerate().for_each(|(at, sum)| *sum += steps[at % outputs]);
        pair.bytes.insert(node.output, finish(network, conv, from, node.output, &sums));
        pair.float.insert(node.output, float.into_iter().map(|x| apply_activation(conv.activation, x)).collect());
    }
    Ok(())
}

/// Rounds the weights of a layer by the inputs that it has.
fn round(
    network: &mut Quantized,
    weights: &Weights,
    conv: &Conv,
    from: TensorId,
    (input, output): (Shape, Shape),
    bytes: &[&[u8]],
    floats: &[Vec<f64>],
) -> Result<(), ReferenceError> {
    let map = network.map(from).clone();
    let outputs = conv.output_channels;
    let filter_len = conv.weight_len() / outputs;
    if filter_len > MOST_INPUTS {
        return Ok(());
    }
    let folded = folded(conv, weights)?;
    let groups = if conv.depthwise { outputs } else { 1 };
    let of_group = outputs / groups;
    let mut moments: Vec<Moments> = (0..groups).map(|_| Moments::new(filter_len, of_group)).collect();
    let step = (output.pixels() * bytes.len()).div_ceil(SAMPLES).max(1);
    // Pixels of one image depend on each other.
    let independent = bytes.len() as f64 * (output.pixels() as f64 / step as f64).max(1.0).sqrt();
    let mut window = vec![0.0; filter_len];
    for at in (0..output.pixels() * bytes.len()).step_by(step) {
        let (image, pixel) = (at / output.pixels(), at % output.pixels());
        for (group, moments) in moments.iter_mut().enumerate() {
            read_window(conv, bytes[image], input, output, pixel, group, map.zero, &mut window);
            moments.add(&window, |o| floats[image][pixel * outputs + group * of_group + o]);
        }
    }
    let layer = network.layers.get_mut(&conv.param).expect("every convolution has a layer");
    let taps = conv.kernel_size * conv.kernel_size;
    for (group, moments) in moments.iter().enumerate() {
        let first = group * of_group;
        // Real weights for an input byte of 1.
        let unit = |o: usize, i: usize| f64::from(unit_of_input(&map, conv, o, i / taps));
        let real: Vec<Vec<f64>> = (first..first + of_group)
            .map(|o| {
                let filter = &folded.weight[o * filter_len..][..filter_len];
                filter.iter().enumerate().map(|(i, w)| f64::from(*w) * unit(o, i)).collect()
            })
            .collect();
        // What the weight's scale does not contain of the input's.
        let outside = |o: usize| if map.by_channel() && !conv.depthwise { 1.0 } else { unit(o, 0) };
        let least: Vec<f64> =
            (first..first + of_group).map(|o| f64::from(folded.bias[o].abs()) / f64::from(1 << 29)).collect();
        let Some((integers, scales)) = moments.round(&real, f64::from(MOST), &least, independent) else { continue };
        for (at, (filter, scale)) in integers.iter().zip(scales).enumerate() {
            let o = first + at;
            replace(layer, o, filter, (scale / outside(o)) as f32);
            let unit = f64::from(layer.weight_scale[o]) * outside(o);
            layer.bias[o] = (f64::from(folded.bias[o]) / unit).round_ties_even().clamp(-1e9, 1e9) as i32;
        }
    }
    Ok(())
}

fn replace(layer: &mut Integers, o: usize, filter: &[f64], scale: f32) {
    let len = filter.len();
    for (weight, value) in layer.weight[o * len..][..len].iter_mut().zip(filter) {
        *weight = *value as i8;
    }
    layer.weight_scale[o] = scale;
}

/// The bytes less the zero point that an output pixel reads, in the order of a filter; padding is 0.
#[allow(clippy::too_many_arguments, reason = "the geometry of one window")]
fn read_window(
    conv: &Conv,
    bytes: &[u8],
    input: Shape,
    output: Shape,
    pixel: usize,
    group: usize,
    zero: u8,
    window: &mut [f64],
) {
    let taps = conv.kernel_size * conv.kernel_size;
    let channels = conv.channels_per_group();
    // A fully connected layer reads its input as one pixel.
    let flat = input.len() == conv.input_channels;
    let input = if flat { Shape { height: 1, width: 1, channels: input.len() } } else { input };
    let (row, column) = (pixel / output.width * conv.stride, pixel % output.width * conv.stride);
    for tap in 0..taps {
        let row = (row + tap / conv.kernel_size).checked_sub(conv.pads.top).filter(|&r| r < input.height);
        let column = (column + tap % conv.kernel_size).checked_sub(conv.pads.left).filter(|&c| c < input.width);
        for channel in 0..channels {
            let from = if conv.depthwise { group } else { channel };
            window[channel * taps + tap] = match (row, column) {
                (Some(row), Some(column)) => {
                    f64::from(bytes[(row * input.width + column) * input.channels + from]) - f64::from(zero)
                }
                _ => 0.0,
            };
        }
    }
}

fn operands(node: &Node, values: &BTreeMap<TensorId, Vec<f64>>) -> BTreeMap<TensorId, Vec<f64>> {
    node.inputs.iter().map(|id| (*id, values[id].clone())).collect()
}

/// What the float network's node makes before its activation.
fn pre_activation(
    network: &Quantized,
    node: &Node,
    weights: &Weights,
    values: &BTreeMap<TensorId, Vec<f64>>,
) -> Result<Vec<f64>, ReferenceError> {
    let mut node = node.clone();
    if let Op::Conv(conv) = &mut node.op {
        Arc::make_mut(conv).activation = Activation::Linear;
    }
    let mut made = run_nodes(&network.graph, std::slice::from_ref(&node), weights, &operands(&node, values))?;
    Ok(made.remove(&node.output).expect("the node's result"))
}
