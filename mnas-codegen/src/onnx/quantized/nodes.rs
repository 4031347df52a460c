//! Operators of the Graph of a network in int8 as operators of ONNX.

use mnas_dsl::network::{Activation, Shape};
use onnx_protobuf::tensor_proto::DataType;
use onnx_protobuf::{AttributeProto, GraphProto};

use super::scales::{self, Scales};
use crate::graph::{Conv, Graph, Node, Op, TensorId, activation_name};
use crate::onnx::builder::{Builder, nchw, window};
use crate::onnx::model::ExportError;
use crate::onnx::proto::{Values, int, ints};
use crate::quantized::arithmetic::Epilogue;
use crate::quantized::structure::is_wide_sum;
use crate::quantized::{Map, Quantized, conv_of};

/// Everything of the graph but its name; its result is called `output_name`, and is a vector where `flat`.
pub(super) fn export(network: &Quantized, output_name: &str, flat: bool) -> Result<GraphProto, ExportError> {
    let graph = &network.graph;
    let builder = Builder::new(graph);
    let mut exporter = Exporter { network, graph, builder, values: vec![String::new(); graph.tensors.len()] };
    let input = graph.tensor(graph.input).name.clone();
    exporter.values[graph.input.0] = exporter.quantize(&input, input.clone(), graph.input);
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

struct Exporter<'n> {
    network: &'n Quantized,
    graph: &'n Graph,
    builder: Builder,
    /// What ONNX calls a tensor of the graph: the bytes of a map, or real numbers.
    values: Vec<String>,
}

