//! Exports of timm's, torchvision's and Keras's networks: the logits of onnxruntime on the file itself, and the blocks of the
//! specs that we ship.
//!
//! The files in `tests/exports` are those that `scripts/make_onnx_exports.py` and `make_tf2onnx_exports.py` wrote, without the data of large constants,
//! which is drawn here. The Python that has onnxruntime is named by `MNAS_PYTHON` (default `python3`).

use super::{Draw, block, import, logits, shipped};
use mnas_dsl::network::{Network, Padding};
use onnx_protobuf::{Message as _, ModelProto};
use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Pixels of a side of the exported networks' input.
const SIZE: usize = 64;

/// The shipped spec of an export, by the network's name in it.
const SPECS: [(&str, &str); 23] = [
    ("timm_semnasnet_100", "mnasnet_a1"),
    ("timm_mnasnet_100", "mnasnet_b1"),
    ("timm_mnasnet_small", "mnasnet_small"),
    ("timm_mobilenetv1_100", "mobilenet_v1"),
    ("timm_mobilenetv2_100", "mobilenet_v2"),
    ("timm_mobilenetv3_large_100", "mobilenet_v3_large"),
    ("timm_mobilenetv3_small_100", "mobilenet_v3_small"),
    ("timm_efficientnet_lite0", "efficientnet_lite0"),
    ("timm_tf_efficientnet_lite0", "efficientnet_lite0"),
    ("timm_efficientnet_b0", "efficientnet_b0"),
    ("torchvision_mnasnet1_0", "mnasnet_b1"),
    ("torchvision_mobilenet_v2", "mobilenet_v2"),
    ("torchvision_mobilenet_v3_large", "mobilenet_v3_large"),
    ("torchvision_mobilenet_v3_small", "mobilenet_v3_small"),
    ("torchvision_efficientnet_b0", "efficientnet_b0"),
    ("timm_resnet50", "resnet50"),
    ("torchvision_resnet50", "resnet50"),
    ("pytorch_mini_xception", "mini_xception"),
    ("pytorch_mini_xception_se", "mini_xception_se"),
    ("pytorch_same_mini_xception", "mini_xception"),
    ("pytorch_same_mini_xception_se", "mini_xception_se"),
    ("keras_mobilenet_v2", "mobilenet_v2"),
    ("keras_mini_xception", "mini_xception"),
];

/// Every export: its name, and the file with data.
fn exports() -> Vec<(String, ModelProto)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/exports");
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let name = |path: &Path| path.file_stem().unwrap().to_str().unwrap().to_owned();
    let exports: Vec<_> = paths.iter().map(|path| (name(path), filled(&fs::read(path).unwrap()))).collect();
    assert_eq!(exports.len(), 33);
    exports
}

fn spec_of(export: &str) -> &'static str {
    let (network, _) = export.rsplit_once('_').unwrap();
    SPECS.iter().find(|(name, _)| *name == network).unwrap_or_else(|| panic!("no spec for {export}")).1
}

/// The model with data for each constant that has none, so that activations stay alive.
fn filled(stripped: &[u8]) -> ModelProto {
    let mut model = ModelProto::parse_from_bytes(stripped).unwrap();
    let graph = model.graph.as_mut().unwrap();
    // What a batch norm's parameters are called is up to the exporter.
    let mut ranges: BTreeMap<String, (f32, f32)> = BTreeMap::new();
    for node in graph.node.iter().filter(|node| node.op_type == "BatchNormalization") {
        for (name, range) in node.input[1..].iter().zip([(0.5, 1.5), (-0.2, 0.2), (-0.1, 0.1), (0.5, 1.5)]) {
            ranges.insert(name.clone(), range);
        }
    }
    // What is left of batch norms that were folded in part: a factor and a summand for each channel.
    for (op_type, range) in [("Mul", (0.5, 1.5)), ("Add", (-0.2, 0.2))] {
        for node in graph.node.iter().filter(|node| node.op_type == op_type) {
            ranges.extend(node.input.iter().map(|name| (name.clone(), range)));
        }
    }
    let mut draw = Draw(7);
    for tensor in &mut graph.initializer {
        if tensor.data_type != 1 || !tensor.raw_data.is_empty() || !tensor.float_data.is_empty() {
            continue;
        }
        let count: i64 = tensor.dims.iter().product();
        // Of outputs, inputs, rows, columns; a convolution keeps the size of what comes in.
        let fan_in: i64 = tensor.dims.iter().skip(1).product();
        let bound = (6.0 / fan_in as f32).sqrt();
        let default = if tensor.dims.len() > 1 { (-bound, bound) } else { (-0.2, 0.2) };
        let (from, to) = *ranges.get(&tensor.name).unwrap_or(&default);
        tensor.raw_data = draw.many(count as usize, from, to).iter().flat_map(|value| value.to_le_bytes()).collect();
    }
    model
}

#[test]
fn blocks_are_those_of_the_shipped_specs() {
    for (name, model) in exports() {
        let imported = import(&model.write_to_bytes().unwrap()).unwrap_or_else(|error| panic!("{name}: {error}"));
        let ours = shipped(spec_of(&name), SIZE);
        let found: Vec<_> = imported.network.layers.iter().map(block).collect();
        let expected: Vec<_> = ours.layers.iter().map(block).collect();
        assert_eq!(found, expected, "{name}\n{}", imported.spec.to_yaml());
        assert_eq!(imported.network.head, ours.head, "{name}");
        // PyTorch's padding; of timm's networks those whose weights come from TensorFlow have TensorFlow's.
        let is_same = ["_tf_", "_same_", "keras_"].iter().any(|mark| name.contains(mark));
        let padding = if is_same { Padding::Same } else { Padding::Symmetric };
        assert_eq!(imported.spec.padding.map_or(Padding::Same, |it| it.value), padding, "{name}");
        // What a person writes, they read: not more blocks than the shipped spec has.
        let spec = fs::read_to_string(super::specs().join(format!("{}.yaml", spec_of(&name)))).unwrap();
        let written = spec.lines().filter(|line| line.starts_with("  - ")).count();
        assert!(imported.spec.blocks.len() <= written, "{name}\n{}", imported.spec.to_yaml());
    }
}

