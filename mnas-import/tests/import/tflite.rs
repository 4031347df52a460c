//! Files of TensorFlow Lite, written here field by field, become specs and weights.

use super::flatbuffer::{Table, Value};
use super::import;
use std::path::Path;

const INT8: u8 = 9;
const INT32: u8 = 2;
const RELU6: u8 = 3;

/// A stem, a separable convolution and a head.
struct Small {
    tensors: Vec<Table>,
    buffers: Vec<Table>,
    operators: Vec<Table>,
    codes: Vec<i32>,
}

impl Small {
    fn new() -> Self {
        let mut small = Small { tensors: vec![], buffers: vec![Table::default()], operators: vec![], codes: vec![] };
        let input = small.map("input", [1, 9, 8, 3], -1);
        let stem = small.map("stem", [1, 5, 4, 4], -128);
        let depthwise = small.map("depthwise", [1, 5, 4, 4], -128);
        let pointwise = small.map("pointwise", [1, 5, 4, 6], 3);
        let mean = small.map("mean", [1, 1, 1, 6], 3);
        let logits = small.map("logits", [1, 3], 5);
        let shares = small.map("shares", [1, 3], -128);
        let w = [
            small.weight("stem/w", &[4, 3, 3, 3], 0, 4),
            small.weight("depthwise/w", &[1, 3, 3, 4], 3, 4),
            small.weight("pointwise/w", &[6, 1, 1, 4], 0, 6),
            small.weight("logits/w", &[3, 6], 0, 1),
        ];
        let bias =
            small.constant("stem/b", &[4], INT32, [7_i32, -8, 9, -10].iter().flat_map(|it| it.to_le_bytes()), 0, 4);
        let axes = small.constant("axes", &[2], INT32, [1_i32, 2].iter().flat_map(|it| it.to_le_bytes()), 0, 0);
        let window = |stride: i32| {
            let options = Table::default().with(0, Value::Byte(0));
            options.with(1, Value::Int(stride)).with(2, Value::Int(stride))
        };
        small.operator(3, &[input, w[0], bias], stem, window(2).with(3, Value::Byte(RELU6)));
        small.operator(4, &[stem, w[1], -1], depthwise, window(1).with(3, Value::Int(1)));
        small.operator(3, &[depthwise, w[2]], pointwise, window(1));
        small.operator(40, &[pointwise, axes], mean, Table::default());
        small.operator(9, &[mean, w[3]], logits, Table::default());
        small.operator(25, &[logits], shares, Table::default());
        small
    }

    fn tensor(&mut self, name: &'static str, shape: &[i32], of: u8, buffer: usize, quantization: Table) -> i32 {
        let tensor = Table::default().with(0, Value::Ints(shape.to_vec())).with(1, Value::Byte(of));
        let tensor = tensor.with(2, Value::Int(buffer as i32)).with(3, Value::Text(name));
        self.tensors.push(tensor.with(4, Value::Table(quantization)));
        self.tensors.len() as i32 - 1
    }

    /// A map whose bytes reach from 0 to 6.
    fn map(&mut self, name: &'static str, shape: impl AsRef<[i32]>, zero: i64) -> i32 {
        self.tensor(name, shape.as_ref(), INT8, 0, quantization(vec![6.0 / 255.0], zero, 0))
    }

    fn constant(
        &mut self,
        name: &'static str,
        shape: &[i32],
        of: u8,
        data: impl Iterator<Item = u8>,
        axis: i32,
        scales: usize,
    ) -> i32 {
        self.buffers.push(Table::default().with(0, Value::Bytes(data.collect())));
        let quantization = quantization((0..scales).map(scale).collect(), 0, axis);
        self.tensor(name, shape, of, self.buffers.len() - 1, quantization)
    }

    fn weight(&mut self, name: &'static str, shape: &[i32], axis: i32, scales: usize) -> i32 {
        let count = shape.iter().product::<i32>() as usize;
        self.constant(name, shape, INT8, (0..count).map(|at| integer(at) as u8), axis, scales)
    }

    fn operator(&mut self, code: i32, inputs: &[i32], output: i32, options: Table) {
        self.codes.push(code);
        let operator = Table::default().with(0, Value::Int(self.codes.len() as i32 - 1));
        let operator = operator.with(1, Value::Ints(inputs.to_vec())).with(2, Value::Ints(vec![output]));
        self.operators.push(operator.with(4, Value::Table(options)));
    }

    fn bytes(&self) -> Vec<u8> {
        let subgraph = Table::default().with(0, Value::Tables(self.tensors.clone())).with(1, Value::Ints(vec![0]));
        let subgraph = subgraph.with(2, Value::Ints(vec![6])).with(3, Value::Tables(self.operators.clone()));
        let code = |code: &i32| Table::default().with(0, Value::Byte(*code as u8)).with(3, Value::Int(*code));
        let model =
            Table::default().with(0, Value::Int(3)).with(1, Value::Tables(self.codes.iter().map(code).collect()));
        model.with(2, Value::Tables(vec![subgraph])).with(4, Value::Tables(self.buffers.clone())).file()
    }
}

fn quantization(scales: Vec<f32>, zero: i64, axis: i32) -> Table {
    let zeros = vec![zero; scales.len()];
    let table = Table::default().with(2, Value::Floats(scales)).with(3, Value::Longs(zeros));
    table.with(6, Value::Int(axis))
}

