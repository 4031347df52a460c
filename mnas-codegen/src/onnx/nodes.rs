//! Operators of the Graph as operators of ONNX.

use mnas_dsl::network::{Activation, Shape};
use onnx_protobuf::GraphProto;

use super::builder::{Builder, nchw, window};
use super::proto::{Values, float, int, ints};
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
    let builder = Builder::new(graph);
    let mut exporter = Exporter { graph, weights, builder, values: vec![String::new(); graph.tensors.len()] };
    exporter.values[graph.input.0].clone_from(&graph.tensor(graph.input).name);
    for node in &graph.nodes {
        let value = exporter.node(node)?;
        exporter.values[node.output.0] = value;
    }
    let mut made_as = exporter.values[graph.output.0].clone();
    if flat {
        made_as = exporter.builder.flat(graph, made_as);
    }
    Ok(exporter.builder.finish(&made_as, output_name))
}

struct Exporter<'g> {
    graph: &'g Graph,
    weights: &'g Weights,
    builder: Builder,
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
                        self.builder.emit("Add", &add, vec![y, shortcut], vec![], &nchw(output))
                    }
                    Residual::BeforeActivation => {
                        let shortcut = shortcut();
                        let y = self.conv(name, &linear, x, output)?;
                        let sum = self.builder.emit("Add", &add, vec![y, shortcut], vec![], &nchw(output));
                        self.activation_after(&add, conv.activation, sum, output)
                    }
                }
            }
            Op::BatchNorm { param, eps } => self.batch_norm(name, param, *eps, x, output)?,
            Op::Activation(activation) => self.builder.activation(name, *activation, x, output),
            Op::Add | Op::Multiply => {
                let op_type = if node.op == Op::Add { "Add" } else { "Mul" };
                let y = self.value(node.inputs[1]);
                self.builder.emit(op_type, name, vec![x, y], vec![], &nchw(output))
            }
            Op::GlobalAveragePool => self.builder.emit("GlobalAveragePool", name, vec![x], vec![], &nchw(output)),
            Op::AveragePool { kernel_size, stride, pads } => {
                let mut attributes = window(*kernel_size, *stride, *pads);
                attributes.push(int("count_include_pad", 0));
                self.builder.emit("AveragePool", name, vec![x], attributes, &nchw(output))
            }
            Op::MaxPool { kernel_size, stride, pads } => {
                self.builder.emit("MaxPool", name, vec![x], window(*kernel_size, *stride, *pads), &nchw(output))
            }
            Op::Linear { param } => self.linear(name, param, x, input.channels, output.channels)?,
            Op::SqueezeExcite { reduce, expand } => self.squeeze_excite(name, reduce, expand, x, output)?,
        })
    }

    /// Convolution and activation; the batch norm, if there is one, is in the weights.
    fn conv(&mut self, name: &str, conv: &Conv, x: String, output: Shape) -> Result<String, ParameterError> {
        let folded = try_fold(conv, self.weights)?;
        let mut inputs = vec![
            x,
            self.builder.constant(&format!("{}.weight", conv.param), &conv.weight_shape(), Values::F32(&folded.weight)),
        ];
        if conv.has_bias() {
            inputs.push(self.builder.constant(
                &format!("{}.bias", conv.param),
                &[conv.output_channels],
                Values::F32(&folded.bias),
            ));
        }
        let mut attributes = window(conv.kernel_size, conv.stride, conv.pads);
        attributes.push(ints("dilations", &[1, 1]));
        attributes.push(int("group", if conv.depthwise { conv.input_channels } else { 1 }));
        let y = self.builder.emit("Conv", name, inputs, attributes, &nchw(output));
        Ok(self.activation_after(name, conv.activation, y, output))
    }

    /// An activation that was fused into the node `name`.
    fn activation_after(&mut self, name: &str, activation: Activation, x: String, shape: Shape) -> String {
        if activation == Activation::Linear {
            return x;
        }
        self.builder.activation(&format!("{name}/{}", activation_name(activation)), activation, x, shape)
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
            inputs.push(self.builder.constant(&format!("{param}.{suffix}"), &[output.channels], Values::F32(values)));
        }
        Ok(self.builder.emit("BatchNormalization", name, inputs, vec![float("epsilon", eps as f32)], &nchw(output)))
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
        let flat = self.builder.emit("Flatten", &format!("{name}/flatten"), vec![x], vec![int("axis", 1)], &[inputs]);
        let operands = vec![
            flat,
            self.builder.constant(&weight_name, &[outputs, inputs], Values::F32(weight)),
            self.builder.constant(&bias_name, &[outputs], Values::F32(bias)),
        ];
        Ok(self.builder.emit("Gemm", name, operands, vec![int("transB", 1)], &[outputs]))
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
        let means =
            self.builder.emit("GlobalAveragePool", &pool, vec![x.clone()], vec![], &nchw(vector(shape.channels)));
        let narrow = vector(reduce.output_channels);
        let reduced = self.conv(&format!("{name}/reduce"), reduce, means, narrow)?;
        let gate = self.conv(&format!("{name}/expand"), expand, reduced, vector(shape.channels))?;
        Ok(self.builder.emit("Mul", &format!("{name}/multiply"), vec![x, gate], vec![], &nchw(shape)))
    }

    fn value(&self, id: TensorId) -> String {
        self.values[id.0].clone()
    }
}
