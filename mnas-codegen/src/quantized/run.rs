//! The executor that defines int8: plain loops, one image, every tensor kept until its last reader has run.

use super::arithmetic::{self, Epilogue, saturate};
use super::convolve::{Filters, convolve, convolve_by};
use super::structure::is_wide_sum;
use super::{Quantized, conv_of};
use crate::graph::{Conv, Node, Op, TensorId};
use mnas_dsl::network::{Pads, Shape};
use std::collections::BTreeMap;

/// A tensor, HWC.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A map.
    Bytes(Vec<u8>),
    /// A sum that only an activation reads, in units of its operands' scale.
    Sum(Vec<i32>),
    /// The network's output.
    Floats(Vec<f32>),
}

impl Value {
    /// The bytes of a map.
    ///
    /// # Panics
    ///
    /// If it is no map.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Value::Bytes(bytes) => bytes,
            Value::Sum(_) | Value::Floats(_) => panic!("the tensor is no map of bytes"),
        }
    }

    /// The values of the network's output.
    ///
    /// # Panics
    ///
    /// If it is another tensor.
    pub fn floats(&self) -> &[f32] {
        match self {
            Value::Floats(floats) => floats,
            Value::Bytes(_) | Value::Sum(_) => panic!("the tensor is not the network's output"),
        }
    }
}

/// Runs the network on one image (HWC) and returns the tensors that `keep` names, and the output. For more than one
/// image, see [`Executor`].
///
/// # Panics
///
/// If the image has another length than the network's input, or the network is not consistent (files are checked when
/// they are read).
pub fn run(network: &Quantized, image: &[f32], keep: impl Fn(TensorId) -> bool) -> BTreeMap<TensorId, Value> {
    Executor::new(network).run(image, keep)
}

/// A network with its weights in the order in which they are read.
pub struct Executor<'n> {
    network: &'n Quantized,
    filters: BTreeMap<String, Filters>,
}

impl<'n> Executor<'n> {
    /// Orders the weights, once for any number of images.
    ///
    /// # Panics
    ///
    /// If the network is not consistent.
    pub fn new(network: &'n Quantized) -> Self {
        Executor { network, filters: Filters::of_network(network) }
    }

    /// [`run`] on one image.
    ///
    /// # Panics
    ///
    /// If the image has another length than the network's input.
    pub fn run(&self, image: &[f32], keep: impl Fn(TensorId) -> bool) -> BTreeMap<TensorId, Value> {
        let graph = &self.network.graph;
        assert_eq!(image.len(), graph.shape(graph.input).len(), "an image of the network's size");
        let mut values = BTreeMap::from([(graph.input, quantize_image(self.network, image))]);
        for (index, node) in graph.nodes.iter().enumerate() {
            let value = self.run_node(node, |id| &values[&id]);
            values.insert(node.output, value);
            for input in &node.inputs {
                let is_read_later = graph.nodes[index + 1..].iter().any(|later| later.inputs.contains(input));
                if !is_read_later && !keep(*input) {
                    values.remove(input);
                }
            }
        }
        values
    }

    /// Runs one node on the values of its operands.
    ///
    /// # Panics
    ///
    /// If a value has another type or length than its tensor.
    pub fn run_node<'v>(&self, node: &Node, value: impl Fn(TensorId) -> &'v Value) -> Value {
        run_node_by(self.network, node, value, |conv, x, input, output| {
            convolve_by(&self.filters[&conv.param], self.network, conv, node.inputs[0], x, input, output)
        })
    }
}

/// The input map of an image (HWC).
pub fn quantize_image(network: &Quantized, image: &[f32]) -> Value {
    let map = network.map(network.graph.input);
    Value::Bytes(image.iter().map(|&x| arithmetic::quantize(x, map.scales[0], map.zero)).collect())
}

/// Runs one node on the values of its operands.
///
/// # Panics
///
/// As [`run`].
pub fn run_node<'v>(network: &Quantized, node: &Node, value: impl Fn(TensorId) -> &'v Value) -> Value {
    run_node_by(network, node, value, |conv, x, input, output| {
        convolve(network, conv, node.inputs[0], x, input, output)
    })
}

