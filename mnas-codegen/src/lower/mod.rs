//! Lowering: `Network` -> `Graph`, as a framework would write it, nothing fused.
//!
//! A block kind is one file that knows its chain of operators and the names of its parameters; what they share
//! (a convolution with batch norm and activation, the shortcut) stands here.

mod bottleneck;
mod conv;
mod fused_mbconv;
mod head;
mod max_pool;
mod mbconv;
mod sepconv;
mod squeeze_excite;
mod xception;

use mnas_dsl::network::{Activation, Layer, LayerOp, Network, Pads, Shape, Skip, slide};

use crate::graph::{Conv, Graph, GraphLayer, Node, Op, Residual, Tensor, TensorId, activation_name};

/// Writes a network as operators and tensors: convolution, batch norm, activation, pool, multiply and add each apart.
///
/// A linear activation makes no node. Nodes stand in execution order, those of one layer together.
pub fn lower(network: &Network) -> Graph {
    let mut builder = Builder::new(network);
    let mut x = builder.graph.input;
    for layer in &network.layers {
        x = lower_layer(&mut builder, layer, x);
    }
    if let Some(head) = &network.head {
        x = head::lower(&mut builder, head, x);
    }
    builder.graph.output = x;
    builder.graph
}

fn lower_layer(builder: &mut Builder, layer: &Layer, input: TensorId) -> TensorId {
    builder.begin_layer(&layer.name, &layer.source);
    // The shortcut comes first, so that the chain from expansion to projection is not interrupted: what is fused
    // into one kernel later stands together.
    let shortcut = match layer.skip {
        Skip::None => None,
        Skip::Identity => Some(input),
        Skip::Pool => Some(shortcut_pool(builder, layer.stride, input)),
        Skip::Projection => Some(builder.conv_bn_activation(&ConvSpec::shortcut(layer), input)),
    };
    let body = match &layer.op {
        LayerOp::Conv { activation } => conv::lower(builder, layer, *activation, input),
        LayerOp::SepConv { activation, se, pointwise_activation } => {
            sepconv::lower(builder, layer, *activation, se.as_ref(), *pointwise_activation, input)
        }
        LayerOp::MbConv { expanded, activation, se } => {
            mbconv::lower(builder, layer, *expanded, *activation, se.as_ref(), input)
        }
        LayerOp::FusedMbConv { expanded, activation, se } => {
            fused_mbconv::lower(builder, layer, *expanded, *activation, se.as_ref(), input)
        }
        LayerOp::Bottleneck { reduced, activation } => bottleneck::lower(builder, layer, *reduced, *activation, input),
        LayerOp::Xception { activation, se, pool } => {
            xception::lower(builder, layer, *activation, se.as_ref(), *pool, input)
        }
        LayerOp::MaxPool => max_pool::lower(builder, layer.kernel_size, layer.stride, layer.pads, input),
    };
    let sum = match shortcut {
        Some(shortcut) => builder.node("add", Op::Add, vec![body, shortcut], builder.graph.shape(body)),
        None => body,
    };
    let output = match layer.op {
        LayerOp::Bottleneck { activation, .. } => builder.activation("add", activation, sum),
        _ => sum,
    };
    builder.end_layer(output);
    output
}

/// Rows and columns of the window of a pooling shortcut.
const SHORTCUT_POOL: usize = 3;

fn shortcut_pool(builder: &mut Builder, stride: usize, input: TensorId) -> TensorId {
    let shape = builder.graph.shape(input);
    let pads = Pads::same(shape, SHORTCUT_POOL, stride);
    let output = slide(shape, SHORTCUT_POOL, stride, pads).expect("SAME padding makes room for the window");
    let op = Op::AveragePool { kernel_size: SHORTCUT_POOL, stride, pads };
    builder.node("skip/pool", op, vec![input], output)
}

/// A convolution as the block kinds ask for one; its input channels follow from its input.
struct ConvSpec {
    /// Last part of the node's and of the parameters' name: `expand`, `depthwise`, ...
    name: &'static str,
    output_channels: usize,
    kernel_size: usize,
    stride: usize,
    pads: Pads,
    depthwise: bool,
    activation: Activation,
}

impl ConvSpec {
    fn pointwise(name: &'static str, output_channels: usize, activation: Activation) -> Self {
        ConvSpec { name, output_channels, kernel_size: 1, stride: 1, pads: Pads::NONE, depthwise: false, activation }
    }

    /// The convolution of a projected skip.
    fn shortcut(layer: &Layer) -> Self {
        let conv = ConvSpec::pointwise("shortcut", layer.output.channels, Activation::Linear);
        ConvSpec { stride: layer.stride, ..conv }
    }

