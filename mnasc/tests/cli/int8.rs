//! Networks in int8 on the command line.

use crate::folder::Folder;
use mnas_codegen::quantized::structure::{Role, roles};
use mnas_codegen::quantized::{self, Integers, Map, Quantized};
use std::collections::BTreeMap;

const SPEC: &str = "\
name: tiny
input: 8x8x3
activation: relu
stem: {op: conv, kernel: 3, stride: 2, filters: 4}
blocks: [{op: mbconv, expand: 3, kernel: 3, filters: 4}]
head: {classes: 3}
";

/// A folder with the network and a file of integers for it.
fn folder(name: &str) -> Folder {
    let folder = Folder::new(name);
    folder.write("net.yaml", SPEC);
    let (_, network) = mnas_dsl::load_yaml(SPEC, "net.yaml").unwrap_or_else(|e| panic!("{e:?}"));
    let graph = quantized::graph(&network);
    let maps = roles(&graph).into_iter().map(|role| match role {
        Role::Map { positive, .. } => Some(Map { scales: vec![0.02], zero: if positive { 0 } else { 128 } }),
        Role::Output | Role::Sum => None,
    });
    let mut layers = BTreeMap::new();
    for conv in graph.nodes.iter().filter_map(|node| quantized::conv_of(&graph, node)) {
        let weight = (0..conv.weight_len()).map(|i| (i * 37 % 255) as i8).map(|w| w.max(-127)).collect();
        let outputs = conv.output_channels;
        layers.insert(
            conv.param.clone(),
            Integers { weight, weight_scale: vec![0.01; outputs], bias: (0..outputs as i32).collect() },
        );
    }
    let network = Quantized { maps: maps.collect(), layers, graph };
    folder.write("w8.safetensors", quantized::write(&network));
    folder
}

#[test]
fn integers_are_exported() {
    let folder = folder("int8_onnx");
    folder.mnasc(&["net.yaml", "--weights", "w8.safetensors", "--onnx", "net.onnx"]).done();
    let bytes = folder.read("net.onnx");
    let has = |text: &str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
    for text in ["QuantizeLinear", "blocks.0.0.project.weight_scale", "precision", "int8"] {
        assert!(has(text), "{text}");
    }
    assert!(!has("Relu"));
    folder.mnasc(&["net.yaml", "--weights", "w8.safetensors", "--onnx", "net.onnx", "--check"]).done();
}

#[test]
fn files_that_do_not_fit_are_refused() {
    let folder = folder("int8_refused");
    let export = |spec: &str, more: &[&str]| {
        folder.mnasc(&[&[spec, "--weights", "w8.safetensors", "--onnx", "net.onnx"], more].concat())
    };
    export("net.yaml", &["--unfolded"]).failed(2, &["weights in int8 have no batch norms", "`--unfolded`"]);
    folder.write("other.yaml", SPEC.replace("filters: 4}]", "filters: 6}]"));
    export("other.yaml", &[])
        .failed(2, &["`w8.safetensors` does not fit network `tiny`", "the network needs I8 [6, 16, 1, 1]"]);
    assert!(!folder.path("net.onnx").exists());
}
