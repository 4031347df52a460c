//! Exported int8 networks in onnxruntime, every map of bytes against the executor.
//!
//! The Python that has onnx and onnxruntime is named by `MNAS_PYTHON` (default `python3`).

use mnas_codegen::graph::{Node, Op};
use mnas_codegen::onnx::{Metadata, export_quantized};
use mnas_codegen::quantized::arithmetic::Epilogue;
use mnas_codegen::quantized::structure::{Role, roles};
use mnas_codegen::quantized::{self, Quantized, Value, conv_of};
use mnas_codegen::weights::random;
use mnas_dsl::network::{Activation, Network, Shape};
use mnas_quantize::{Observations, Options, quantize};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Limits of bytes are the only activations.
const RELU: &str = "
name: relu
input: 29x26x3
padding: same
activation: relu6
stem: {op: conv, kernel: 3, stride: 2, filters: 10}
blocks:
  - {op: sepconv, kernel: 3, filters: 9, layers: 2}
  - {op: mbconv, expand: 3, kernel: 5, filters: 9, layers: 2}
  - {op: mbconv, expand: 2, kernel: 3, stride: 2, filters: 12, activation: relu}
  - {op: fused_mbconv, expand: 2, kernel: 3, filters: 12, layers: 2}
  - {op: conv, kernel: 3, filters: 12, skip: pool}
  - {op: max_pool, kernel: 3, stride: 2}
  - {op: bottleneck, kernel: 3, filters: 20, layers: 2}
head: {filters: 24, classes: 7}
";

/// Squeeze-excite with relu around it.
const GATES: &str = "
name: gates
input: 21x24x3
padding: symmetric
activation: relu
squeeze_excite: {of: expanded, activation: relu, gate: hard_sigmoid}
stem: {op: conv, kernel: 3, stride: 2, filters: 12}
blocks:
  - {op: sepconv, kernel: 3, filters: 12, se: 0.25}
  - {op: mbconv, expand: 3, kernel: 5, filters: 12, se: 0.25, layers: 2}
head: {classes: 5}
";

/// Activations that are computed on sums.
const SMOOTH: &str = "
name: smooth
input: 26x23x3
padding: same
activation: hard_swish
squeeze_excite: {of: expanded, activation: relu, gate: sigmoid}
stem: {op: conv, kernel: 3, stride: 2, filters: 12}
blocks:
  - {op: sepconv, kernel: 3, filters: 12}
  - {op: mbconv, expand: 3, kernel: 5, filters: 12, se: 0.25, layers: 2}
  - {op: mbconv, expand: 2, kernel: 3, stride: 2, filters: 16, activation: swish, se: 0.25}
  - {op: bottleneck, kernel: 3, filters: 20}
  - {op: mbconv, expand: 2, kernel: 3, filters: 20, skip: pool, activation: swish}
head: {filters: 32, hidden: 24, classes: 6}
";

/// A network that ends with a map.
const FEATURES: &str = "
name: features
input: 24x24x3
stem: {op: conv, kernel: 3, stride: 2, filters: 8}
blocks:
  - {op: mbconv, expand: 3, kernel: 3, stride: 2, filters: 12}
  - {op: mbconv, expand: 3, kernel: 3, filters: 12, skip: none}
head: none
";

/// A network that ends with a sum, and one that ends with an activation of a sum.
const ENDS: [&str; 2] = ["{op: conv, kernel: 3, filters: 8}", "{op: bottleneck, kernel: 3, filters: 8}"];

fn network(yaml: &str) -> Network {
    let (_, network) = mnas_dsl::load_yaml(yaml, "test.yaml").unwrap_or_else(|e| panic!("{e:?}"));
    network
}