    /// The convolution over all channels that has the layer's window.
    fn dense(name: &'static str, layer: &Layer, output_channels: usize, activation: Activation) -> Self {
        let (kernel_size, stride, pads) = (layer.kernel_size, layer.stride, layer.pads);
        ConvSpec { name, output_channels, kernel_size, stride, pads, depthwise: false, activation }
    }

    /// The depthwise convolution of a layer over `channels` channels.
    fn depthwise(layer: &Layer, channels: usize, activation: Activation) -> Self {
        ConvSpec {
            name: "depthwise",
            output_channels: channels,
            kernel_size: layer.kernel_size,
            stride: layer.stride,
            pads: layer.pads,
            depthwise: true,
            activation,
        }
    }
}

/// Collects nodes; names and tensors follow from what is asked for.
struct Builder {
    graph: Graph,
    batch_norm_eps: f64,
}

impl Builder {
    fn new(network: &Network) -> Self {
        let input = TensorId(0);
        let graph = Graph {
            name: network.name.clone(),
            tensors: vec![Tensor { name: "input".to_owned(), shape: network.input }],
            nodes: Vec::new(),
            input,
            output: input,
            layers: Vec::new(),
        };
        Builder { graph, batch_norm_eps: network.batch_norm_eps }
    }

    fn begin_layer(&mut self, name: &str, source: &str) {
        let output = self.graph.input;
        self.graph.layers.push(GraphLayer { name: name.to_owned(), source: source.to_owned(), output });
    }

    fn end_layer(&mut self, output: TensorId) {
        self.layer().output = output;
    }

    fn layer(&mut self) -> &mut GraphLayer {
        self.graph.layers.last_mut().expect("a layer has begun")
    }

    /// Adds a node whose name is the layer's and `suffix`.
    fn node(&mut self, suffix: &str, op: Op, inputs: Vec<TensorId>, shape: Shape) -> TensorId {
        let name = format!("{}/{suffix}", self.layer().name);
        self.named_node(name, op, inputs, shape)
    }

    fn named_node(&mut self, name: String, op: Op, inputs: Vec<TensorId>, shape: Shape) -> TensorId {
        let output = TensorId(self.graph.tensors.len());
        self.graph.tensors.push(Tensor { name: name.clone(), shape });
        self.graph.nodes.push(Node { name, layer: self.graph.layers.len() - 1, op, inputs, output });
        output
    }

    /// Convolution, batch norm, activation.
    fn conv_bn_activation(&mut self, spec: &ConvSpec, input: TensorId) -> TensorId {
        let param = format!("{}.{}", self.layer().name, spec.name);
        let x = self.conv(spec.name, &param, spec, false, input);
        let op = Op::BatchNorm { param: format!("{param}.bn"), eps: self.batch_norm_eps };
        let x = self.node(&format!("{}/bn", spec.name), op, vec![x], self.graph.shape(x));
        self.activation(spec.name, spec.activation, x)
    }

    /// Convolution without a bias and without a batch norm.
    fn conv_alone(&mut self, spec: &ConvSpec, input: TensorId) -> TensorId {
        let param = format!("{}.{}", self.layer().name, spec.name);
        self.conv(spec.name, &param, spec, false, input)
    }

    /// 1x1 convolution with a bias of its own, activation.
    fn conv_bias_activation(&mut self, node: &str, param: &str, spec: &ConvSpec, input: TensorId) -> TensorId {
        let param = format!("{}.{param}", self.layer().name);
        let x = self.conv(node, &param, spec, true, input);
        self.activation(node, spec.activation, x)
    }

    fn conv(&mut self, node: &str, param: &str, spec: &ConvSpec, bias: bool, input: TensorId) -> TensorId {
        let input_shape = self.graph.shape(input);
        let conv = Conv {
            param: param.to_owned(),
            input_channels: input_shape.channels,
            output_channels: spec.output_channels,
            kernel_size: spec.kernel_size,
            stride: spec.stride,
            pads: spec.pads,
            depthwise: spec.depthwise,
            bias,
            batch_norm: None,
            activation: Activation::Linear,
            residual: Residual::None,
        };
        let shape = conv.output_shape(input_shape).expect("a resolved network has room for its kernels");
        self.node(node, Op::Conv(std::sync::Arc::new(conv)), vec![input], shape)
    }

    fn activation(&mut self, after: &str, activation: Activation, input: TensorId) -> TensorId {
        if activation == Activation::Linear {
            return input;
        }
        let suffix = format!("{after}/{}", activation_name(activation));
        self.node(&suffix, Op::Activation(activation), vec![input], self.graph.shape(input))
    }
}
