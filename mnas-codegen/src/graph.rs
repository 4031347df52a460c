//! The Graph: a network as operators and tensors, independent of the target.
//!
//! Lowering writes it layer by layer as a framework would (convolution, batch norm and activation are separate nodes); the
//! passes fold and fuse it in place. Nodes are in an order in which they can be executed.

use mnas_dsl::network::{Activation, Pads, Shape, slide};
use std::sync::Arc;

/// Index into [`Graph::tensors`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TensorId(pub usize);

/// Operators, tensors and layers of one network.
#[derive(Clone, Debug, PartialEq)]
pub struct Graph {
    /// The spec's name.
    pub name: String,
    /// Every tensor.
    pub tensors: Vec<Tensor>,
    /// Operators in execution order.
    pub nodes: Vec<Node>,
    /// The network's input.
    pub input: TensorId,
    /// The network's output.
    pub output: TensorId,
    /// Names of the layers (`stem`, `blocks.B.R`, `head`, `classifier`), which nodes refer to.
    pub layers: Vec<GraphLayer>,
}

/// A layer of the spec: its name and how it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct GraphLayer {
    /// `stem`, `blocks.B.R`, `head` or `classifier`.
    pub name: String,
    /// The block as the spec writes it, on one line.
    pub source: String,
    /// Its last tensor, the one to compare when looking for a difference.
    pub output: TensorId,
}

/// A value that flows between operators. A vector has height and width 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Name of the node that makes it, or `input`.
    pub name: String,
    /// Shape without the batch.
    pub shape: Shape,
}

/// One operator at one place.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Its name in viewers: `blocks.2.0/depthwise`, `blocks.2.0/depthwise/bn`, `classifier`.
    pub name: String,
    /// Index into [`Graph::layers`].
    pub layer: usize,
    /// What it computes.
    pub op: Op,
    /// Operands in the operator's order.
    pub inputs: Vec<TensorId>,
    /// Its result.
    pub output: TensorId,
}

/// What a node computes.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// Convolution of `inputs[0]`, plus `inputs[1]` where a residual was fused.
    Conv(Arc<Conv>),
    /// Batch norm of `inputs[0]`: gone once folded.
    BatchNorm {
        /// Parameters are `{param}.weight`, `.bias`, `.running_mean`, `.running_var`.
        param: String,
        /// Added to the variance.
        eps: f64,
    },
    /// An activation of `inputs[0]`: gone once fused.
    Activation(Activation),
    /// `inputs[0] + inputs[1]`: gone once fused.
    Add,
    /// `inputs[0]` times a gate a channel, `inputs[1]`: gone once fused.
    Multiply,
    /// Mean over all pixels.
    GlobalAveragePool,
    /// Average pool that does not count padding.
    AveragePool {
        /// Rows and columns of the window.
        kernel_size: usize,
        /// Step.
        stride: usize,
        /// Edges.
        pads: Pads,
    },
    /// Max pool; padding never wins.
    MaxPool {
        /// Rows and columns of the window.
        kernel_size: usize,
        /// Step.
        stride: usize,
        /// Edges, each narrower than the window.
        pads: Pads,
    },
    /// Fully connected layer with bias: parameters `{param}.weight` \[out, in\] and `{param}.bias`.
    Linear {
        /// Prefix of the parameters.
        param: String,
    },
    /// Made by the SE pass from pool, reduce, activation, expand, gate, multiply: `inputs[0]` scaled by its own gate.
    SqueezeExcite {
        /// 1x1 convolution with bias and activation.
        reduce: Arc<Conv>,
        /// 1x1 convolution with bias; its activation is the gate.
        expand: Arc<Conv>,
    },
}

/// A convolution, shared by the graph and the plan, with the operators that passes fused into it: `activation(bn(conv(x)))`,
/// with a residual after or before the activation.
#[derive(Clone, Debug, PartialEq)]
pub struct Conv {
    /// Parameters are `{param}.weight` (OIHW; \[C,1,k,k\] if depthwise) and, with `bias`, `{param}.bias`.
    pub param: String,
    /// Input channels.
    pub input_channels: usize,
    /// Output channels.
    pub output_channels: usize,
    /// Rows and columns of the kernel.
    pub kernel_size: usize,
    /// Step.
    pub stride: usize,
    /// Edges.
    pub pads: Pads,
    /// Whether each output channel has one input channel, its own.
    pub depthwise: bool,
    /// Whether it has its own bias (those of a squeeze-excite do, those before a batch norm do not).
    pub bias: bool,
    /// Batch norm folded in: its `param` prefix and eps.
    pub batch_norm: Option<(String, f64)>,
    /// Applied last, but before a [`Residual::Last`].
    pub activation: Activation,
    /// Whether `inputs[1]` is added, and where.
    pub residual: Residual,
}

