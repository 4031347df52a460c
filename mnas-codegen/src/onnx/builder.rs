//! A graph of ONNX as it grows: nodes, constants, the shapes of values.

use mnas_dsl::network::{Activation, Pads, Shape};
use onnx_protobuf::tensor_proto::DataType;
use onnx_protobuf::{AttributeProto, GraphProto, NodeProto, ValueInfoProto};

use super::proto::{BATCH, Values, float, initializer, int, ints, value_info};
use crate::graph::{Graph, Op};

pub(super) struct Builder {
    proto: GraphProto,
}

impl Builder {
    /// No nodes yet; the input is the graph's, in f32.
    pub(super) fn new(graph: &Graph) -> Self {
        let input =
            value_info(&graph.tensor(graph.input).name, DataType::FLOAT, Some(BATCH), &nchw(graph.shape(graph.input)));
        Builder { proto: GraphProto { input: vec![input], ..Default::default() } }
    }

    /// The graph, whose output is the value `made_as` under another name.
    pub(super) fn finish(self, made_as: &str, name: &str) -> GraphProto {
        let mut proto = self.proto;
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

    /// The network's output, the value `made_as`, as a vector.
    pub(super) fn flat(&mut self, graph: &Graph, made_as: String) -> String {
        if graph.nodes.last().is_some_and(|node| matches!(node.op, Op::Linear { .. })) {
            return made_as;
        }
        // Logits that a convolution made and a pool gathered.
        let name = format!("{made_as}/flatten");
        let len = graph.shape(graph.output).len();
        self.emit("Flatten", &name, vec![made_as], vec![int("axis", 1)], &[len])
    }

    /// An activation in f32.
    pub(super) fn activation(&mut self, name: &str, activation: Activation, x: String, shape: Shape) -> String {
        let dims = nchw(shape);
        match activation {
            Activation::Linear => self.emit("Identity", name, vec![x], vec![], &dims),
            Activation::Relu => self.emit("Relu", name, vec![x], vec![], &dims),
            Activation::Relu6 => {
                let low = self.constant("relu6.min", &[], Values::F32(&[0.0]));
                let high = self.constant("relu6.max", &[], Values::F32(&[6.0]));
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

    /// Adds a node whose only result, in f32, has its name and these dims behind the batch.
    pub(super) fn emit(
        &mut self,
        op_type: &str,
        name: &str,
        input: Vec<String>,
        attribute: Vec<AttributeProto>,
        dims: &[usize],
    ) -> String {
        self.emit_as(DataType::FLOAT, op_type, name, input, attribute, dims)
    }

    /// [`Builder::emit`] with a result of another type.
    pub(super) fn emit_as(
        &mut self,
        data_type: DataType,
        op_type: &str,
        name: &str,
        input: Vec<String>,
        attribute: Vec<AttributeProto>,
        dims: &[usize],
    ) -> String {
        let batch = Some(BATCH);
        self.push(value_info(name, data_type, batch, dims), op_type, input, attribute)
    }

    /// [`Builder::emit`] for a node of constants, whose result has no batch.
    pub(super) fn emit_constant(
        &mut self,
        op_type: &str,
        name: &str,
        input: Vec<String>,
        attribute: Vec<AttributeProto>,
        dims: &[usize],
    ) -> String {
        self.push(value_info(name, DataType::FLOAT, None, dims), op_type, input, attribute)
    }

    fn push(
        &mut self,
        result: ValueInfoProto,
        op_type: &str,
        input: Vec<String>,
        attribute: Vec<AttributeProto>,
    ) -> String {
        let name = result.name.clone();
        self.proto.value_info.push(result);
        self.proto.node.push(NodeProto {
            name: name.clone(),
            op_type: op_type.to_owned(),
            input,
            output: vec![name.clone()],
            attribute,
            ..Default::default()
        });
        name
    }

    /// Adds an initialiser, unless there is one of this name, and returns its name.
    pub(super) fn constant(&mut self, name: &str, dims: &[usize], values: Values) -> String {
        if self.proto.initializer.iter().all(|constant| constant.name != name) {
            self.proto.initializer.push(initializer(name, dims, values));
        }
        name.to_owned()
    }
}

pub(super) fn window(kernel_size: usize, stride: usize, pads: Pads) -> Vec<AttributeProto> {
    vec![
        ints("kernel_shape", &[kernel_size, kernel_size]),
        ints("strides", &[stride, stride]),
        ints("pads", &[pads.top, pads.left, pads.bottom, pads.right]),
    ]
}

/// Dims behind the batch.
pub(super) fn nchw(shape: Shape) -> [usize; 3] {
    [shape.channels, shape.height, shape.width]
}
