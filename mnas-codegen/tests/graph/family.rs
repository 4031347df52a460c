//! Graphs written by hand: the operators of MnasNet's neighbours, in orders that specs may or may not have.

use mnas_codegen::graph::{Conv, Graph, GraphLayer, Node, Op, Residual, Tensor, TensorId, activation_name};
use mnas_dsl::network::{Activation, Pads, Shape};

use Activation::{HardSigmoid, HardSwish, Linear, Relu, Relu6, Sigmoid, Swish};
use std::sync::Arc;

const VALID: Pads = Pads { top: 0, left: 0, bottom: 0, right: 0 };

/// As many on every side.
fn around(pad: usize) -> Pads {
    Pads { top: pad, left: pad, bottom: pad, right: pad }
}

/// What stands behind a convolution.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Norm {
    Batch,
    Bias,
    None,
}

/// Collects nodes as lowering writes them: nothing is fused.
pub(crate) struct Net {
    pub(crate) graph: Graph,
}

impl Net {
    pub(crate) fn new(name: &str, input: (usize, usize, usize)) -> Self {
        let shape = Shape { height: input.0, width: input.1, channels: input.2 };
        let input = TensorId(0);
        let tensors = vec![Tensor { name: "input".to_owned(), shape }];
        let (nodes, layers) = (Vec::new(), Vec::new());
        Net { graph: Graph { name: name.to_owned(), tensors, nodes, input, output: input, layers } }
    }

    /// Begins a layer, whose output is what its last node makes.
    pub(crate) fn layer(&mut self, name: &str) {
        self.graph.layers.push(GraphLayer { name: name.to_owned(), source: name.to_owned(), output: TensorId(0) });
    }

    fn node(&mut self, suffix: &str, op: Op, inputs: &[TensorId], shape: Shape) -> TensorId {
        let layer = self.graph.layers.len() - 1;
        let name = format!("{}/{suffix}", self.graph.layers[layer].name);
        let output = TensorId(self.graph.tensors.len());
        self.graph.tensors.push(Tensor { name: name.clone(), shape });
        self.graph.nodes.push(Node { name, layer, op, inputs: inputs.to_vec(), output });
        self.graph.layers[layer].output = output;
        self.graph.output = output;
        output
    }

    #[expect(clippy::too_many_arguments, reason = "one for each property of a convolution")]
    pub(crate) fn any_conv(
        &mut self,
        name: &str,
        x: TensorId,
        (kernel_size, stride, pads): (usize, usize, Pads),
        output_channels: usize,
        depthwise: bool,
        norm: Norm,
        activation: Activation,
    ) -> TensorId {
        let input = self.graph.shape(x);
        let param = format!("{}.{name}", self.graph.layers.last().unwrap().name);
        let conv = Conv {
            param: param.clone(),
            input_channels: input.channels,
            output_channels,
            kernel_size,
            stride,
            pads,
            depthwise,
            bias: norm == Norm::Bias,
            batch_norm: None,
            activation: Linear,
            residual: Residual::None,
        };
        let shape = conv.output_shape(input).unwrap();
        let mut y = self.node(name, Op::Conv(Arc::new(conv)), &[x], shape);
        if norm == Norm::Batch {
            y = self.node(
                &format!("{name}/bn"),
                Op::BatchNorm { param: format!("{param}.bn"), eps: 1e-3 },
                &[y],
                shape,
            );
        }
        self.activation(name, y, activation)
    }

    fn conv(
        &mut self,
        name: &str,
        x: TensorId,
        window: (usize, usize, Pads),
        channels: usize,
        a: Activation,
    ) -> TensorId {
        self.any_conv(name, x, window, channels, false, Norm::Batch, a)
    }

    fn pointwise(&mut self, name: &str, x: TensorId, channels: usize, activation: Activation) -> TensorId {
        self.conv(name, x, (1, 1, VALID), channels, activation)
    }

    fn depthwise(
        &mut self,
        name: &str,
        x: TensorId,
        window: (usize, usize, Pads),
        norm: Norm,
        a: Activation,
    ) -> TensorId {
        let channels = self.graph.shape(x).channels;
        self.any_conv(name, x, window, channels, true, norm, a)
    }