/// Runs one node; `sums` computes those of a convolution.
fn run_node_by<'v>(
    network: &Quantized,
    node: &Node,
    value: impl Fn(TensorId) -> &'v Value,
    sums: impl Fn(&Conv, &[u8], Shape, Shape) -> Vec<i32>,
) -> Value {
    let graph = &network.graph;
    let from = node.inputs[0];
    let (input, output) = (graph.shape(from), graph.shape(node.output));
    let x = value(from);
    match &node.op {
        Op::Conv(_) | Op::Linear { .. } => {
            let conv = conv_of(graph, node).expect("a convolution or a fully connected layer");
            let sums = sums(&conv, x.bytes(), input, output);
            finish(network, &conv, from, node.output, &sums)
        }
        Op::GlobalAveragePool => global_average(network, node, x.bytes(), input),
        Op::AveragePool { kernel_size, stride, pads } => {
            let zero = i32::from(network.map(from).zero);
            Value::Bytes(window(x.bytes(), input, output, *kernel_size, *stride, *pads, |pixels| {
                let (sum, count) = pixels.fold((0, 0), |(sum, count), q| (sum + i32::from(q) - zero, count + 1));
                saturate(sum as f32 * (1.0 / count as f32), zero as u8, 0)
            }))
        }
        Op::MaxPool { kernel_size, stride, pads } => {
            Value::Bytes(window(x.bytes(), input, output, *kernel_size, *stride, *pads, |pixels| {
                pixels.max().expect("a window has a pixel of the image")
            }))
        }
        Op::Multiply => {
            let (a, gate, y) = (network.map(from), network.map(node.inputs[1]), network.map(node.output));
            let gates = value(node.inputs[1]).bytes();
            let channels = input.channels;
            let multiplier: Vec<f32> = (0..channels).map(|c| a.scale(c) * gate.scales[0] / y.scale(c)).collect();
            let each = x.bytes().iter().enumerate();
            Value::Bytes(
                each.map(|(i, &q)| {
                    let c = i % channels;
                    arithmetic::gate(q, a.zero, gates[c], multiplier[c], y.zero)
                })
                .collect(),
            )
        }
        Op::Add => add(network, node, x.bytes(), value(node.inputs[1]).bytes()),
        Op::Activation(activation) => {
            let Value::Sum(sums) = x else { panic!("`{}` reads no sum", node.name) };
            let Some(y) = &network.maps[node.output.0] else {
                let sum = &graph.nodes[graph.producer(from).expect("a sum is made by a node")];
                let scale = network.map(sum.inputs[0]).scales[0];
                let real = |&sum: &i32| arithmetic::activate(*activation, sum as f32 * scale);
                return Value::Floats(sums.iter().map(real).collect());
            };
            let scale = y.scales[0];
            let epilogue = Epilogue::new(*activation, vec![scale], |_| scale, y.zero);
            Value::Bytes(sums.iter().map(|&sum| epilogue.apply(sum, 0)).collect())
        }
        Op::BatchNorm { .. } | Op::SqueezeExcite { .. } => {
            panic!("`{}` is not in a graph that is quantised", node.name)
        }
    }
}

/// From sums to bytes, or to the network's output.
///
/// # Panics
///
/// As [`run`].
pub fn finish(network: &Quantized, conv: &Conv, from: TensorId, to: TensorId, sums: &[i32]) -> Value {
    let channels = conv.output_channels;
    let scales: Vec<f32> = (0..channels).map(|o| network.sum_scale(conv, from, o)).collect();
    match &network.maps[to.0] {
        Some(map) => {
            let epilogue = Epilogue::new(conv.activation, scales, |o| map.scale(o), map.zero);
            Value::Bytes(sums.iter().enumerate().map(|(i, &sum)| epilogue.apply(sum, i % channels)).collect())
        }
        None => {
            let real =
                |(i, &sum): (usize, &i32)| arithmetic::activate(conv.activation, sum as f32 * scales[i % channels]);
            Value::Floats(sums.iter().enumerate().map(real).collect())
        }
    }
}

fn add(network: &Quantized, node: &Node, a: &[u8], b: &[u8]) -> Value {
    let (zero_a, zero_b) = (network.map(node.inputs[0]).zero, network.map(node.inputs[1]).zero);
    let pairs = a.iter().zip(b);
    let sum = |(&a, &b): (&u8, &u8)| arithmetic::sum(a, zero_a, b, zero_b);
    if is_wide_sum(&network.graph, node.output) {
        return Value::Sum(pairs.map(sum).collect());
    }
    match &network.maps[node.output.0] {
        Some(y) => Value::Bytes(pairs.map(|(&a, &b)| arithmetic::add(a, zero_a, b, zero_b, y.zero)).collect()),
        None => {
            let scale = network.map(node.inputs[0]).scales[0];
            Value::Floats(pairs.map(|pair| sum(pair) as f32 * scale).collect())
        }
    }
}

fn global_average(network: &Quantized, node: &Node, x: &[u8], input: Shape) -> Value {
    let map = network.map(node.inputs[0]);
    let zero = i32::from(map.zero);
    let mut sums = vec![0_i32; input.channels];
    for pixel in x.chunks_exact(input.channels) {
        for (sum, &q) in sums.iter_mut().zip(pixel) {
            *sum += i32::from(q) - zero;
        }
    }
    let count = input.pixels() as f32;
    match &network.maps[node.output.0] {
        Some(y) => {
            let byte =
                |(c, &sum): (usize, &i32)| saturate(sum as f32 * (map.scale(c) / (y.scale(c) * count)), y.zero, 0);
            Value::Bytes(sums.iter().enumerate().map(byte).collect())
        }
        None => {
            let real = |(c, &sum): (usize, &i32)| sum as f32 * (map.scale(c) / count);
            Value::Floats(sums.iter().enumerate().map(real).collect())
        }
    }
}

/// Each window's pixels that lie in the image, channel by channel.
fn window(
    x: &[u8],
    input: Shape,
    output: Shape,
    kernel_size: usize,
    stride: usize,
    pads: Pads,
    reduce: impl Fn(&mut dyn Iterator<Item = u8>) -> u8,
) -> Vec<u8> {
    let visible = |start: usize, pad: usize, size: usize| {
        start.saturating_sub(pad)..(start + kernel_size).saturating_sub(pad).min(size)
    };
    let mut y = Vec::with_capacity(output.len());
    for row in 0..output.height {
        let rows = visible(row * stride, pads.top, input.height);
        for column in 0..output.width {
            let columns = visible(column * stride, pads.left, input.width);
            for channel in 0..output.channels {
                let pixels = rows.clone().flat_map(|row| columns.clone().map(move |column| row * input.width + column));
                y.push(reduce(&mut pixels.map(|pixel| x[pixel * input.channels + channel])));
            }
        }
    }
    y
}
