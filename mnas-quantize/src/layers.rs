//! What each layer of the int8 network loses: with the float network's inputs, and with the inputs that it really has.

use mnas_codegen::graph::{Graph, Node, TensorId};
use mnas_codegen::quantized::{Executor, Map, Quantized, Value, arithmetic};
use mnas_codegen::reference::Outputs;
use std::collections::BTreeMap;

/// What one operator loses.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerError {
    /// Name of the operator, and of the tensor that it makes.
    pub name: String,
    /// Its map; `None` of the network's output and of sums that stay integers.
    pub map: Option<Map>,
    /// Signal-to-noise ratio, in dB, where the operator's inputs are the float network's, rounded to its maps.
    pub alone_db: f64,
    /// The same in the int8 network, where the inputs have the errors of all layers before.
    pub accumulated_db: f64,
    /// Share of the float network's values that lie outside of the map's range.
    pub saturated: f64,
}

/// Sums over images, one entry a node.
pub(crate) struct LayerSums {
    nodes: Vec<Sums>,
}

#[derive(Clone, Copy, Default)]
struct Sums {
    signal: f64,
    alone: f64,
    accumulated: f64,
    outside: usize,
    values: usize,
}

impl LayerSums {
    pub(crate) fn new(graph: &Graph) -> Self {
        LayerSums { nodes: vec![Sums::default(); graph.nodes.len()] }
    }

    /// Adds an image: all tensors of both networks.
    pub(crate) fn add(
        &mut self,
        network: &Quantized,
        executor: &Executor,
        float: &Outputs,
        int8: &BTreeMap<TensorId, Value>,
    ) {
        for (node, sums) in network.graph.nodes.iter().zip(&mut self.nodes) {
            let Some(expected) = float.get(node.output) else { continue };
            let inputs: BTreeMap<TensorId, Value> = node
                .inputs
                .iter()
                .map(|&id| (id, rounded(network, id, float.get(id).expect("every tensor is kept"))))
                .collect();
            let alone = real(network, node, &executor.run_node(node, |id| &inputs[&id]));
            let accumulated = real(network, node, &int8[&node.output]);
            let channels = network.graph.shape(node.output).channels;
            let limits: Option<Vec<(f64, f64)>> = network.maps[node.output.0].as_ref().map(|map| limits(map, channels));
            for (i, (&x, (a, b))) in expected.iter().zip(alone.into_iter().zip(accumulated)).enumerate() {
                sums.signal += x * x;
                sums.alone += (x - a).powi(2);
                sums.accumulated += (x - b).powi(2);
                let outside = limits.as_ref().is_some_and(|l| x < l[i % channels].0 || x > l[i % channels].1);
                sums.outside += usize::from(outside);
            }
            sums.values += expected.len();
        }
    }

    pub(crate) fn errors(&self, network: &Quantized) -> Vec<LayerError> {
        let seen = network.graph.nodes.iter().zip(&self.nodes).filter(|(_, sums)| sums.values > 0);
        seen.map(|(node, sums)| LayerError {
            name: node.name.clone(),
            map: network.maps[node.output.0].clone(),
            alone_db: decibels(sums.signal, sums.alone),
            accumulated_db: decibels(sums.signal, sums.accumulated),
            saturated: sums.outside as f64 / sums.values as f64,
        })
        .collect()
    }
}

/// Of each channel the least and the largest value that do not saturate: half a step beyond the ends.
fn limits(map: &Map, channels: usize) -> Vec<(f64, f64)> {
    let zero = f64::from(map.zero);
    let of = |scale: f64| ((-zero - 0.5) * scale, (255.5 - zero) * scale);
    (0..channels).map(|c| of(f64::from(map.scale(c)))).collect()
}

/// Float values of a tensor as the int8 network would hold them.
fn rounded(network: &Quantized, id: TensorId, values: &[f64]) -> Value {
    let channels = network.graph.shape(id).channels;
    match &network.maps[id.0] {
        Some(map) => {
            let byte = |(i, &x): (usize, &f64)| arithmetic::quantize(x as f32, map.scale(i % channels), map.zero);
            Value::Bytes(values.iter().enumerate().map(byte).collect())
        }
        // A sum, in units of its operands' scale.
        None => {
            let scale = f64::from(sum_scale(network, id));
            Value::Sum(values.iter().map(|x| (x / scale).round_ties_even() as i32).collect())
        }
    }
}

/// Real values of what a node made.
fn real(network: &Quantized, node: &Node, value: &Value) -> Vec<f64> {
    let channels = network.graph.shape(node.output).channels;
    match value {
        Value::Bytes(bytes) => {
            let map = network.map(node.output);
            let zero = f64::from(map.zero);
            let real = |(i, &q): (usize, &u8)| f64::from(map.scale(i % channels)) * (f64::from(q) - zero);
            bytes.iter().enumerate().map(real).collect()
        }
        Value::Sum(sums) => {
            let scale = f64::from(sum_scale(network, node.output));
            sums.iter().map(|&sum| f64::from(sum) * scale).collect()
        }
        Value::Floats(floats) => floats.iter().copied().map(f64::from).collect(),
    }
}

/// The scale of a sum that stays an integer: that of its operands.
fn sum_scale(network: &Quantized, id: TensorId) -> f32 {
    let producer = network.graph.producer(id).expect("a sum has a producer");
    network.map(network.graph.nodes[producer].inputs[0]).scales[0]
}

/// A ratio of powers, in dB; infinite where there is no noise.
pub(crate) fn decibels(signal: f64, noise: f64) -> f64 {
    if noise > 0.0 { 10.0 * (signal / noise).log10() } else { f64::INFINITY }
}