    pub(crate) fn activation(&mut self, after: &str, x: TensorId, activation: Activation) -> TensorId {
        if activation == Linear {
            return x;
        }
        let shape = self.graph.shape(x);
        self.node(&format!("{after}/{}", activation_name(activation)), Op::Activation(activation), &[x], shape)
    }

    pub(crate) fn add(&mut self, a: TensorId, b: TensorId, activation: Activation) -> TensorId {
        let shape = self.graph.shape(a);
        let sum = self.node("add", Op::Add, &[a, b], shape);
        self.activation("add", sum, activation)
    }

    pub(crate) fn window(
        &mut self,
        name: &str,
        x: TensorId,
        max: bool,
        (kernel_size, stride, pads): (usize, usize, Pads),
    ) -> TensorId {
        let input = self.graph.shape(x);
        let size = |n: usize, pads: usize| (n + pads - kernel_size) / stride + 1;
        let height = size(input.height, pads.top + pads.bottom);
        let width = size(input.width, pads.left + pads.right);
        let op =
            if max { Op::MaxPool { kernel_size, stride, pads } } else { Op::AveragePool { kernel_size, stride, pads } };
        self.node(name, op, &[x], Shape { height, width, ..input })
    }

    fn max_pool(&mut self, x: TensorId, window: (usize, usize, Pads)) -> TensorId {
        self.window("max_pool", x, true, window)
    }

    pub(crate) fn global_pool(&mut self, name: &str, x: TensorId) -> TensorId {
        let channels = self.graph.shape(x).channels;
        self.node(name, Op::GlobalAveragePool, &[x], Shape { height: 1, width: 1, channels })
    }

    pub(crate) fn squeeze_excite(
        &mut self,
        x: TensorId,
        reduced: usize,
        activation: Activation,
        gate: Activation,
    ) -> TensorId {
        let shape = self.graph.shape(x);
        let means = self.global_pool("se/pool", x);
        let one = (1, 1, VALID);
        let narrow = self.any_conv("se/reduce", means, one, reduced, false, Norm::Bias, activation);
        let gate = self.any_conv("se/expand", narrow, one, shape.channels, false, Norm::Bias, gate);
        self.node("se/multiply", Op::Multiply, &[x, gate], shape)
    }

    fn linear(&mut self, x: TensorId, classes: usize) -> Graph {
        self.layer("classifier");
        let shape = Shape { height: 1, width: 1, channels: classes };
        self.node("linear", Op::Linear { param: "classifier".to_owned() }, &[x], shape);
        self.graph.clone()
    }

    fn bottleneck(&mut self, name: &str, x: TensorId, stride: usize, narrow: usize, wide: usize) -> TensorId {
        self.layer(name);
        let shortcut = if stride > 1 || self.graph.shape(x).channels != wide {
            self.conv("shortcut", x, (1, stride, VALID), wide, Linear)
        } else {
            x
        };
        let y = self.pointwise("reduce", x, narrow, Relu);
        let y = self.conv("conv", y, (3, stride, around(1)), narrow, Relu);
        let y = self.pointwise("expand", y, wide, Linear);
        self.add(y, shortcut, Relu)
    }

    /// Two separable convolutions and a max pool, beside a strided convolution.
    fn xception(&mut self, name: &str, x: TensorId, channels: usize, se: bool) -> TensorId {
        self.layer(name);
        // SAME of a window of 3 with stride 2.
        let same = |size: usize| if size.is_multiple_of(2) { 1 } else { 2 };
        let shortcut = self.conv("shortcut", x, (1, 2, VALID), channels, Linear);
        let mut y = x;
        for (index, activation) in [Relu, Linear].into_iter().enumerate() {
            y = self.depthwise(&format!("depthwise{index}"), y, (3, 1, around(1)), Norm::None, Linear);
            y = self.pointwise(&format!("pointwise{index}"), y, channels, activation);
        }
        if se {
            y = self.squeeze_excite(y, 3, Relu, Sigmoid);
        }
        let shape = self.graph.shape(y);
        let (rows, columns) = (same(shape.height), same(shape.width));
        let pads = Pads { top: rows / 2, left: columns / 2, bottom: rows - rows / 2, right: columns - columns / 2 };
        let pooled = self.max_pool(y, (3, 2, pads));
        self.add(pooled, shortcut, Linear)
    }
}

