//! Operators of the Graph as operators of ONNX.

use mnas_dsl::network::{Activation, Pads, Shape};
use onnx_protobuf::{AttributeProto, GraphProto, NodeProto};

use super::proto::{float, initializer, int, ints, value_info};
use crate::fold::try_fold;
use crate::graph::{Conv, Graph, Node, Op, Residual, TensorId, activation_name};
use crate::parameter::{BatchNormParameters, ParameterError, parameter};
use crate::weights::Weights;

/// Everything of the graph but its name; its result is called `output_name`, and is a vector where `flat`.
pub(super) fn export(
    graph: &Graph,
    weights: &Weights,
    output_name: &str,
    flat: bool,
) -> Result<GraphProto, ParameterError> {
    let input = value_info(&graph.tensor(graph.input).name, &nchw(graph.shape(graph.input)));
    let mut exporter = Exporter {
        graph,
        weights,
        proto: GraphProto { input: vec![input], ..Default::default() },
        values: vec![String::new(); graph.tensors.len()],
    };
    exporter.values[graph.input.0].clone_from(&graph.tensor(graph.input).name);
    for node in &graph.nodes {
        let value = exporter.node(node)?;
        exporter.values[node.output.0] = value;
    }
    let mut made_as = exporter.values[graph.output.0].clone();
    let is_vector = graph.nodes.last().is_some_and(|node| matches!(node.op, Op::Linear { .. }));
    if flat && !is_vector {
        // Logits that a convolution made and a pool gathered.
        let name = format!("{made_as}/flatten");
        let len = graph.shape(graph.output).len();
        made_as = exporter.emit("Flatten", &name, vec![made_as], vec![int("axis", 1)], &[len]);
    }
    Ok(with_output(exporter.proto, &made_as, output_name))
}

/// Makes the value `made_as` the graph's output, called `name`.
fn with_output(mut proto: GraphProto, made_as: &str, name: &str) -> GraphProto {
    for value in proto.node.iter_mut().flat_map(|node| node.input.iter_mut().chain(&mut node.output)) {
        if value == made_as {
            name.clone_into(value);
        }
    }
    let at = proto.value_info.iter().position(|info| info.name == made_as).expect("a node makes the output");
    let mut output = proto.value_info.remove(at);
    name.clone_into(&mut output.name);
    proto.output.push(output);
    proto
}

struct Exporter<'g> {
    graph: &'g Graph,
    weights: &'g Weights,
    proto: GraphProto,
    /// What ONNX calls a tensor of the graph.
    values: Vec<String>,
}

