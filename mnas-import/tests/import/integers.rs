//! Files in integers, as onnxruntime writes them, become the spec that they were made of, and weights whose values are
//! those of numpy.

use super::exports::python_with_onnxruntime;
use super::proto::{Message, Small, floats, int, node, tensor};
use super::{block, import, logits};
use mnas_codegen::compile::fused_graph;
use mnas_codegen::onnx::{Metadata, export};
use mnas_codegen::weights::random;
use mnas_dsl::network::{Network, Shape};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

const NETWORKS: [&str; 3] = [
    "
name: relu6
input: 29x26x3
padding: same
activation: relu6
squeeze_excite: {of: expanded, activation: relu6, gate: sigmoid}
stem: {op: conv, kernel: 3, stride: 2, filters: 10}
blocks:
  - {op: sepconv, kernel: 3, filters: 9, layers: 2}
  - {op: mbconv, expand: 3, kernel: 5, filters: 9, layers: 2}
  - {op: mbconv, expand: 2, kernel: 3, stride: 2, filters: 12, se: 0.25}
  - {op: fused_mbconv, expand: 2, kernel: 3, filters: 12, layers: 2}
head: {filters: 24, classes: 7}
",
    "
name: relu
input: 25x25x3
padding: symmetric
activation: relu
stem: {op: conv, kernel: 3, stride: 2, filters: 12}
blocks:
  - {op: max_pool, kernel: 3, stride: 2}
  - {op: bottleneck, kernel: 3, filters: 20, layers: 2}
  - {op: mbconv, expand: 3, kernel: 3, filters: 16}
head: {classes: 5}
",
    "
name: smooth
input: 26x23x3
padding: same
activation: hard_swish
squeeze_excite: {of: expanded, activation: relu, gate: hard_sigmoid}
stem: {op: conv, kernel: 3, stride: 2, filters: 12}
blocks:
  - {op: sepconv, kernel: 3, filters: 12, activation: relu}
  - {op: mbconv, expand: 3, kernel: 5, filters: 12, se: 0.25, layers: 2}
  - {op: mbconv, expand: 2, kernel: 3, stride: 2, filters: 16, activation: swish}
head: {hidden: 24, classes: 6}
",
];

fn network(yaml: &str) -> Network {
    let (_, network) = mnas_dsl::load_yaml(yaml, "test.yaml").unwrap_or_else(|e| panic!("{e:?}"));
    network
}

fn image(network: &Network, seed: usize) -> Vec<f32> {
    // Large enough for relu6 to end at 6.
    let value = |i: usize| ((i * 2_654_435_761) % 1_000_003) as f32 / 100_000.3 - 5.0;
    (0..network.input.len()).map(|i| value(i + seed * 7919)).collect()
}

fn chw(values: &[f32], shape: Shape) -> Vec<f32> {
    (0..shape.channels).flat_map(|c| values.iter().skip(c).step_by(shape.channels).copied()).collect()
}

fn bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn values(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

#[test]
fn networks_come_back() {
    let Some(python) = python_with_onnxruntime() else { return };
    for yaml in NETWORKS {
        let network = network(yaml);
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("integers_{}", network.name));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let metadata = Metadata { mnas_version: String::new(), spec_hash: String::new() };
        let model = export(&fused_graph(&network), &network, &random(&network, 3), &metadata).unwrap();
        let (path, inputs) = (folder.join("float.onnx"), folder.join("inputs"));
        fs::write(&path, model).unwrap();
        let images: Vec<f32> = (0..6).flat_map(|seed| chw(&image(&network, seed), network.input)).collect();
        fs::write(&inputs, bytes(&images)).unwrap();
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/import/quantize.py");
        let said = Command::new(&python).arg(script).args([&path, &inputs, &folder]).output().unwrap();
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
        let forms = String::from_utf8(said.stdout).unwrap();
        assert_eq!(forms.lines().count(), 10, "{forms}");
        for form in forms.lines() {
            check(&network, &folder, form);
        }
    }
}

fn check(network: &Network, folder: &std::path::Path, form: &str) {
    let name = format!("{} {form}", network.name);
    let imported = import(&fs::read(folder.join(format!("{form}.onnx"))).unwrap());
    let imported = imported.unwrap_or_else(|error| panic!("{name}: {error}"));
    let (found, expected): (Vec<_>, Vec<_>) =
        (imported.network.layers.iter().map(block).collect(), network.layers.iter().map(block).collect());
    assert_eq!(found, expected, "{name}\n{}", imported.spec.to_yaml());
    assert_eq!(imported.network.head, network.head, "{name}");
    assert!(imported.notes.iter().any(|note| note.contains("integers in the file")), "{:?}", imported.notes);

    // Names are those of the float file; convolutions with a batch norm had it folded into them.
    let mut count = 0;
    for entry in fs::read_dir(folder.join(format!("{form}.weights"))).unwrap() {
        let path = entry.unwrap().path();
        let parameter = path.file_name().unwrap().to_str().unwrap();
        let normed = parameter.strip_suffix(".bias").map(|prefix| format!("{prefix}.bn.bias"));
        let found = imported.weights.get(parameter).or_else(|| imported.weights.get(&normed?));
        let found = found.unwrap_or_else(|| panic!("{name} has no {parameter}"));
        let expected = values(&fs::read(&path).unwrap());
        assert_eq!(found.data.len(), expected.len(), "{name} {parameter}");
        for (at, (found, expected)) in found.data.iter().zip(&expected).enumerate() {
            assert_eq!(found, expected, "{name} {parameter} [{at}]");
        }
        count += 1;
    }
    assert!(count >= 9, "{name}: {count} constants");

    let theirs = values(&fs::read(folder.join(format!("{form}.logits"))).unwrap());
    let ours = logits(&imported.network, &imported.weights, &image(network, 0));
    let (mut signal, mut noise) = (0.0, 0.0);
    for (theirs, ours) in theirs.iter().zip(&ours) {
        signal += ours * ours;
        noise += (f64::from(*theirs) - ours).powi(2);
    }
    // What rounding maps to bytes loses; weights of 8 bits without such maps lose nothing.
    let limit = if form == "weights_only" { 1e-9 } else { 0.1 };
    assert!(noise <= limit * signal, "{name}: {ours:?} {theirs:?}");
}

