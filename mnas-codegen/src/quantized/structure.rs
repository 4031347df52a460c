//! Which tensors of a graph have maps, which of them share one, and which may have one scale a channel.

use super::conv_of;
use crate::graph::{Graph, Node, Op, TensorId};
use mnas_dsl::network::Activation;

/// What a tensor is to a quantiser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The logits, or what else a network without a head ends with: `f32`.
    Output,
    /// A sum that only an activation reads: it stays an integer until the activation has been applied.
    Sum,
    /// A map of bytes. Those of one group share their scale.
    Map {
        /// Index of the group.
        group: usize,
        /// The least value is 0: zero point 0.
        positive: bool,
        /// It is behind relu6: the scale is at most [`super::arithmetic::RELU6_SCALE`].
        relu6: bool,
        /// Every reader absorbs one scale a channel.
        by_channel: bool,
        /// It is a sigmoid's or hard sigmoid's: scale 1/255, zero point 0.
        gate: bool,
    },
}

/// The role of each tensor.
///
/// Operands and results of sums share their scale, so that a sum is one of integers; so do the input and the output of
/// a pool by windows.
pub fn roles(graph: &Graph) -> Vec<Role> {
    let groups = groups(graph);
    let members = |id: usize| groups.iter().filter(|&&g| g == groups[id]).count();
    (0..graph.tensors.len())
        .map(|id| {
            let tensor = TensorId(id);
            if tensor == graph.output {
                return Role::Output;
            }
            if is_wide_sum(graph, tensor) {
                return Role::Sum;
            }
            let activation = activation_of(graph, tensor);
            let gate = matches!(activation, Some(Activation::Sigmoid | Activation::HardSigmoid));
            Role::Map {
                group: groups[id],
                positive: gate || matches!(activation, Some(Activation::Relu | Activation::Relu6)),
                relu6: activation == Some(Activation::Relu6),
                by_channel: !gate && members(id) == 1 && absorbed(graph, tensor),
                gate,
            }
        })
        .collect()
}

/// Whether a tensor is a sum that one activation reads and nothing else.
pub fn is_wide_sum(graph: &Graph, id: TensorId) -> bool {
    let adds = graph.producer(id).is_some_and(|node| graph.nodes[node].op == Op::Add);
    let readers = graph.consumers(id);
    adds && matches!(readers[..], [reader] if matches!(graph.nodes[reader].op, Op::Activation(_)))
}

/// The activation whose result a tensor is, looking through pools, which do not leave its range.
fn activation_of(graph: &Graph, id: TensorId) -> Option<Activation> {
    let node = &graph.nodes[graph.producer(id)?];
    match &node.op {
        Op::Conv(conv) => Some(conv.activation),
        Op::Activation(activation) => Some(*activation),
        Op::GlobalAveragePool | Op::AveragePool { .. } | Op::MaxPool { .. } => activation_of(graph, node.inputs[0]),
        // A gate is positive and at most 1.
        Op::Multiply => activation_of(graph, node.inputs[0]),
        Op::Linear { .. } | Op::Add | Op::BatchNorm { .. } | Op::SqueezeExcite { .. } => None,
    }
}

fn absorbed(graph: &Graph, id: TensorId) -> bool {
    let Some(producer) = graph.producer(id) else { return false };
    let makes = match &graph.nodes[producer].op {
        Op::Conv(_) | Op::GlobalAveragePool | Op::Multiply => true,
        _ => conv_of(graph, &graph.nodes[producer]).is_some(),
    };
    makes && graph.consumers(id).iter().all(|&reader| absorbs(graph, &graph.nodes[reader], id))
}

fn absorbs(graph: &Graph, reader: &Node, id: TensorId) -> bool {
    match &reader.op {
        Op::GlobalAveragePool => true,
        Op::Multiply => reader.inputs[0] == id,
        _ => conv_of(graph, reader).is_some(),
    }
}

/// The group of each tensor: a union of what has to have one scale.
fn groups(graph: &Graph) -> Vec<usize> {
    let mut group: Vec<usize> = (0..graph.tensors.len()).collect();
    let mut join = |a: TensorId, b: TensorId| {
        let (from, to) = (group[a.0].max(group[b.0]), group[a.0].min(group[b.0]));
        group.iter_mut().filter(|g| **g == from).for_each(|g| *g = to);
    };
    for node in &graph.nodes {
        match &node.op {
            Op::Add | Op::Activation(_) | Op::MaxPool { .. } | Op::AveragePool { .. } => {
                node.inputs.iter().for_each(|&input| join(input, node.output));
            }
            _ => {}
        }
    }
    group
}