fn resnet() -> Graph {
    let mut net = Net::new("resnet", (29, 27, 3));
    net.layer("stem");
    let x = net.conv("conv", TensorId(0), (7, 2, around(3)), 9, Relu);
    net.layer("blocks.0.0");
    let x = net.max_pool(x, (3, 2, around(1)));
    let x = net.bottleneck("blocks.1.0", x, 1, 5, 20);
    let x = net.bottleneck("blocks.1.1", x, 1, 5, 20);
    let x = net.bottleneck("blocks.2.0", x, 2, 8, 24);
    // A basic block, and one whose sum has another activation.
    net.layer("blocks.3.0");
    let y = net.conv("conv0", x, (3, 1, around(1)), 24, Relu);
    let y = net.conv("conv1", y, (3, 1, around(1)), 24, Linear);
    let x = net.add(y, x, HardSwish);
    net.layer("head");
    let x = net.global_pool("pool", x);
    net.linear(x, 7)
}

fn mini_xception(name: &str, input: (usize, usize, usize), se: bool) -> Graph {
    let mut net = Net::new(name, input);
    net.layer("stem");
    let x = net.conv("conv", TensorId(0), (3, 1, VALID), 8, Relu);
    net.layer("blocks.0.0");
    let x = net.conv("conv", x, (3, 1, VALID), 8, Relu);
    let x = net.xception("blocks.1.0", x, 16, se);
    let x = net.xception("blocks.2.0", x, 21, se);
    net.layer("classifier");
    let x = net.any_conv("conv", x, (3, 1, around(1)), 7, false, Norm::Bias, Linear);
    net.global_pool("pool", x);
    net.graph
}

fn mobilenet_v3() -> Graph {
    let mut net = Net::new("mobilenet_v3", (26, 21, 3));
    net.layer("stem");
    let x = net.conv("conv", TensorId(0), (3, 2, around(1)), 8, HardSwish);
    net.layer("blocks.0.0");
    let y = net.depthwise("depthwise", x, (3, 1, around(1)), Norm::Batch, Relu);
    let y = net.squeeze_excite(y, 8, Relu, HardSigmoid);
    let y = net.pointwise("project", y, 8, Linear);
    let x = net.add(y, x, Linear);
    net.layer("blocks.1.0");
    let y = net.pointwise("expand", x, 26, Relu);
    let y = net.depthwise("depthwise", y, (5, 2, around(2)), Norm::Batch, Relu);
    let y = net.squeeze_excite(y, 8, Relu, HardSigmoid);
    let x = net.pointwise("project", y, 12, Linear);
    net.layer("blocks.1.1");
    let y = net.pointwise("expand", x, 31, HardSwish);
    let y = net.depthwise("depthwise", y, (3, 1, around(1)), Norm::Batch, HardSwish);
    let y = net.squeeze_excite(y, 8, Relu, HardSigmoid);
    let y = net.pointwise("project", y, 12, Linear);
    let x = net.add(y, x, Linear);
    net.layer("head");
    let x = net.pointwise("conv", x, 37, HardSwish);
    let x = net.global_pool("pool", x);
    let x = net.any_conv("hidden", x, (1, 1, VALID), 29, false, Norm::Bias, HardSwish);
    net.linear(x, 5)
}

fn fused_mbconv() -> Graph {
    let mut net = Net::new("fused_mbconv", (17, 20, 3));
    net.layer("stem");
    let x = net.conv("conv", TensorId(0), (3, 2, around(1)), 8, Swish);
    net.layer("blocks.0.0");
    let y = net.conv("expand", x, (3, 1, around(1)), 32, Swish);
    let y = net.squeeze_excite(y, 2, Swish, Sigmoid);
    let y = net.pointwise("project", y, 8, Linear);
    let x = net.add(y, x, Linear);
    net.layer("blocks.1.0");
    let y = net.conv("expand", x, (5, 2, around(2)), 24, Relu6);
    let x = net.pointwise("project", y, 11, Linear);
    let y = net.pointwise("expand2", x, 20, Relu);
    let y = net.depthwise("depthwise", y, (3, 1, around(1)), Norm::Batch, Relu);
    let x = net.pointwise("project2", y, 11, Linear);
    net.layer("blocks.1.1");
    let y = net.conv("conv", x, (3, 1, around(1)), 11, Relu6);
    let x = net.add(y, x, Linear);
    // Without a projection, so that the gated tensor itself is what the shortcut is added to.
    net.layer("blocks.2.0");
    let y = net.conv("conv", x, (3, 1, around(1)), 11, HardSwish);
    let y = net.squeeze_excite(y, 3, Relu, HardSigmoid);
    net.add(y, x, Relu);
    net.graph
}