impl Exporter<'_> {
    /// Exports a node and returns the name of its result.
    fn node(&mut self, node: &Node) -> Result<String, ParameterError> {
        let name = node.name.as_str();
        let x = self.value(node.inputs[0]);
        let input = self.graph.shape(node.inputs[0]);
        let output = self.graph.shape(node.output);
        Ok(match &node.op {
            Op::Conv(conv) => {
                let linear = Conv { activation: Activation::Linear, ..Conv::clone(conv) };
                let shortcut = || self.value(node.inputs[1]);
                // The Add had this name before it was fused.
                let add = format!("{}/add", self.graph.layers[node.layer].name);
                match conv.residual {
                    Residual::None => self.conv(name, conv, x, output)?,
                    Residual::Last => {
                        let shortcut = shortcut();
                        let y = self.conv(name, conv, x, output)?;
                        self.emit("Add", &add, vec![y, shortcut], vec![], &nchw(output))
                    }
                    Residual::BeforeActivation => {
                        let shortcut = shortcut();
                        let y = self.conv(name, &linear, x, output)?;
                        let sum = self.emit("Add", &add, vec![y, shortcut], vec![], &nchw(output));
                        self.activation_after(&add, conv.activation, sum, output)
                    }
                }
            }
            Op::BatchNorm { param, eps } => self.batch_norm(name, param, *eps, x, output)?,
            Op::Activation(activation) => self.activation(name, *activation, x, output),
            Op::Add | Op::Multiply => {
                let op_type = if node.op == Op::Add { "Add" } else { "Mul" };
                let y = self.value(node.inputs[1]);
                self.emit(op_type, name, vec![x, y], vec![], &nchw(output))
            }
            Op::GlobalAveragePool => self.emit("GlobalAveragePool", name, vec![x], vec![], &nchw(output)),
            Op::AveragePool { kernel_size, stride, pads } => {
                let mut attributes = window(*kernel_size, *stride, *pads);
                attributes.push(int("count_include_pad", 0));
                self.emit("AveragePool", name, vec![x], attributes, &nchw(output))
            }
            Op::MaxPool { kernel_size, stride, pads } => {
                self.emit("MaxPool", name, vec![x], window(*kernel_size, *stride, *pads), &nchw(output))
            }
            Op::Linear { param } => self.linear(name, param, x, input.channels, output.channels)?,
            Op::SqueezeExcite { reduce, expand } => self.squeeze_excite(name, reduce, expand, x, output)?,
        })
    }

    /// Convolution and activation; the batch norm, if there is one, is in the weights.
    fn conv(&mut self, name: &str, conv: &Conv, x: String, output: Shape) -> Result<String, ParameterError> {
        let folded = try_fold(conv, self.weights)?;
        let mut inputs =
            vec![x, self.constant(&format!("{}.weight", conv.param), &conv.weight_shape(), &folded.weight)];
        if conv.has_bias() {
            inputs.push(self.constant(&format!("{}.bias", conv.param), &[conv.output_channels], &folded.bias));
        }
        let mut attributes = window(conv.kernel_size, conv.stride, conv.pads);
        attributes.push(ints("dilations", &[1, 1]));
        attributes.push(int("group", if conv.depthwise { conv.input_channels } else { 1 }));
        let y = self.emit("Conv", name, inputs, attributes, &nchw(output));
        Ok(self.activation_after(name, conv.activation, y, output))
    }

    /// An activation that was fused into the node `name`.
    fn activation_after(&mut self, name: &str, activation: Activation, x: String, shape: Shape) -> String {
        if activation == Activation::Linear {
            return x;
        }
        self.activation(&format!("{name}/{}", activation_name(activation)), activation, x, shape)
    }

    fn batch_norm(
        &mut self,
        name: &str,
        param: &str,
        eps: f64,
        x: String,
        output: Shape,
    ) -> Result<String, ParameterError> {
        let norm = BatchNormParameters::find(self.weights, param, output.channels)?;
        let mut inputs = vec![x];
        for (suffix, values) in [
            ("weight", norm.weight),
            ("bias", norm.bias),
            ("running_mean", norm.running_mean),
            ("running_var", norm.running_var),
        ] {
            inputs.push(self.constant(&format!("{param}.{suffix}"), &[output.channels], values));
        }
        Ok(self.emit("BatchNormalization", name, inputs, vec![float("epsilon", eps as f32)], &nchw(output)))
    }

    fn activation(&mut self, name: &str, activation: Activation, x: String, shape: Shape) -> String {
        let dims = nchw(shape);
        match activation {
            Activation::Linear => self.emit("Identity", name, vec![x], vec![], &dims),
            Activation::Relu => self.emit("Relu", name, vec![x], vec![], &dims),
            Activation::Relu6 => {
                let low = self.constant("relu6.min", &[], &[0.0]);
                let high = self.constant("relu6.max", &[], &[6.0]);
                self.emit("Clip", name, vec![x, low, high], vec![], &dims)
            }
            Activation::HardSwish => self.emit("HardSwish", name, vec![x], vec![], &dims),
            Activation::Swish => {
                let gate = self.emit("Sigmoid", &format!("{name}/sigmoid"), vec![x.clone()], vec![], &dims);
                self.emit("Mul", name, vec![x, gate], vec![], &dims)
            }
            Activation::Sigmoid => self.emit("Sigmoid", name, vec![x], vec![], &dims),
            Activation::HardSigmoid => {
                let attributes = vec![float("alpha", 1.0 / 6.0), float("beta", 0.5)];
                self.emit("HardSigmoid", name, vec![x], attributes, &dims)
            }
        }
    }

    fn linear(
        &mut self,
        name: &str,
        param: &str,
        x: String,
        inputs: usize,
        outputs: usize,
    ) -> Result<String, ParameterError> {
        let (weight_name, bias_name) = (format!("{param}.weight"), format!("{param}.bias"));
        let weight = parameter(self.weights, &weight_name, &[outputs, inputs])?;
        let bias = parameter(self.weights, &bias_name, &[outputs])?;
        let flat = self.emit("Flatten", &format!("{name}/flatten"), vec![x], vec![int("axis", 1)], &[inputs]);
        let operands = vec![
            flat,
            self.constant(&weight_name, &[outputs, inputs], weight),
            self.constant(&bias_name, &[outputs], bias),
        ];
        Ok(self.emit("Gemm", name, operands, vec![int("transB", 1)], &[outputs]))
    }

    fn squeeze_excite(
        &mut self,
        name: &str,
        reduce: &Conv,
        expand: &Conv,
        x: String,
        shape: Shape,
    ) -> Result<String, ParameterError> {
        let vector = |channels| Shape { height: 1, width: 1, channels };
        let pool = format!("{name}/pool");
        let means = self.emit("GlobalAveragePool", &pool, vec![x.clone()], vec![], &nchw(vector(shape.channels)));
        let narrow = vector(reduce.output_channels);
        let reduced = self.conv(&format!("{name}/reduce"), reduce, means, narrow)?;
        let gate = self.conv(&format!("{name}/expand"), expand, reduced, vector(shape.channels))?;
        Ok(self.emit("Mul", &format!("{name}/multiply"), vec![x, gate], vec![], &nchw(shape)))
    }

    /// Adds a node whose only result has its name and these dims behind the batch.
    fn emit(
        &mut self,
        op_type: &str,
        name: &str,
        input: Vec<String>,
        attribute: Vec<AttributeProto>,
        dims: &[usize],
    ) -> String {
        self.proto.value_info.push(value_info(name, dims));
        self.proto.node.push(NodeProto {
            name: name.to_owned(),
            op_type: op_type.to_owned(),
            input,
            output: vec![name.to_owned()],
            attribute,
            ..Default::default()
        });
        name.to_owned()
    }

    /// Adds an initialiser, unless there is one of this name, and returns its name.
    fn constant(&mut self, name: &str, dims: &[usize], values: &[f32]) -> String {
        if self.proto.initializer.iter().all(|constant| constant.name != name) {
            self.proto.initializer.push(initializer(name, dims, values));
        }
        name.to_owned()
    }

    fn value(&self, id: TensorId) -> String {
        self.values[id.0].clone()
    }
}

fn window(kernel_size: usize, stride: usize, pads: Pads) -> Vec<AttributeProto> {
    vec![
        ints("kernel_shape", &[kernel_size, kernel_size]),
        ints("strides", &[stride, stride]),
        ints("pads", &[pads.top, pads.left, pads.bottom, pads.right]),
    ]
}

/// Dims behind the batch.
fn nchw(shape: Shape) -> [usize; 3] {
    [shape.channels, shape.height, shape.width]
}