fn integer(at: usize) -> i8 {
    (at * 37 % 255) as u8 as i8
}

fn scale(channel: usize) -> f32 {
    (channel + 1) as f32 / 128.0
}

#[test]
fn a_network_and_its_weights_are_read() {
    let imported = import(&Small::new().bytes()).unwrap();
    let text = imported.spec.to_yaml();
    for line in [
        "input: 9x8x3",
        "activation: relu6",
        "stem: {op: conv, kernel: 3, stride: 2, filters: 4}",
        "  - {op: sepconv, kernel: 3, filters: 6}",
        "head: {classes: 3}",
    ] {
        assert!(text.lines().any(|it| it == line), "{line}\n{text}");
    }
    assert_eq!(
        imported.notes,
        [
            "the SOFTMAX at the end is left out: a spec ends with logits",
            "activations that the file leaves to the range of a byte were taken for relu6: 1",
            "weights that are integers in the file were turned into float32: those of 4 layers",
        ]
    );
    // Outputs, inputs, rows, columns here; inputs last there, and of a depthwise convolution all channels.
    let compare = |name: &str, shape: [usize; 4], expected: &dyn Fn([usize; 4]) -> f32| {
        let weight = &imported.weights[name];
        assert_eq!(weight.shape, shape, "{name}");
        let [outputs, inputs, rows, columns] = shape;
        for at in 0..outputs * inputs * rows * columns {
            let place =
                [at / (inputs * rows * columns), at / (rows * columns) % inputs, at / columns % rows, at % columns];
            assert_eq!(weight.data[at], expected(place), "{name} {place:?}");
        }
    };
    compare("stem.conv.weight", [4, 3, 3, 3], &|[o, i, row, column]| {
        f32::from(integer(((o * 3 + row) * 3 + column) * 3 + i)) * scale(o)
    });
    compare("blocks.0.0.depthwise.weight", [4, 1, 3, 3], &|[c, _, row, column]| {
        f32::from(integer((row * 3 + column) * 4 + c)) * scale(c)
    });
    compare("blocks.0.0.project.weight", [6, 4, 1, 1], &|[o, i, ..]| f32::from(integer(o * 4 + i)) * scale(o));
    let classifier = &imported.weights["classifier.weight"];
    assert_eq!(classifier.shape, [3, 6]);
    assert!(classifier.data.iter().enumerate().all(|(at, value)| *value == f32::from(integer(at)) * scale(0)));
    let bias = [7.0, -8.0, 9.0, -10.0].iter().enumerate().map(|(o, bias)| bias * scale(o));
    assert_eq!(imported.weights["stem.conv.bn.bias"].data, bias.collect::<Vec<f32>>());
}

/// The file that the tests of hostile files begin with.
#[test]
fn the_committed_file_is_this_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files/small.tflite");
    let bytes = Small::new().bytes();
    if std::env::var_os("MNAS_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &bytes).unwrap();
    }
    assert!(std::fs::read(&path).unwrap() == bytes, "write it again with MNAS_BLESS=1");
}

#[test]
fn every_shortened_or_changed_file_is_refused_or_read() {
    let bytes = Small::new().bytes();
    for end in 0..bytes.len() {
        assert!(import(&bytes[..end]).is_err(), "{end}");
    }
    for at in 8..bytes.len() {
        for value in [0, 1, 0x7f, 0x80, 0xff] {
            let mut changed = bytes.clone();
            changed[at] = value;
            let _ = import(&changed);
        }
    }
}

#[test]
fn what_no_spec_has_is_named() {
    let refused = |words: &str, change: &dyn Fn(&mut Small)| {
        let mut small = Small::new();
        change(&mut small);
        let said = import(&small.bytes()).map(|imported| imported.spec.to_yaml()).unwrap_err().to_string();
        assert!(said.contains(words), "not said: {words}\n{said}");
    };
    import(&Small::new().bytes()).unwrap();
    refused("operator 36, which a spec cannot have", &|it| it.codes[3] = 36);
    refused("node 4 of 6, MEAN that makes `mean`: its operand 2 is not a constant", &|it| {
        it.operators[3].0[1] = (1, Value::Ints(vec![3]));
    });
    refused("which no operator before it makes", &|it| it.operators[0].0[1] = (1, Value::Ints(vec![5, 7])));
    refused("the file has no such tensor", &|it| it.operators[0].0[1] = (1, Value::Ints(vec![99, 7])));
    refused("its strides are (3, 3)", &|it| {
        let options = Table::default().with(1, Value::Int(3)).with(2, Value::Int(3));
        it.operators[0].0[3] = (4, Value::Table(options));
    });
    refused("its activation is number 4", &|it| {
        let options = Table::default().with(0, Value::Byte(4));
        it.operators[4].0[3] = (4, Value::Table(options));
    });
    refused("it is not the end of the network", &|it| it.operators.push(it.operators[4].clone()));
    refused("has 4 scales and 0 zero points", &|it| {
        let quantization = Table::default().with(2, Value::Floats(vec![0.5; 4])).with(3, Value::Longs(vec![]));
        it.tensors[7].0[4] = (4, Value::Table(quantization));
    });
    refused("the network has 1 inputs", &|it| it.tensors.clear());
}
