//! Random int8 networks with which an error in any operator is visible: bytes spread over their range and reach both ends.
//!
//! Nothing is calibrated. The network is run on its image, operator by operator, and each scale follows from the sums that
//! the operator has.

use crate::random::Random;
use mnas_codegen::graph::{Conv, Graph, Node, Op, TensorId};
use mnas_codegen::quantized::arithmetic::RELU6_SCALE;
use mnas_codegen::quantized::structure::{Role, roles};
use mnas_codegen::quantized::{Integers, Map, Quantized, Value, conv_of, convolve, quantize_image, run_node};
use mnas_dsl::network::Activation;
use std::collections::BTreeMap;

/// A consistent network for a graph of [`mnas_codegen::quantized::graph`]; `image` is height x width x channels.
pub fn quantized(graph: Graph, image: &[f32], seed: u64) -> Quantized {
    let roles = roles(&graph);
    let maps = vec![None; graph.tensors.len()];
    let network = Quantized { graph, maps, layers: BTreeMap::new() };
    let random = Random::new(seed ^ 0x5eed_0008);
    let mut draft = Draft { network, roles, random, scales: BTreeMap::new() };
    let (input, nodes) = (draft.network.graph.input, draft.network.graph.nodes.clone());
    // Images are between -2 and 2, so some values are beyond the ends.
    let scale = draft.random.between(2.2, 4.6) as f32 / 255.0;
    let zero = draft.zero(input);
    draft.network.maps[input.0] = Some(Map { scales: vec![scale], zero });
    let mut values = BTreeMap::from([(input, quantize_image(&draft.network, image))]);
    for node in &nodes {
        draft.choose(node, &values);
        let value = run_node(&draft.network, node, |id| &values[&id]);
        values.insert(node.output, value);
    }
    draft.network
}

struct Draft {
    network: Quantized,
    roles: Vec<Role>,
    random: Random,
    /// By group.
    scales: BTreeMap<usize, f32>,
}

impl Draft {
    /// The map that a node writes, and the integers of its layer.
    fn choose(&mut self, node: &Node, values: &BTreeMap<TensorId, Value>) {
        let from = node.inputs[0];
        match &node.op {
            Op::Conv(_) | Op::Linear { .. } => {
                let conv = conv_of(&self.network.graph, node).expect("a convolution or a fully connected layer");
                self.layer(node, &conv, values[&from].bytes());
            }
            Op::GlobalAveragePool => {
                // Means are much smaller than what they are of.
                let (map, bytes) = (self.network.map(from).clone(), values[&from].bytes());
                let channels = self.network.graph.shape(from).channels;
                let mean = |c: usize| {
                    let values = bytes.iter().skip(c).step_by(channels);
                    let sum: f64 = values.map(|&q| f64::from(q) - f64::from(map.zero)).sum();
                    f64::from(map.scale(c)) * (sum / (bytes.len() / channels) as f64).abs()
                };
                let most = (0..channels).map(mean).fold(1e-3, f64::max);
                self.map(node.output, most / 127.0);
            }
            Op::Multiply => {
                let widest = self.network.map(from).scales.iter().copied().fold(0.0, f32::max);
                self.map(node.output, f64::from(widest) * 0.6);
            }
            Op::AveragePool { .. } | Op::MaxPool { .. } => {
                self.map(node.output, 6.0 / 255.0);
                // A pool keeps the bytes of its input.
                let zero = self.network.map(from).zero;
                if let Some(map) = &mut self.network.maps[node.output.0] {
                    map.zero = zero;
                }
            }
            _ => self.map(node.output, 6.0 / 255.0),
        }
    }