/// Where a convolution adds its second operand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Residual {
    /// It has none.
    #[default]
    None,
    /// `activation(y) + residual`: inverted residuals.
    Last,
    /// `activation(y + residual)`: ResNet.
    BeforeActivation,
}

impl Residual {
    /// Whether there is a second operand.
    pub fn is_some(self) -> bool {
        self != Residual::None
    }
}

impl Graph {
    /// The tensor with an id.
    pub fn tensor(&self, id: TensorId) -> &Tensor {
        &self.tensors[id.0]
    }

    /// Shape of a tensor.
    pub fn shape(&self, id: TensorId) -> Shape {
        self.tensors[id.0].shape
    }

    /// Index of the node that makes a tensor; `None` for the network's input.
    pub fn producer(&self, id: TensorId) -> Option<usize> {
        self.nodes.iter().position(|node| node.output == id)
    }

    /// Indices of the nodes that read a tensor, in execution order.
    pub fn consumers(&self, id: TensorId) -> Vec<usize> {
        let reads = |node: &&Node| node.inputs.contains(&id);
        (0..self.nodes.len()).filter(|&index| reads(&&self.nodes[index])).collect()
    }

    /// Number of uses of a tensor: as an operand, as a layer's output, as the network's output. An operand with one use
    /// can be fused into its consumer.
    pub fn uses(&self, id: TensorId) -> usize {
        let operands = self.nodes.iter().flat_map(|node| &node.inputs);
        let outputs = self.layers.iter().map(|layer| &layer.output);
        operands.chain(outputs).chain([&self.output]).filter(|&&used| used == id).count()
    }

    /// Nodes of a layer, with their indices, in execution order.
    pub fn layer_nodes(&self, layer: usize) -> impl Iterator<Item = (usize, &Node)> {
        self.nodes.iter().enumerate().filter(move |(_, node)| node.layer == layer)
    }

    /// Replaces every use of `from` by `to`.
    pub(crate) fn replace_uses(&mut self, from: TensorId, to: TensorId) {
        let operands = self.nodes.iter_mut().flat_map(|node| &mut node.inputs);
        let outputs = self.layers.iter_mut().map(|layer| &mut layer.output);
        for used in operands.chain(outputs).chain([&mut self.output]) {
            if *used == from {
                *used = to;
            }
        }
    }
}

impl Conv {
    /// Whether it is a 1x1 convolution over all channels that visits every pixel: a matrix product.
    pub fn is_pointwise(&self) -> bool {
        self.kernel_size == 1 && self.stride == 1 && !self.depthwise
    }

    /// Input channels that one output channel sees.
    pub fn channels_per_group(&self) -> usize {
        if self.depthwise { 1 } else { self.input_channels }
    }

    /// Dimensions of `{param}.weight`.
    pub fn weight_shape(&self) -> [usize; 4] {
        [self.output_channels, self.channels_per_group(), self.kernel_size, self.kernel_size]
    }

    /// Number of weights, without the bias.
    pub fn weight_len(&self) -> usize {
        self.weight_shape().iter().product()
    }

    /// Whether it adds a constant to each channel, by its own bias or by the batch norm folded into it.
    pub fn has_bias(&self) -> bool {
        self.bias || self.batch_norm.is_some()
    }

    /// Shape of the result for an input of this shape; `None` where the padded input is smaller than the kernel.
    pub fn output_shape(&self, input: Shape) -> Option<Shape> {
        let output = slide(input, self.kernel_size, self.stride, self.pads)?;
        Some(Shape { channels: self.output_channels, ..output })
    }
}

/// A fully connected layer as a 1x1 convolution of one pixel.
pub fn linear(param: &str, input_channels: usize, output_channels: usize) -> Conv {
    Conv {
        param: param.to_owned(),
        input_channels,
        output_channels,
        kernel_size: 1,
        stride: 1,
        pads: Pads { top: 0, left: 0, bottom: 0, right: 0 },
        depthwise: false,
        bias: true,
        batch_norm: None,
        activation: Activation::Linear,
        residual: Residual::None,
    }
}

/// Name of an activation in node names and printed graphs.
pub fn activation_name(activation: Activation) -> &'static str {
    match activation {
        Activation::Linear => "linear",
        Activation::Relu => "relu",
        Activation::Relu6 => "relu6",
        Activation::HardSwish => "hard_swish",
        Activation::Swish => "swish",
        Activation::Sigmoid => "sigmoid",
        Activation::HardSigmoid => "hard_sigmoid",
    }
}
