//! Lowering: `Network` -> `Graph`, as a framework would write it, nothing fused.
//!
//! Which operators a layer has is in its [`Chain`](mnas_dsl::chain::Chain), which `mnas-dsl` derives from its kind; this
//! module knows operators and skips, and no kind.

mod head;
mod squeeze_excite;

use mnas_dsl::chain::{ConvUnit, Unit};
use mnas_dsl::network::{Activation, Layer, Network, Pads, Shape, Skip, slide};

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
        Skip::Projection => Some(builder.conv_unit(&shortcut(layer), input)),
    };
    let chain = layer.chain();
    let body = chain.units.iter().fold(input, |x, unit| lower_unit(builder, unit, x));
    let sum = match shortcut {
        Some(shortcut) => builder.node("add", Op::Add, vec![body, shortcut], builder.graph.shape(body)),
        None => body,
    };
    let output = match chain.after_sum {
        Some(activation) => builder.activation("add", activation, sum),
        None => sum,
    };
    builder.end_layer(output);
    output
}

fn lower_unit(builder: &mut Builder, unit: &Unit, input: TensorId) -> TensorId {
    match *unit {
        Unit::Conv(ref conv) => builder.conv_unit(conv, input),
        Unit::SqueezeExcite(ref se) => squeeze_excite::lower(builder, se, input),
        Unit::MaxPool { kernel_size, stride, pads } => {
            let shape = builder.graph.shape(input);
            let output = slide(shape, kernel_size, stride, pads).expect("a resolved network has room for its windows");
            builder.node("pool", Op::MaxPool { kernel_size, stride, pads }, vec![input], output)
        }
    }
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

/// The convolution of a projected skip.
fn shortcut(layer: &Layer) -> ConvUnit {
    let conv = ConvUnit::pointwise("shortcut", layer.output.channels, Activation::Linear);
    ConvUnit { stride: layer.stride, ..conv }
}

/// Collects nodes, and adds a tensor and names for each.
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

    /// Convolution without a bias, \[batch norm,\] activation.
    fn conv_unit(&mut self, conv: &ConvUnit, input: TensorId) -> TensorId {
        let param = format!("{}.{}", self.layer().name, conv.name);
        let mut x = self.conv(conv.name, &param, conv, false, input);
        if conv.batch_norm {
            let op = Op::BatchNorm { param: format!("{param}.bn"), eps: self.batch_norm_eps };
            x = self.node(&format!("{}/bn", conv.name), op, vec![x], self.graph.shape(x));
        }
        self.activation(conv.name, conv.activation, x)
    }

    /// 1x1 convolution with its own bias, activation.
    fn conv_bias_activation(&mut self, node: &str, param: &str, unit: &ConvUnit, input: TensorId) -> TensorId {
        let param = format!("{}.{param}", self.layer().name);
        let x = self.conv(node, &param, unit, true, input);
        self.activation(node, unit.activation, x)
    }

    fn conv(&mut self, node: &str, param: &str, unit: &ConvUnit, bias: bool, input: TensorId) -> TensorId {
        let input_shape = self.graph.shape(input);
        let conv = Conv {
            param: param.to_owned(),
            input_channels: input_shape.channels,
            output_channels: unit.filters,
            kernel_size: unit.kernel_size,
            stride: unit.stride,
            pads: unit.pads,
            depthwise: unit.depthwise,
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
