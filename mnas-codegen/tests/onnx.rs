//! Exported files in the eyes of the onnx package, and onnxruntime's numbers against the reference executor's.
//!
//! The Python that has both packages is named by `MNAS_PYTHON` (default `python3`).

#[path = "graph/common.rs"]
mod common;
#[path = "graph/family.rs"]
mod family;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{every_feature, image, other_families, shipped, weights};
use family::family;
use mnas_codegen::graph::{Graph, Op, Residual, TensorId};
use mnas_codegen::lower::lower;
use mnas_codegen::onnx::{Metadata, export};
use mnas_codegen::passes;
use mnas_codegen::reference::{self, Keep};
use mnas_codegen::weights::Weights;
use mnas_dsl::network::{Activation, Interpolation, Network, Preprocess, Shape};

fn metadata() -> Metadata {
    Metadata { mnas_version: "1.2.3".to_owned(), spec_hash: "0123abcd".to_owned() }
}

fn fused(network: &Network) -> Graph {
    let mut graph = lower(network);
    passes::run_all(&mut graph);
    graph
}

#[test]
fn onnxruntime_agrees_with_the_reference() {
    let Some(python) = python_with_onnx() else { return };
    for network in every_feature().into_iter().chain(other_families()) {
        let unfused = lower(&network);
        let weights = weights(&unfused, 11);
        check(&python, "unfused", &network, &unfused, &weights);
        check(&python, "fused", &network, &fused(&network), &weights);
    }
}

#[test]
fn onnxruntime_agrees_on_every_operator() {
    let Some(python) = python_with_onnx() else { return };
    for unfused in family() {
        // Of the network only the name and what a file says besides operators is looked at.
        let mut network = every_feature().swap_remove(2);
        network.name.clone_from(&unfused.name);
        let weights = weights(&unfused, 1);
        check(&python, "unfused", &network, &unfused, &weights);
        let mut fused = unfused.clone();
        passes::run_all(&mut fused);
        check(&python, "fused", &network, &fused, &weights);
    }
}

#[test]
fn onnxruntime_agrees_on_whole_networks() {
    let Some(python) = python_with_onnx() else { return };
    // SAME padding is even on both sides for the odd sizes that 97 halves to, uneven for those of 64.
    let even = shipped(64);
    let odd = shipped(97).into_iter().filter(|network| network.name == "mnasnet_a1");
    for network in even.into_iter().chain(odd) {
        let graph = fused(&network);
        let weights = weights(&graph, 5);
        check(&python, "fused", &network, &graph, &weights);
    }
}