fn shipped(name: &str, size: usize) -> Network {
    let path = format!("{}/../specs/{name}.yaml", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    network(&text.replace("\ninput: 224x224x3\n", &format!("\ninput: {size}x{size}x3\n")))
}

fn images(network: &Network, count: usize) -> Vec<Vec<f32>> {
    let value = |i: usize| ((i * 2_654_435_761) % 1_000_003) as f32 / 500_001.5 - 1.0;
    (0..count).map(|n| (0..network.input.len()).map(|i| value(i + n * 7919)).collect()).collect()
}

fn quantized(network: &Network, by_channel: bool) -> Quantized {
    let weights = random(network, 5);
    let graph = quantized::graph(network);
    let images = images(network, 4);
    let mut observations = Observations::new(&graph);
    images.iter().for_each(|image| observations.add(&graph, &weights, image).unwrap());
    let options = Options { by_channel, rounding: false, ..Options::default() };
    quantize(&graph, &weights, &observations, &images[..1], &options).unwrap()
}

/// The Python to run checks with; `None` where it has no onnxruntime, which is a failure where `CI` is set.
fn python() -> Option<String> {
    let python = std::env::var("MNAS_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let found = Command::new(&python).args(["-c", "import numpy, onnx, onnxruntime"]).output();
    if found.is_ok_and(|output| output.status.success()) {
        return Some(python);
    }
    assert!(std::env::var_os("CI").is_none(), "{python} cannot import numpy, onnx and onnxruntime");
    let _ = writeln!(
        std::io::stderr(),
        "skipped: {python} cannot import numpy, onnx and onnxruntime (MNAS_PYTHON names another)"
    );
    None
}

fn metadata() -> Metadata {
    Metadata { mnas_version: "1.2.3".to_owned(), spec_hash: "0123abcd".to_owned() }
}

/// What onnxruntime has to make of a node's operands.
fn kind(network: &Quantized, node: &Node) -> &'static str {
    let y = network.map(node.output);
    if let Some(conv) = conv_of(&network.graph, node) {
        let epilogue = Epilogue::new(conv.activation, vec![1.0; conv.output_channels], |o| y.scale(o), y.zero);
        return if matches!(epilogue, Epilogue::Multiply { .. }) { "equal" } else { "step" };
    }
    let x = network.maps[node.inputs[0].0].as_ref();
    match &node.op {
        Op::Add => "sum",
        Op::Activation(Activation::Relu | Activation::Relu6) => "sum",
        Op::Activation(_) => "step",
        // Its zero point is added before rounding.
        Op::Multiply if y.zero != 0 && !x.is_some_and(|x| x.by_channel() || y.by_channel()) => "step",
        _ => "equal",
    }
}

fn chw<T: Copy>(values: &[T], shape: Shape) -> Vec<T> {
    let channel = |c: usize| values.iter().skip(c).step_by(shape.channels).copied();
    (0..shape.channels).flat_map(channel).collect()
}

/// Writes what the executor makes of two images.
fn write_expected(network: &Quantized, images: &[Vec<f32>], folder: &Path) {
    std::fs::create_dir_all(folder).unwrap();
    let graph = &network.graph;
    let runs: Vec<_> = images.iter().map(|image| quantized::run(network, image, |_| true)).collect();
    let mut lines = String::new();
    let mut count = 0;
    let makers = graph.nodes.iter().map(|node| (node.output, Some(node)));
    for (id, node) in [(graph.input, None)].into_iter().chain(makers) {
        if network.maps[id.0].is_none() {
            continue;
        }
        let shape = graph.shape(id);
        let bytes: Vec<u8> = runs.iter().flat_map(|values| chw(values[&id].bytes(), shape)).collect();
        std::fs::write(folder.join(format!("{count}.map")), bytes).unwrap();
        count += 1;
        let kind = node.map_or("equal", |node| kind(network, node));
        let name = &graph.tensor(id).name;
        writeln!(lines, "{kind} {}x{}x{} {name}/quantize", shape.channels, shape.height, shape.width).unwrap();
    }
    std::fs::write(folder.join("maps.txt"), lines).unwrap();
    let floats = |values: Vec<f32>| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
    let input = images.iter().flat_map(|image| chw(image, graph.shape(graph.input))).collect();
    std::fs::write(folder.join("input"), floats(input)).unwrap();
    let output = runs.iter().flat_map(|values| match &values[&graph.output] {
        Value::Floats(values) => chw(values, graph.shape(graph.output)),
        other => panic!("{other:?}"),
    });
    std::fs::write(folder.join("output"), floats(output.collect())).unwrap();
}

fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("int8_onnx_{name}"))
}