    /// Chooses the map of a tensor, if it has one: scales near `wanted`, unless the tensor's group has its own.
    fn map(&mut self, id: TensorId, wanted: f64) {
        let Role::Map { group, by_channel, relu6, .. } = self.roles[id.0] else { return };
        let any = |what: fn(&Role) -> bool| {
            let of_group = |role: &&Role| matches!(role, Role::Map { group: other, .. } if *other == group);
            self.roles.iter().filter(of_group).any(what)
        };
        let random = &mut self.random;
        let scales = if by_channel && random.percent(70) {
            let most = if relu6 { RELU6_SCALE } else { f32::MAX };
            let channels = self.network.graph.shape(id).channels;
            (0..channels).map(|_| (random.between(0.4, 1.4) * wanted).min(f64::from(most)) as f32).collect()
        } else {
            let scale = self.scales.entry(group).or_insert_with(|| {
                let scale = (random.between(0.5, 1.5) * wanted) as f32;
                if any(|role| matches!(role, Role::Map { gate: true, .. })) {
                    1.0 / 255.0
                } else if any(|role| matches!(role, Role::Map { relu6: true, .. })) {
                    scale.min(RELU6_SCALE)
                } else {
                    scale
                }
            });
            vec![*scale]
        };
        let zero = self.zero(id);
        self.network.maps[id.0] = Some(Map { scales, zero });
    }

    fn zero(&mut self, id: TensorId) -> u8 {
        match self.roles[id.0] {
            Role::Map { positive: true, .. } => 0,
            _ if self.random.percent(80) => 64 + 2 * self.random.below(64) as u8,
            _ => self.random.of(&[0, 2, 252, 254]),
        }
    }

    /// Integers of a layer, and its map.
    fn layer(&mut self, node: &Node, conv: &Conv, x: &[u8]) {
        let from = node.inputs[0];
        let channels = conv.output_channels;
        let len: usize = conv.weight_shape().iter().product::<usize>() / channels;
        let weight = (0..channels).flat_map(|_| self.weights(len)).collect();
        let integers = Integers { weight, weight_scale: vec![1.0; channels], bias: vec![0; channels] };
        self.network.layers.insert(conv.param.clone(), integers);
        self.map(node.output, 6.0 / 255.0);

        let graph = &self.network.graph;
        let sums = convolve(&self.network, conv, from, x, graph.shape(from), graph.shape(node.output));
        let input = self.network.map(from);
        let random = &mut self.random;
        let (mut weight_scale, mut bias) = (Vec::new(), Vec::new());
        for o in 0..channels {
            let of_channel = || sums.iter().skip(o).step_by(channels).map(|&sum| f64::from(sum));
            let count = of_channel().count() as f64;
            let mean = of_channel().sum::<f64>() / count;
            let spread = (of_channel().map(|sum| sum * sum).sum::<f64>() / count).sqrt().max(1.0);
            let range = self.network.maps[node.output.0].as_ref().map_or(4.0, |map| f64::from(map.scale(o)) * 255.0);
            let wanted = match conv.activation {
                // They bend at 3 or 6.
                Activation::Relu6 | Activation::HardSwish | Activation::HardSigmoid => 3.5,
                Activation::Swish | Activation::Sigmoid => 2.0,
                Activation::Linear | Activation::Relu => 0.4 * range,
            };
            let sum_scale = wanted * random.between(0.6, 1.3) / spread;
            // As `sum_scale` of the definition: weights contain scales of the channels that they mix.
            let of_input = match (input.by_channel(), conv.depthwise) {
                (true, false) => 1.0,
                (true, true) => f64::from(input.scales[o]),
                (false, _) => f64::from(input.scales[0]),
            };
            weight_scale.push((sum_scale / of_input) as f32);
            bias.push(match random.below(64) {
                0 => 1 << 30,
                1 => -(1 << 30),
                _ => (spread * random.between(-0.6, 0.7) - mean * random.between(0.0, 0.9)) as i32,
            });
        }
        let layer = self.network.layers.get_mut(&conv.param).expect("inserted above");
        (layer.weight_scale, layer.bias) = (weight_scale, bias);
    }

    /// Weights of one output channel. Sums of 16 bits overflow with the largest of them.
    fn weights(&mut self, len: usize) -> Vec<i8> {
        let random = &mut self.random;
        let any = |random: &mut Random| (random.below(255) as i32 - 127) as i8;
        match random.below(12) {
            0 => vec![127; len],
            1 => vec![-127; len],
            2 => (0..len).map(|_| random.of(&[-127, 127])).collect(),
            3 => (0..len).map(|_| if random.percent(80) { 0 } else { any(random) }).collect(),
            _ => (0..len).map(|_| any(random)).collect(),
        }
    }
}