#[test]
fn epsilons_of_files_are_kept() {
    for (name, model) in exports() {
        let imported = import(&model.write_to_bytes().unwrap()).unwrap();
        let written = imported.spec.batch_norm_eps.map(|eps| eps.value);
        let expected = match name.as_str() {
            // A file with folded batch norms has no epsilon.
            name if !name.ends_with("_faithful") => None,
            // 1e-3 is the default, and not written.
            "timm_tf_efficientnet_lite0_faithful" | "torchvision_mobilenet_v3_large_faithful" => None,
            name if name.contains("mini_xception") => None,
            _ => Some(1e-5),
        };
        assert_eq!(written, expected, "{name}");
    }
}

#[test]
fn logits_are_those_of_onnxruntime_on_the_file_itself() {
    let Some(python) = python_with_onnxruntime() else { return };
    let mut draw = Draw(3);
    // Channels, rows, columns, as the file takes it.
    let images = [(); 2].map(|()| draw.many(3 * SIZE * SIZE, -2.0, 2.0));
    for (name, model) in exports() {
        let bytes = model.write_to_bytes().unwrap();
        let imported = import(&bytes).unwrap();
        let images = images.each_ref().map(|image| &image[..imported.network.input.len()]);
        let expected = images.map(|image| {
            let image = if name.starts_with("keras") { hwc(image) } else { image.to_vec() };
            onnxruntime(&python, &name, &bytes, &image)
        });
        let found = images.map(|image| logits(&imported.network, &imported.weights, &hwc(image)));
        let largest = expected.iter().flatten().fold(0.0, |largest: f64, value| largest.max(f64::from(value.abs())));
        assert!(largest > 1e-2, "{name}: a test on dead activations proves nothing");
        assert!(difference(&found[0], &expected[1]) > 1e-3 * largest, "{name}: the image does not matter");
        for (found, expected) in found.iter().zip(&expected) {
            let difference = difference(found, expected);
            assert!(difference <= 1e-4 * largest, "{name}: {difference} of {largest}");
        }
        // As a control, the same network with the other padding.
        let other = other_padding(&imported.spec.to_yaml());
        assert_ne!(other.layers, imported.network.layers, "{name}");
        let wrong = logits(&other, &imported.weights, &hwc(images[0]));
        assert!(difference(&wrong, &expected[0]) > 1e-4 * largest, "{name}: wrong pads are not seen");
    }
}

fn other_padding(yaml: &str) -> Network {
    let symmetric = "padding: symmetric\n";
    let yaml = if yaml.contains(symmetric) { yaml.replace(symmetric, "") } else { format!("{yaml}{symmetric}") };
    mnas_dsl::load_yaml(&yaml, "other").unwrap().1
}

fn difference(found: &[f64], expected: &[f32]) -> f64 {
    assert_eq!(found.len(), expected.len());
    found.iter().zip(expected).fold(0.0, |most, (a, b)| {
        let apart = (a - f64::from(*b)).abs();
        // NaN is the farthest.
        if apart <= most { most } else { apart }
    })
}

fn hwc(chw: &[f32]) -> Vec<f32> {
    let pixels = SIZE * SIZE;
    let channels = chw.len() / pixels;
    (0..pixels).flat_map(|pixel| (0..channels).map(move |channel| chw[channel * pixels + pixel])).collect()
}

fn onnxruntime(python: &str, name: &str, model: &[u8], image: &[f32]) -> Vec<f32> {
    const SCRIPT: &str = "
import sys, numpy, onnxruntime
model, image, output = sys.argv[1:]
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(model, options, providers=['CPUExecutionProvider'])
given = session.get_inputs()[0]
x = numpy.fromfile(image, '<f4').reshape([1] + given.shape[1:])
session.run(None, {given.name: x})[0].astype('<f4').tofile(output)
";
    let path = |extension: &str| {
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}.{extension}", std::process::id()))
    };
    let (file, input, output) = (path("onnx"), path("input"), path("output"));
    fs::write(&file, model).unwrap();
    fs::write(&input, image.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>()).unwrap();
    let said = Command::new(python).arg("-c").arg(SCRIPT).args([&file, &input, &output]).output().unwrap();
    assert!(said.status.success(), "{name}: {}", String::from_utf8_lossy(&said.stderr));
    let values = fs::read(&output).unwrap().as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    for path in [file, input, output] {
        fs::remove_file(path).unwrap();
    }
    values
}

/// The Python to compare with; `None` where it has no onnxruntime, which is a failure where `CI` is set.
pub(super) fn python_with_onnxruntime() -> Option<String> {
    let python = std::env::var("MNAS_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let found = Command::new(&python).args(["-c", "import numpy, onnx, onnxruntime"]).output();
    if found.is_ok_and(|output| output.status.success()) {
        return Some(python);
    }
    assert!(std::env::var_os("CI").is_none(), "{python} cannot import numpy and onnxruntime");
    // Not `eprintln!`, which is not shown of a test that passes.
    let _ = writeln!(std::io::stderr(), "skipped: {python} cannot import onnxruntime (MNAS_PYTHON names another)");
    None
}
