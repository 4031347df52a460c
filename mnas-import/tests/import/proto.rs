//! Protocol buffers byte by byte, right ones and wrong ones.

/// A message in the making.
#[derive(Clone, Default)]
pub(super) struct Message(pub(super) Vec<u8>);

impl Message {
    pub(super) fn varint(mut self, field: u64, value: u64) -> Self {
        self.push_varint(field << 3);
        self.push_varint(value);
        self
    }

    pub(super) fn bytes(mut self, field: u64, bytes: &[u8]) -> Self {
        self.push_varint(field << 3 | 2);
        self.push_varint(bytes.len() as u64);
        self.0.extend(bytes);
        self
    }

    pub(super) fn text(self, field: u64, text: &str) -> Self {
        self.bytes(field, text.as_bytes())
    }

    pub(super) fn message(self, field: u64, message: &Message) -> Self {
        self.bytes(field, &message.0)
    }

    fn push_varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}

/// `ModelProto` with opset 17.
pub(super) fn model(graph: &Message) -> Vec<u8> {
    Message::default().varint(1, 8).message(7, graph).message(8, &Message::default().varint(2, 17)).0
}

/// A graph with an input of 1 x channels x 16 x 16 called `x`, and an output.
pub(super) fn graph(channels: u64, output: &str) -> Message {
    let mut shape = Message::default();
    for dim in [1, channels, 16, 16] {
        shape = shape.message(1, &Message::default().varint(1, dim));
    }
    let tensor = Message::default().varint(1, 1).message(2, &shape);
    let input = Message::default().text(1, "x").message(2, &Message::default().message(1, &tensor));
    Message::default().message(11, &input).message(12, &Message::default().text(1, output))
}

/// A constant of floats.
pub(super) fn floats(name: &str, dims: &[u64], values: &[f32]) -> Message {
    let data: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    tensor(name, dims, 1).bytes(9, &data)
}

/// A constant without data.
pub(super) fn tensor(name: &str, dims: &[u64], data_type: u64) -> Message {
    let named = Message::default().text(8, name).varint(2, data_type);
    dims.iter().fold(named, |message, &dim| message.varint(1, dim))
}

/// A node called after its output.
pub(super) fn node(op_type: &str, inputs: &[&str], output: &str, attributes: &[Message]) -> Message {
    let named = Message::default().text(2, output).text(3, &format!("the {output}")).text(4, op_type);
    let read = inputs.iter().fold(named, |message, input| message.text(1, input));
    attributes.iter().fold(read, |message, attribute| message.message(5, attribute))
}

/// An attribute of whole numbers.
pub(super) fn ints(name: &str, values: &[u64]) -> Message {
    let named = Message::default().text(1, name).varint(20, 7);
    values.iter().fold(named, |message, &value| message.varint(8, value))
}

/// An attribute of one whole number.
pub(super) fn int(name: &str, value: u64) -> Message {
    Message::default().text(1, name).varint(20, 2).varint(3, value)
}

/// An attribute of text.
pub(super) fn text(name: &str, value: &str) -> Message {
    Message::default().text(1, name).varint(20, 3).text(4, value)
}

/// A network of a stem, a separable convolution and a head, whose parts can be exchanged: constants, and nodes.
#[derive(Clone)]
pub(super) struct Small {
    pub(super) constants: Vec<Message>,
    pub(super) nodes: Vec<Message>,
}

impl Small {
    pub(super) fn new() -> Self {
        let pads = || ints("pads", &[1, 1, 1, 1]);
        let constants = vec![
            floats("stem", &[8, 3, 3, 3], &[0.1; 216]),
            floats("depthwise", &[8, 1, 3, 3], &[0.2; 72]),
            floats("pointwise", &[16, 8, 1, 1], &[0.3; 128]),
            floats("classifier", &[4, 16], &[0.4; 64]),
        ];
        let nodes = vec![
            node("Conv", &["x", "stem"], "a", &[pads()]),
            node("Relu", &["a"], "b", &[]),
            node("Conv", &["b", "depthwise"], "c", &[pads(), int("group", 8)]),
            node("Relu", &["c"], "d", &[]),
            node("Conv", &["d", "pointwise"], "e", &[]),
            node("GlobalAveragePool", &["e"], "f", &[]),
            node("Flatten", &["f"], "g", &[]),
            node("Gemm", &["g", "classifier"], "y", &[int("transB", 1)]),
        ];
        Small { constants, nodes }
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let graph = self.constants.iter().fold(graph(3, "y"), |graph, constant| graph.message(5, constant));
        model(&self.nodes.iter().fold(graph, |graph, node| graph.message(1, node)))
    }
}