/// The Python to run checks with; `None` where it has no onnx, which is a failure where `CI` is set.
fn python_with_onnx() -> Option<String> {
    let python = std::env::var("MNAS_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let found = Command::new(&python).args(["-c", "import numpy, onnx, onnxruntime"]).output();
    if found.is_ok_and(|output| output.status.success()) {
        return Some(python);
    }
    assert!(std::env::var_os("CI").is_none(), "{python} cannot import numpy, onnx and onnxruntime");
    // Not `eprintln!`, which is not shown of a test that passes.
    let _ = writeln!(
        std::io::stderr(),
        "skipped: {python} cannot import numpy, onnx and onnxruntime (MNAS_PYTHON names another)"
    );
    None
}

fn check(python: &str, state: &str, network: &Network, graph: &Graph, weights: &Weights) {
    let path = |extension: &str| {
        PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{}_{state}.{extension}", network.name))
    };
    let (model, input, expected) = (path("onnx"), path("input"), path("expected"));
    fs::write(&model, export(graph, network, weights, &metadata()).unwrap()).unwrap();

    let images = [image(graph, 1), image(graph, 2)];
    let outputs = images.each_ref().map(|image| {
        let outputs = reference::run_keeping(graph, weights, image, Keep::LayerOutputs).unwrap();
        for layer in &graph.layers {
            let values = outputs.get(layer.output).unwrap();
            let alive = values.iter().filter(|value| value.abs() > 1e-6).count();
            // Of values that are as often below zero as above, a ReLU leaves half.
            let part = if ends_in_relu(graph, layer.output) { 4 } else { 2 };
            assert!(
                part * alive >= values.len(),
                "{} {}: a test on dead activations proves nothing",
                network.name,
                layer.name
            );
        }
        outputs.output().iter().map(|&value| value as f32).collect::<Vec<f32>>()
    });
    write_chw(&input, &images, graph.shape(graph.input));
    write_chw(&expected, &outputs, graph.shape(graph.output));

    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/check_onnx.py");
    let output = Command::new(python).arg(script).args([model, input, expected]).output().unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{} {state}:\n{text}", network.name);
    print!("{state} {text}");
}

/// Whether the last thing that happens to a tensor is that what is below zero is cut off.
fn ends_in_relu(graph: &Graph, tensor: TensorId) -> bool {
    let is_relu = |activation: Activation| matches!(activation, Activation::Relu | Activation::Relu6);
    graph.producer(tensor).is_some_and(|node| match &graph.nodes[node].op {
        Op::Activation(activation) => is_relu(*activation),
        Op::Conv(conv) => conv.residual != Residual::Last && is_relu(conv.activation),
        // Of a window the largest.
        Op::MaxPool { .. } => ends_in_relu(graph, graph.nodes[node].inputs[0]),
        _ => false,
    })
}

/// Writes HWC feature maps as raw CHW.
fn write_chw(path: &Path, maps: &[Vec<f32>], shape: Shape) {
    let mut bytes = Vec::new();
    for map in maps {
        for channel in 0..shape.channels {
            for pixel in map.chunks_exact(shape.channels) {
                bytes.extend(pixel[channel].to_le_bytes());
            }
        }
    }
    fs::write(path, bytes).unwrap();
}

#[test]
fn bytes_are_the_same_every_time() {
    for network in every_feature() {
        let graph = fused(&network);
        let weights = weights(&graph, 3);
        let bytes = || export(&graph, &network, &weights, &metadata()).unwrap();
        assert_eq!(bytes(), bytes());
    }
}

/// Whether a protocol buffer string (tag, length, text) with this text is in the file.
fn contains(bytes: &[u8], text: &str) -> bool {
    let needle = [&[text.len() as u8], text.as_bytes()].concat();
    bytes.windows(needle.len()).any(|window| window == needle)
}

#[test]
fn metadata_and_names_are_in_the_file() {
    let mut network = every_feature().swap_remove(0);
    network.labels = Some("labels.txt".to_owned());
    network.preprocess = Some(Preprocess {
        resize: 256,
        interpolation: Interpolation::Bicubic,
        divide: 255.0,
        mean: vec![0.485, 0.456, 0.406],
        std: vec![0.229, 0.224, 0.225],
    });
    let graph = fused(&network);
    let weights = weights(&graph, 3);
    let bytes = export(&graph, &network, &weights, &metadata()).unwrap();
    for text in [
        "mnas_version",
        "1.2.3",
        "spec_hash",
        "0123abcd",
        "labels.txt",
        "preprocess.mean",
        "0.485,0.456,0.406",
        "0.229,0.224,0.225",
        "bicubic",
        "256",
        "stem/conv",
        "stem/conv/relu",
        "blocks.0.0/depthwise",
        "blocks.0.0/add",
        "blocks.1.0/se/reduce",
        "head/conv",
        "head/pool",
        "classifier",
        "logits",
        "stem.conv.weight",
    ] {
        assert!(contains(&bytes, text), "{text}");
    }
    assert!(!contains(&bytes, "stem/conv/bn"));
    assert!(!contains(&bytes, "features"));
    network.head = None;
    assert!(contains(&export(&graph, &network, &weights, &metadata()).unwrap(), "features"));
}

#[test]
fn weights_that_do_not_fit_are_errors() {
    let network = every_feature().swap_remove(0);
    let graph = fused(&network);
    let mut weights = weights(&graph, 3);
    weights.remove("blocks.1.0.se.expand.bias");
    let error = export(&graph, &network, &weights, &metadata()).unwrap_err();
    assert_eq!(error.to_string(), "there is no weight `blocks.1.0.se.expand.bias`");
}