impl Exporter<'_> {
    /// Exports a node and returns the name of its result.
    fn node(&mut self, node: &Node) -> Result<String, ExportError> {
        let name = node.name.as_str();
        let from = node.inputs[0];
        let output = self.graph.shape(node.output);
        if let Some(conv) = conv_of(self.graph, node) {
            return self.conv(node, &conv);
        }
        let y = match &node.op {
            Op::GlobalAveragePool => return Ok(self.global_average(node)),
            Op::Multiply => return Ok(self.gate(node)),
            Op::Add => {
                let operands = [0, 1].map(|at| {
                    let scale = self.network.map(node.inputs[at]).scales[0];
                    self.dequantize(&format!("{name}/dequantize.{at}"), node.inputs[at], scale)
                });
                self.builder.emit("Add", name, operands.to_vec(), vec![], &nchw(output))
            }
            Op::Activation(activation) => {
                // The operand is a sum in real numbers.
                let sum = self.values[from.0].clone();
                match self.network.maps[node.output.0] {
                    Some(_) if is_limit(*activation) => sum,
                    _ => self.builder.activation(name, *activation, sum, output),
                }
            }
            Op::AveragePool { kernel_size, stride, pads } => {
                // Of equal scales the quotient alone matters, and by 1 the mean of the bytes is exact.
                let x = self.dequantize(&format!("{name}/dequantize"), from, 1.0);
                let mut attributes = window(*kernel_size, *stride, *pads);
                attributes.push(int("count_include_pad", 0));
                let mean = self.builder.emit("AveragePool", name, vec![x], attributes, &nchw(output));
                return Ok(self.quantize_by(name, mean, node.output, 1.0));
            }
            Op::MaxPool { kernel_size, stride, pads } => {
                let x = self.dequantize(&format!("{name}/dequantize"), from, scales::of_map(self.network.map(from)));
                self.builder.emit("MaxPool", name, vec![x], window(*kernel_size, *stride, *pads), &nchw(output))
            }
            Op::Conv(_) | Op::Linear { .. } | Op::BatchNorm { .. } | Op::SqueezeExcite { .. } => {
                unreachable!("`{name}` is not in a graph that is quantised")
            }
        };
        if self.network.maps[node.output.0].is_none() || is_wide_sum(self.graph, node.output) {
            return Ok(y);
        }
        Ok(self.quantize(name, y, node.output))
    }

    fn conv(&mut self, node: &Node, conv: &Conv) -> Result<String, ExportError> {
        let (name, from) = (node.name.as_str(), node.inputs[0]);
        let sums: Vec<f32> = (0..conv.output_channels).map(|o| self.network.sum_scale(conv, from, o)).collect();
        let map = self.network.maps[node.output.0].as_ref();
        let epilogue = map.map(|y| Epilogue::new(conv.activation, sums.clone(), |o| y.scale(o), y.zero));
        let to = map.zip(epilogue.as_ref());
        let is_finite = |epilogue: &Epilogue| match epilogue {
            Epilogue::Multiply { multiplier, .. } => multiplier.iter().all(|m| m.is_finite()),
            Epilogue::Activate { inverse_scale, .. } => inverse_scale.iter().all(|s| s.is_finite()),
        };
        let scales = scales::of_conv(self.network, conv, from, to);
        let Some(scales) = scales.filter(|_| epilogue.as_ref().is_none_or(is_finite)) else {
            return Err(ExportError::Scales { node: node.name.clone() });
        };
        match (&node.op, &epilogue) {
            (Op::Linear { .. }, None) => Ok(self.linear(node, conv, &scales)),
            (_, Some(Epilogue::Multiply { .. })) => {
                let output = nchw(self.graph.shape(node.output));
                let x = self.dequantize(&format!("{name}/dequantize"), from, scales.input);
                let operands = self.operands(conv, x, &conv.weight_shape(), &scales);
                let y = self.builder.emit("Conv", name, operands, attributes(conv), &output);
                Ok(self.quantize_by(name, y, node.output, scales.output))
            }
            _ => Ok(self.conv_of_sums(node, conv, &sums)),
        }
    }

    /// Weights and biases as integers with their scales, behind the input.
    fn operands(&mut self, conv: &Conv, x: String, shape: &[usize], scales: &Scales) -> Vec<String> {
        let outputs = conv.output_channels;
        let layer = &self.network.layers[&conv.param];
        let param = &conv.param;
        let weight = self.builder.constant(&format!("{param}.weight"), shape, Values::I8(&layer.weight));
        let scale = self.builder.constant(&format!("{param}.weight_scale"), &[outputs], Values::F32(&scales.weight));
        // Each layer has its own zeros: onnxruntime replaces them where it turns weights into u8.
        let zero = format!("{param}.weight_zero_point");
        let zero = self.builder.constant(&zero, &[outputs], Values::I8(&vec![0; outputs]));
        let weight = self.constants(&format!("{param}.weight/dequantize"), vec![weight, scale, zero], shape);
        let bias = self.builder.constant(&format!("{param}.bias"), &[outputs], Values::I32(&layer.bias));
        let scale = self.builder.constant(&format!("{param}.bias_scale"), &[outputs], Values::F32(&scales.bias()));
        let bias = self.constants(&format!("{param}.bias/dequantize"), vec![bias, scale], &[outputs]);
        vec![x, weight, bias]
    }

    /// Integers with one scale an output channel, as real numbers.
    fn constants(&mut self, name: &str, operands: Vec<String>, dims: &[usize]) -> String {
        self.builder.emit_constant("DequantizeLinear", name, operands, vec![int("axis", 0)], dims)
    }

    /// The fully connected layer at the end.
    fn linear(&mut self, node: &Node, conv: &Conv, scales: &Scales) -> String {
        let (name, from) = (node.name.as_str(), node.inputs[0]);
        let flat = format!("{name}/flatten");
        let bytes = vec![self.values[from.0].clone()];
        self.values[from.0] = self.builder.emit_as(
            DataType::UINT8,
            "Flatten",
            &flat,
            bytes,
            vec![int("axis", 1)],
            &[conv.input_channels],
        );
        let x = self.dequantize_shaped(&format!("{name}/dequantize"), from, scales.input, &[conv.input_channels]);
        let operands = self.operands(conv, x, &[conv.output_channels, conv.input_channels], scales);
        self.builder.emit("Gemm", name, operands, vec![int("transB", 1)], &[conv.output_channels])
    }

    /// A convolution whose sums become real numbers, for an activation or the output.
    fn conv_of_sums(&mut self, node: &Node, conv: &Conv, sum_scale: &[f32]) -> String {
        let (name, from, outputs) = (node.name.as_str(), node.inputs[0], conv.output_channels);
        let shape = self.graph.shape(node.output);
        let dims = nchw(shape);
        let layer = &self.network.layers[&conv.param];
        let param = &conv.param;
        let x = self.values[from.0].clone();
        let zero = self.zero_point(from);
        let weight = self.builder.constant(&format!("{param}.weight"), &conv.weight_shape(), Values::I8(&layer.weight));
        let products = format!("{name}/integer");
        let products = self.builder.emit_as(
            DataType::INT32,
            "ConvInteger",
            &products,
            vec![x, weight, zero],
            attributes(conv),
            &dims,
        );
        let bias = self.builder.constant(&format!("{param}.bias"), &[1, outputs, 1, 1], Values::I32(&layer.bias));
        let sums = format!("{name}/sum");
        let sums = self.builder.emit_as(DataType::INT32, "Add", &sums, vec![products, bias], vec![], &dims);
        let scale = self.builder.constant(&format!("{param}.sum_scale"), &[outputs], Values::F32(sum_scale));
        let mut y = self.builder.emit("DequantizeLinear", name, vec![sums, scale], vec![int("axis", 1)], &dims);
        if conv.activation != Activation::Linear {
            let activation = format!("{name}/{}", activation_name(conv.activation));
            y = self.builder.activation(&activation, conv.activation, y, shape);
        }
        let Some(map) = &self.network.maps[node.output.0] else { return y };
        let scale = scales::of_map(map);
        if map.by_channel() {
            // The quantiser's scale is a power of two, so together they multiply by one over the channel's scale.
            let factors: Vec<f32> = map.scales.iter().map(|s| 1.0 / s * scale).collect();
            y = self.scaled(&format!("{name}/scale"), y, &factors, shape);
        }
        self.quantize_by(name, y, node.output, scale)
    }

    fn global_average(&mut self, node: &Node) -> String {
        let (name, from) = (node.name.as_str(), node.inputs[0]);
        let (input, output) = (self.graph.shape(from), self.graph.shape(node.output));
        let x = self.network.map(from).clone();
        let count = input.pixels() as f32;
        let Some(y) = self.network.maps[node.output.0].clone() else {
            let pixels = self.dequantize_real(&format!("{name}/dequantize"), from);
            return self.builder.emit("GlobalAveragePool", name, vec![pixels], vec![], &nchw(output));
        };
        if !x.by_channel() && !y.by_channel() {
            let pixels = self.dequantize(&format!("{name}/dequantize"), from, x.scales[0]);
            let mean = self.builder.emit("GlobalAveragePool", name, vec![pixels], vec![], &nchw(output));
            return self.quantize(name, mean, node.output);
        }
        // Sums of bytes are integers that `f32` holds, and each channel has its multiplier.
        let pixels = self.dequantize(&format!("{name}/dequantize"), from, 1.0);
        let axes = self.builder.constant("rows_and_columns", &[2], Values::I64(&[2, 3]));
        let sum = format!("{name}/sum");
        let sum = self.builder.emit("ReduceSum", &sum, vec![pixels, axes], vec![int("keepdims", 1)], &nchw(output));
        let factors: Vec<f32> = (0..output.channels).map(|c| x.scale(c) / (y.scale(c) * count) * exact(&y)).collect();
        let mean = self.scaled(name, sum, &factors, output);
        self.quantize_by(name, mean, node.output, exact(&y))
    }

    /// A map times its gate.
    fn gate(&mut self, node: &Node) -> String {
        let (name, from, gate) = (node.name.as_str(), node.inputs[0], node.inputs[1]);
        let output = self.graph.shape(node.output);
        let (x, y) = (self.network.map(from).clone(), self.network.map(node.output).clone());
        let by = self.network.map(gate).scales[0];
        let is_plain = !x.by_channel() && !y.by_channel();
        let (a, b) = if is_plain { (x.scales[0], by) } else { (1.0, 1.0) };
        let operands = vec![
            self.dequantize(&format!("{name}/dequantize.0"), from, a),
            self.dequantize(&format!("{name}/dequantize.1"), gate, b),
        ];
        if is_plain {
            let product = self.builder.emit("Mul", name, operands, vec![], &nchw(output));
            return self.quantize(name, product, node.output);
        }
        // Products of bytes are integers that `f32` holds, and each channel has its multiplier.
        let product = self.builder.emit("Mul", &format!("{name}/product"), operands, vec![], &nchw(output));
        let factors: Vec<f32> = (0..output.channels).map(|c| x.scale(c) * by / y.scale(c) * exact(&y)).collect();
        let scaled = self.scaled(name, product, &factors, output);
        self.quantize_by(name, scaled, node.output, exact(&y))
    }

    /// `x` times one factor a channel.
    fn scaled(&mut self, name: &str, x: String, factors: &[f32], shape: Shape) -> String {
        let factors =
            self.builder.constant(&format!("{name}.factors"), &[1, factors.len(), 1, 1], Values::F32(factors));
        self.builder.emit("Mul", name, vec![x, factors], vec![], &nchw(shape))
    }

    /// Real numbers to the bytes of a map, by the scale that its map has in files.
    fn quantize(&mut self, name: &str, x: String, to: TensorId) -> String {
        let scale = scales::of_map(self.network.map(to));
        self.quantize_by(name, x, to, scale)
    }

    /// Real numbers in units that `scale` says to the bytes of a map.
    fn quantize_by(&mut self, name: &str, x: String, to: TensorId, scale: f32) -> String {
        let (scale, zero) = (self.scale(to, scale), self.zero_point(to));
        let dims = nchw(self.graph.shape(to));
        self.builder.emit_as(
            DataType::UINT8,
            "QuantizeLinear",
            &format!("{name}/quantize"),
            vec![x, scale, zero],
            vec![],
            &dims,
        )
    }

    /// The bytes of a map as numbers of this scale.
    fn dequantize(&mut self, name: &str, from: TensorId, scale: f32) -> String {
        let dims = nchw(self.graph.shape(from));
        self.dequantize_shaped(name, from, scale, &dims)
    }

    fn dequantize_shaped(&mut self, name: &str, from: TensorId, scale: f32, dims: &[usize]) -> String {
        let operands = vec![self.values[from.0].clone(), self.scale(from, scale), self.zero_point(from)];
        self.builder.emit("DequantizeLinear", name, operands, vec![], dims)
    }

    /// The real values of a map.
    fn dequantize_real(&mut self, name: &str, from: TensorId) -> String {
        let map: &Map = self.network.map(from);
        if !map.by_channel() {
            return self.dequantize(name, from, map.scales[0]);
        }
        let channels = map.scales.len();
        let scale = self.builder.constant(&format!("{name}.scale"), &[channels], Values::F32(&map.scales));
        let zeros = vec![map.zero; channels];
        let zero = self.builder.constant(&format!("{name}.zero_point"), &[channels], Values::U8(&zeros));
        let dims = nchw(self.graph.shape(from));
        let operands = vec![self.values[from.0].clone(), scale, zero];
        self.builder.emit("DequantizeLinear", name, operands, vec![int("axis", 1)], &dims)
    }

    /// A scale of a map as a constant: the map's own in files, or one that an operator needs.
    fn scale(&mut self, id: TensorId, scale: f32) -> String {
        let is_own = scale == scales::of_map(self.network.map(id));
        let name = if is_own { format!("{}.scale", self.graph.tensor(id).name) } else { format!("scale.{scale:e}") };
        self.builder.constant(&name, &[], Values::F32(&[scale]))
    }

    fn zero_point(&mut self, id: TensorId) -> String {
        let name = format!("{}.zero_point", self.graph.tensor(id).name);
        self.builder.constant(&name, &[], Values::U8(&[self.network.map(id).zero]))
    }
}

/// The scale of a quantiser behind factors that lead to bytes already: any power of two.
fn exact(y: &Map) -> f32 {
    if y.by_channel() { scales::of_map(y) } else { 1.0 }
}

/// Whether the limits of the byte are the activation.
fn is_limit(activation: Activation) -> bool {
    matches!(activation, Activation::Linear | Activation::Relu | Activation::Relu6)
}

fn attributes(conv: &Conv) -> Vec<AttributeProto> {
    let mut attributes = window(conv.kernel_size, conv.stride, conv.pads);
    attributes.push(ints("dilations", &[1, 1]));
    attributes.push(int("group", if conv.depthwise { conv.input_channels } else { 1 }));
    attributes
}