/// Nothing that a block would be made of stands where a block would have it.
fn loose() -> Graph {
    let mut net = Net::new("loose", (19, 18, 5));
    net.layer("stem");
    // Depthwise on the image, and nothing behind it that is pointwise.
    let x = net.depthwise("depthwise", TensorId(0), (3, 1, around(1)), Norm::Batch, Linear);
    net.layer("blocks.0.0");
    let x = net.max_pool(x, (2, 1, Pads { top: 1, left: 0, bottom: 0, right: 1 }));
    net.layer("blocks.1.0");
    let x = net.depthwise("depthwise", x, (5, 2, around(2)), Norm::Bias, HardSwish);
    let y = net.conv("conv", x, (3, 1, around(1)), 12, Relu);
    net.layer("blocks.2.0");
    // A depthwise convolution behind another, gated, behind a tensor that has other readers.
    let z = net.depthwise("depthwise0", y, (3, 1, around(1)), Norm::Batch, Relu);
    let z = net.depthwise("depthwise1", z, (3, 1, around(1)), Norm::Batch, Relu6);
    let z = net.squeeze_excite(z, 4, HardSwish, HardSigmoid);
    let x = net.add(z, y, Linear);
    net.layer("blocks.3.0");
    // Activation of the sum behind a depthwise and a pointwise convolution; one that widens with a stride.
    let z = net.depthwise("depthwise", x, (3, 1, around(1)), Norm::Batch, Relu);
    let z = net.pointwise("project", z, 12, Linear);
    let x = net.add(z, x, Swish);
    let x = net.conv("widen", x, (1, 2, VALID), 21, Sigmoid);
    net.layer("blocks.4.0");
    // Sums and activations of what is no convolution.
    let a = net.max_pool(x, (3, 1, around(1)));
    let b = net.window("average_pool", x, false, (3, 1, around(1)));
    let x = net.add(a, b, HardSwish);
    net.layer("blocks.5.0");
    let y = net.max_pool(x, (2, 2, VALID));
    let y = net.squeeze_excite(y, 5, Sigmoid, Sigmoid);
    net.activation("se", y, HardSwish);
    let x = net.graph.output;
    net.layer("blocks.6.0");
    // A depthwise convolution that adds, before its activation and behind it.
    let y = net.depthwise("depthwise", x, (3, 1, around(1)), Norm::Batch, Linear);
    let x = net.add(y, x, Relu6);
    net.layer("blocks.7.0");
    let y = net.depthwise("depthwise", x, (3, 1, around(1)), Norm::Batch, HardSwish);
    let x = net.add(y, x, Linear);
    net.layer("blocks.8.0");
    let y = net.depthwise("depthwise", x, (3, 1, around(1)), Norm::Batch, Relu);
    net.pointwise("project", y, 9, Relu6);
    net.graph
}

/// Widths and heights of one, an image of one channel that a depthwise convolution and a pool read.
fn narrow() -> Graph {
    let mut net = Net::new("narrow", (2, 9, 1));
    net.layer("stem");
    let x = net.max_pool(TensorId(0), (2, 2, VALID));
    let x = net.conv("conv", x, (1, 1, VALID), 17, HardSigmoid);
    net.layer("blocks.0.0");
    let y = net.conv("conv", x, (7, 1, around(3)), 17, Linear);
    let x = net.add(y, x, Sigmoid);
    net.layer("blocks.1.0");
    let x = net.conv("conv", x, (1, 2, VALID), 6, Linear);
    let y = net.squeeze_excite(x, 1, Relu6, HardSigmoid);
    net.pointwise("project", y, 3, Linear);
    net.graph
}

/// All of them, as lowering would write them.
pub(crate) fn family() -> Vec<Graph> {
    vec![
        resnet(),
        mini_xception("mini_xception", (20, 23, 1), false),
        mini_xception("mini_xception_se", (18, 17, 1), true),
        mobilenet_v3(),
        fused_mbconv(),
        loose(),
        narrow(),
    ]
}
