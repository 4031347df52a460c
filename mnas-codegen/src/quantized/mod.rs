//! Networks in int8: what their integers mean, and the plain loops that define what they compute.
//!
//! A [`Quantized`] network is a [`Graph`] whose maps are bytes. It is the definition: kernels, ONNX files and every
//! other executor are compared with [`run`] for equality. How scales are chosen is not decided here.
//!
//! | value | type | real value |
//! |---|---|---|
//! | map between operators | `u8` | `scale * (q - zero)`, an even zero point, one scale or one a channel |
//! | weight | `i8` in `-127..=127` | `weight_scale[o] * w`, one scale an output channel |
//! | bias, sum of a convolution | `i32` | `sum_scale[o] * acc` |
//! | logits | `f32` | themselves |
//!
//! A map with one scale a channel is allowed where every reader absorbs it: a depthwise convolution multiplies each
//! channel by a number of its own anyway, and the weights of any other convolution contain the scale of their input
//! channel (see [`structure`]).

pub mod arithmetic;
mod convolve;
mod file;
mod run;
pub mod structure;

use crate::graph::{Conv, Graph, Node, Op, TensorId};
use crate::{lower, passes};
use mnas_dsl::network::Network;
use std::collections::BTreeMap;
use std::sync::Arc;

pub use convolve::convolve;
pub use file::{FileError, is_quantized, read, write};
pub use run::{Executor, Value, finish, quantize_image, run, run_node};

/// The values that a map's bytes stand for: `scale * (q - zero)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Map {
    /// One scale, or one a channel. All are positive.
    pub scales: Vec<f32>,
    /// The byte of the value 0. It is even, so that "round, then add" and "add, then round" agree on ties.
    pub zero: u8,
}

impl Map {
    /// The scale of a channel.
    pub fn scale(&self, channel: usize) -> f32 {
        if self.scales.len() == 1 { self.scales[0] } else { self.scales[channel] }
    }

    /// Whether each channel has a scale of its own.
    pub fn by_channel(&self) -> bool {
        self.scales.len() > 1
    }
}

/// Weights and biases of one convolution or fully connected layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Integers {
    /// OIHW (\[C,1,k,k\] if depthwise), in `-127..=127`.
    pub weight: Vec<i8>,
    /// One an output channel: the value of a weight of 1. Where the input has one scale a channel and the layer is not
    /// depthwise, the weight contains the input's scale.
    pub weight_scale: Vec<f32>,
    /// One an output channel, in units of the sum.
    pub bias: Vec<i32>,
}

/// A network in int8.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantized {
    /// Operators; see [`graph`].
    pub graph: Graph,
    /// One a tensor of the graph; `None` for the logits and for sums that only an activation reads.
    pub maps: Vec<Option<Map>>,
    /// By the prefix of the layer's parameters.
    pub layers: BTreeMap<String, Integers>,
}

/// The graph that is quantised: batch norms and activations are part of their convolutions, and everything that is
/// rounded to a byte is a tensor of its own (squeeze-excite and residuals are not fused).
pub fn graph(network: &Network) -> Graph {
    let mut graph = lower::lower(network);
    passes::run(&mut graph, &["fold_batch_norm", "fuse_activation", "remove_dead"])
        .unwrap_or_else(|error| unreachable!("{error}"));
    graph
}

/// The convolution of a node; a fully connected layer is one of one pixel.
pub fn conv_of(graph: &Graph, node: &Node) -> Option<Arc<Conv>> {
    match &node.op {
        Op::Conv(conv) => Some(Arc::clone(conv)),
        Op::Linear { param } => {
            let (inputs, outputs) = (graph.shape(node.inputs[0]).len(), graph.shape(node.output).channels);
            Some(Arc::new(crate::graph::linear(param, inputs, outputs)))
        }
        _ => None,
    }
}

impl Quantized {
    /// The map of a tensor.
    ///
    /// # Panics
    ///
    /// If the tensor has none.
    pub fn map(&self, id: TensorId) -> &Map {
        self.maps[id.0].as_ref().unwrap_or_else(|| panic!("`{}` has no map", self.graph.tensor(id).name))
    }

    /// The value of a sum of 1 in output channel `o` of a convolution that reads `input`.
    pub fn sum_scale(&self, conv: &Conv, input: TensorId, o: usize) -> f32 {
        sum_scale(self.map(input), conv.depthwise, &self.layers[&conv.param], o)
    }
}

/// The value of a sum of 1 in output channel `o`: one `f32` product, or the weight's scale where that contains the
/// input's.
pub fn sum_scale(input: &Map, depthwise: bool, layer: &Integers, o: usize) -> f32 {
    match (input.by_channel(), depthwise) {
        (false, _) => input.scales[0] * layer.weight_scale[o],
        (true, true) => input.scales[o] * layer.weight_scale[o],
        (true, false) => layer.weight_scale[o],
    }
}