/// A small file whose first convolution's weights are these integers with these scales, and what follows it.
struct Integers {
    weight: Message,
    scales: Message,
    axis: u64,
    /// Between the first activation and what reads it.
    nodes: Vec<Message>,
}

impl Integers {
    fn new() -> Self {
        let data: Vec<u8> = (0..216_u8).collect();
        let weight = tensor("stem.q", &[8, 3, 3, 3], 3).bytes(9, &data);
        let scales: Vec<f32> = (1..9_u8).map(|o| f32::from(o) / 64.0).collect();
        Integers {
            weight,
            scales: floats("scale", &[8], &scales),
            axis: 0,
            nodes: vec![
                node("QuantizeLinear", &["a", "step", "zero"], "bytes", &[]),
                node("DequantizeLinear", &["bytes", "step", "zero"], "b", &[]),
            ],
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut small = Small::new();
        small.constants[0] = self.weight.clone();
        small.constants.push(self.scales.clone());
        small.constants.push(floats("step", &[], &[0.25]));
        small.constants.push(floats("other", &[], &[0.5]));
        small.constants.push(floats("nothing", &[], &[0.0]));
        small.constants.push(tensor("empty", &[0, 1 << 40, 1 << 40], 3).bytes(9, &[]));
        small.constants.push(tensor("zero", &[], 2).bytes(9, &[0]));
        small.nodes.splice(1..2, self.nodes.clone());
        small.nodes.insert(0, node("DequantizeLinear", &["stem.q", "scale"], "stem", &[int("axis", self.axis)]));
        small.bytes()
    }
}

#[test]
fn integers_are_multiplied_by_the_scale_of_their_channel() {
    let imported = import(&Integers::new().bytes()).unwrap();
    let weight = &imported.weights["stem.conv.weight"];
    for (at, value) in weight.data.iter().enumerate() {
        let (channel, integer) = (at / 27, at as u8 as i8);
        assert_eq!(*value, f32::from(integer) * (channel + 1) as f32 / 64.0, "{at}");
    }
    assert_eq!(
        imported.notes,
        [
            "activations that the file leaves to the range of a byte were taken for relu: 1",
            "weights that are integers in the file were turned into float32: those of 1 layers"
        ]
    );
}

#[test]
fn faults_are_named() {
    import(&Integers::new().bytes()).unwrap();
    let refused = |words: &str, change: &dyn Fn(&mut Integers)| {
        let mut integers = Integers::new();
        change(&mut integers);
        let said = import(&integers.bytes()).map(|imported| imported.spec.to_yaml()).unwrap_err().to_string();
        assert!(said.contains(words), "not said: {words}\n{said}");
    };
    refused("of shape [8, 3, 3, 3] has 3 scales; it needs one, or one a channel", &|it| {
        it.scales = floats("scale", &[3], &[0.5; 3]);
    });
    refused("has 8 scales; it needs one, or one a channel", &|it| it.axis = 9);
    refused("has 8 scales; it needs one, or one a channel", &|it| it.axis = 1);
    refused("has 100 values for its shape [8, 3, 3, 3]", &|it| {
        it.weight = tensor("stem.q", &[8, 3, 3, 3], 3).bytes(9, &[1; 100]);
    });
    refused("has elements of type UINT16; integers have 8, 32 or 64 bits", &|it| {
        it.weight = tensor("stem.q", &[8, 3, 3, 3], 4).bytes(9, &[1; 432]);
    });
    // Nothing, in a shape whose parts are too large to multiply.
    refused("one of its operands is not a feature map", &|it| {
        it.nodes.insert(0, node("DequantizeLinear", &["empty", "step"], "e", &[]));
        it.nodes[2] = node("Mul", &["bytes", "e"], "b", &[]);
    });
    refused("it takes bytes of scale 0.25 for those of scale 0.5", &|it| {
        it.nodes[1] = node("DequantizeLinear", &["bytes", "other", "zero"], "b", &[]);
    });
    refused("the scale of its map is not a positive constant", &|it| {
        it.nodes[0] = node("QuantizeLinear", &["a", "nothing", "zero"], "bytes", &[]);
    });
    refused("the scale of its map is not a positive constant", &|it| {
        it.nodes[0] = node("QuantizeLinear", &["a", "x", "zero"], "bytes", &[]);
    });
    refused("the zero point of its map is not a constant byte", &|it| {
        it.nodes[0] = node("QuantizeLinear", &["a", "step", "other"], "bytes", &[]);
    });
    refused("the network's input is bytes", &|it| {
        it.nodes[0] = node("DequantizeLinear", &["x", "step", "zero"], "bytes", &[]);
    });
    refused("its operand 1 is a constant", &|it| {
        it.nodes[0] = node("QuantizeLinear", &["step", "step", "zero"], "bytes", &[]);
    });
    refused("block_size", &|it| {
        it.nodes[1] = node("DequantizeLinear", &["bytes", "step", "zero"], "b", &[int("block_size", 16)]);
    });
    refused("it dequantises real numbers", &|it| {
        it.nodes[1] = node("DequantizeLinear", &["stem", "step", "zero"], "b", &[]);
    });
}