/// Whether onnxruntime agrees about the file of `exported` with what `expected` computes, and what the script says.
fn check(python: &str, name: &str, network: &Network, exported: &Quantized, expected: &Quantized) -> (bool, String) {
    let folder = folder(name);
    write_expected(expected, &images(network, 6)[4..], &folder);
    let model = folder.join("model.onnx");
    std::fs::write(&model, export_quantized(exported, network, &metadata()).unwrap()).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/check_onnx.py");
    let output = Command::new(python).arg(script).args([&model, &folder]).output().unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.success(), text)
}

fn agrees(name: &str, network: &Network) {
    let Some(python) = python() else { return };
    for by_channel in [true, false] {
        let quantized = quantized(network, by_channel);
        let name = format!("{name}_{by_channel}");
        let (agrees, text) = check(&python, &name, network, &quantized, &quantized);
        assert!(agrees, "{name}:\n{text}");
        print!("{name}: {text}");
    }
}

#[test]
fn relu_networks() {
    agrees("relu", &network(RELU));
}

#[test]
fn squeeze_excite() {
    agrees("gates", &network(GATES));
}

#[test]
fn activations_on_sums() {
    agrees("smooth", &network(SMOOTH));
}

#[test]
fn features() {
    agrees("features", &network(FEATURES));
    for (at, block) in ENDS.iter().enumerate() {
        let text = "name: end\ninput: 9x11x3\nstem: {op: conv, kernel: 3, filters: 8}\nhead: none\nactivation: relu\n";
        agrees(&format!("end{at}"), &network(&format!("{text}blocks: [{block}]\n")));
    }
}

#[test]
fn shipped_specs() {
    for name in ["mnasnet_a1", "mobilenet_v3_small"] {
        agrees(name, &shipped(name, 32));
    }
}

/// What is wrong, and the change that makes it so.
type Fault<'f> = (&'f str, &'f dyn Fn(&mut Quantized));

/// Files that are wrong in one place.
#[test]
fn the_check_sees_faults() {
    let Some(python) = python() else { return };
    let network = network(RELU);
    let good = quantized(&network, true);
    let map = |role: &dyn Fn(Role) -> bool| roles(&good.graph).iter().position(|r| role(*r)).unwrap();
    let by_channel = map(&|role| matches!(role, Role::Map { by_channel: true, .. }));
    let signed = map(&|role| matches!(role, Role::Map { positive: false, by_channel: false, .. }));
    let faults: [Fault; 5] = [
        ("weight", &|n| n.layers.get_mut("blocks.2.0.expand").unwrap().weight[0] ^= 64),
        ("weight scale", &|n| n.layers.get_mut("blocks.2.0.project").unwrap().weight_scale[0] *= 1.05),
        ("bias", &|n| n.layers.get_mut("stem.conv").unwrap().bias[0] += 500),
        ("scale of a channel", &|n| n.maps[by_channel].as_mut().unwrap().scales[0] *= 1.05),
        ("zero point", &|n| n.maps[signed].as_mut().unwrap().zero ^= 2),
    ];
    for (name, fault) in faults {
        let mut bad = good.clone();
        fault(&mut bad);
        let (agrees, text) = check(&python, "fault", &network, &bad, &good);
        assert!(!agrees, "{name}:\n{text}");
        assert!(text.contains("differ, by up to"), "{name}:\n{text}");
    }
}

#[test]
fn equal_networks_give_equal_bytes() {
    let network = network(GATES);
    let quantized = quantized(&network, true);
    let bytes = || export_quantized(&quantized, &network, &metadata()).unwrap();
    assert_eq!(bytes(), bytes());
}

#[test]
fn scales_that_are_too_far_apart_are_an_error() {
    let network = network(RELU);
    let mut quantized = quantized(&network, false);
    let stem = quantized.graph.nodes[0].output;
    quantized.maps[stem.0].as_mut().unwrap().scales = vec![f32::MIN_POSITIVE];
    quantized.layers.get_mut("stem.conv").unwrap().weight_scale.fill(1e30);
    let error = export_quantized(&quantized, &network, &metadata()).unwrap_err().to_string();
    assert_eq!(error, "the scales around `stem/conv` are too far apart; their ratio has to be a finite `f32`");
}
