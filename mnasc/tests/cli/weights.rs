//! `inspect` and `convert`, and checkpoints of TensorFlow as weights.

use crate::folder::Folder;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// The network of the checkpoints that TensorFlow wrote.
const SPEC: &str = "\
name: tiny
input: 8x8x3
batch_norm: {eps: 1e-3}
padding: same
activation: relu
stem: {op: conv, kernel: 3, stride: 2, filters: 4}
blocks:
  - {op: sepconv, kernel: 3, filters: 4}
  - {op: mbconv, expand: 3, kernel: 3, stride: 2, filters: 4, se: 0.25}
head: {filters: 6, classes: 10}
";

fn files() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../mnas-codegen/tests/files")
}

/// A folder with the network and the files of two checkpoints.
fn folder(name: &str) -> Folder {
    let folder = Folder::new(name);
    folder.write("net.yaml", SPEC);
    for entry in fs::read_dir(files().join("tensorflow")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if name.starts_with("averaged") || name.starts_with("sharded") {
            folder.write(name, fs::read(&path).unwrap());
        }
    }
    folder
}

/// Names, shapes and float32 values of a safetensors file, read by its definition.
fn tensors(bytes: &[u8]) -> Vec<(String, Vec<u64>, Vec<f32>)> {
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header: Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    let data = &bytes[8 + length..];
    let numbers = |value: &Value| value.as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).collect::<Vec<u64>>();
    let tensor = |(name, info): (&String, &Value)| {
        assert_eq!(info["dtype"], "F32");
        let range = numbers(&info["data_offsets"]);
        let values = data[range[0] as usize..range[1] as usize].chunks(4);
        let values = values.map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect();
        (name.clone(), numbers(&info["shape"]), values)
    };
    header.as_object().unwrap().iter().map(tensor).collect()
}

/// What TensorFlow says is in a checkpoint.
fn expected(name: &str) -> Vec<(String, Vec<u64>, Vec<f32>)> {
    let json: Value = serde_json::from_slice(&fs::read(files().join("tensorflow/expected.json")).unwrap()).unwrap();
    let tensor = |(name, tensor): (&String, &Value)| {
        let shape = tensor["shape"].as_array().unwrap().iter().map(|size| size.as_u64().unwrap()).collect();
        let data = tensor["data"].as_array().unwrap().iter().map(|value| value.as_f64().unwrap() as f32).collect();
        (name.clone(), shape, data)
    };
    json[name].as_object().unwrap().iter().map(tensor).collect()
}

#[test]
fn checkpoints_become_safetensors() {
    let folder = folder("convert");
    // By the index, and by the name that TensorFlow itself takes.
    for (name, weights) in [("averaged", "averaged.ckpt.index"), ("sharded", "sharded.ckpt")] {
        let said = folder.mnasc(&["convert", "net.yaml", "--weights", weights, "-o", "ours.safetensors"]).done();
        let ours = folder.read("ours.safetensors");
        let mut found = tensors(&ours);
        found.sort_by(|a, b| a.0.cmp(&b.0));
        let mut expected = expected(name);
        expected.sort_by(|a, b| a.0.cmp(&b.0));
        assert_eq!(found.len(), 41);
        assert_eq!(found, expected, "{name}");
        assert!(said.out.starts_with("ours.safetensors: 41 tensors of `tiny`, "), "{}", said.out);

        // What was written is the same when it is read and written again.
        folder.mnasc(&["convert", "net.yaml", "--weights", "ours.safetensors", "-o", "again.safetensors"]).done();
        assert_eq!(folder.read("again.safetensors"), ours);
        // Compiling from the checkpoint embeds the same weights.
        folder.mnasc(&["net.yaml", "-o", "direct.rs", "--weights", weights]).done();
        folder.mnasc(&["net.yaml", "-o", "converted.rs", "--weights", "ours.safetensors"]).done();
        assert_eq!(folder.read("direct.weights"), folder.read("converted.weights"));
    }
    // Control: other weights are other bytes.
    folder.mnasc(&["convert", "net.yaml", "--random-weights", "1", "-o", "random.safetensors"]).done();
    folder.mnasc(&["net.yaml", "-o", "random.rs", "--weights", "random.safetensors"]).done();
    assert_ne!(folder.read("random.weights"), folder.read("converted.weights"));

    let listed = ["convert", "net.yaml", "--weights", "sharded.ckpt", "-o", "x.safetensors", "--list"];
    let said = folder.mnasc(&listed).done();
    assert_eq!(said.out.lines().count(), 42);
    let first: Vec<&str> = said.out.lines().next().unwrap().split_whitespace().collect();
    assert_eq!(first, ["stem.conv.weight", "efficientnet-tiny/stem/conv2d/kernel"]);
    let json = folder.mnasc(&["convert", "net.yaml", "--weights", "sharded.ckpt", "-o", "x.safetensors", "--json"]);
    let json = json.done().json();
    assert_eq!(json["names"], "TensorFlow efficientnet");
    assert_eq!(json["tensors"]["blocks.1.0.se.reduce.bias"], "efficientnet-tiny/blocks_1/se/conv2d/bias");
}

#[test]
fn weights_become_halves() {
    let folder = folder("halves");
    let convert = |dtype: &str, out: &str| {
        folder.mnasc(&["convert", "net.yaml", "--random-weights", "3", "--dtype", dtype, "-o", out]).done();
    };
    convert("f32", "whole.safetensors");
    convert("f16", "half.safetensors");
    folder.mnasc(&["convert", "net.yaml", "--weights", "half.safetensors", "-o", "again.safetensors"]).done();
    let (whole, again) = (tensors(&folder.read("whole.safetensors")), tensors(&folder.read("again.safetensors")));
    let rounded = |x: f32| {
        // Eleven bits, or a multiple of 2^-24.
        let step = 2_f32.powi((x.abs().log2().floor() as i32 - 10).max(-24));
        (x / step).round_ties_even() * step
    };
    let mut changed = 0;
    for ((name, shape, before), (name_after, shape_after, after)) in whole.iter().zip(&again) {
        assert_eq!((name, shape), (name_after, shape_after));
        for (before, after) in before.iter().zip(after) {
            let expected = if shape.len() > 1 { rounded(*before) } else { *before };
            assert_eq!(expected.to_bits(), after.to_bits(), "{name}: {before}");
            changed += usize::from(before != after);
        }
    }
    assert_eq!(whole.len(), again.len());
    assert!(changed > 100);
    let listed = folder.mnasc(&["inspect", "half.safetensors", "--json"]).done().json();
    for tensor in listed["tensors"].as_array().unwrap() {
        let is_large = tensor["shape"].as_array().unwrap().len() > 1;
        assert_eq!(tensor["type"], if is_large { "float16" } else { "float32" }, "{tensor}");
    }
}

#[test]
fn what_cannot_be_converted_leaves_nothing() {
    let folder = folder("unconverted");
    let convert = |weights: &str, out: &str| folder.mnasc(&["convert", "net.yaml", "--weights", weights, "-o", out]);
    convert("sharded.ckpt.data-00001-of-00003", "x").failed(2, &["without their names", "`sharded.ckpt.index`"]);
    convert("none", "x").failed(3, &["cannot read `none`"]);
    convert("sharded.ckpt", "sharded.ckpt.data-00002-of-00003").failed(2, &["would overwrite"]);
    convert("sharded.ckpt.index", "sharded.ckpt.index").failed(2, &["would overwrite"]);
    folder.write("renamed", folder.read("sharded.ckpt.index"));
    convert("renamed", "x").failed(2, &["rename it to end in `.index`"]);
    fs::remove_file(folder.path("sharded.ckpt.data-00001-of-00003")).unwrap();
    convert("sharded.ckpt", "x").failed(3, &["cannot read `sharded.ckpt.data-00001-of-00003`"]);
    let mut damaged = folder.read("averaged.ckpt.data-00000-of-00001");
    let last = damaged.len() - 1;
    damaged[last] ^= 1;
    folder.write("averaged.ckpt.data-00000-of-00001", damaged);
    convert("averaged.ckpt", "x").failed(2, &["is damaged: its checksum in `.data-00000-of-00001` differs"]);
    // `tiny.yaml` is another network, whose tensors are all missing or of other shapes.
    folder.mnasc(&["convert", "net.yaml", "--random-weights", "1", "-o", "other.safetensors"]).done();
    folder.mnasc(&["convert", "tiny.yaml", "--weights", "other.safetensors", "-o", "x"]).failed(
        2,
        &["do not fit network `tiny`", "wrong shape: `stem.conv.weight`", "missing: `blocks.2.0.expand.weight`"],
    );
    folder.mnasc(&["convert", "net.yaml", "-o", "x"]).failed(2, &["--weights"]);
    assert!(!folder.path("x").exists());
}

#[test]
fn files_say_what_they_hold() {
    let folder = folder("inspect");
    let said = folder.mnasc(&["inspect", "averaged.ckpt.index"]).done();
    let lines: Vec<Vec<&str>> = said.out.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["global_step", "int64", "[]", "8"]);
    let kernel = "mnasnet-tiny/mnas_net_model/mnas_blocks_1/se/conv2d_9/kernel";
    assert!(lines.iter().any(|line| *line == [kernel, "float32", "[1,", "1,", "16,", "1]", "64"]), "{}", said.out);
    let total = said.out.lines().last().unwrap();
    assert!(total.starts_with("TensorFlow checkpoint: "), "{total}");
    assert!(total.ends_with("; names: TensorFlow mnasnet; 41 averages, which are what is loaded"), "{total}");

    // A checkpoint's index is enough, and its name without the ending too.
    fs::remove_file(folder.path("sharded.ckpt.data-00001-of-00003")).unwrap();
    let json = folder.mnasc(&["inspect", "sharded.ckpt", "--json"]).done().json();
    assert_eq!(json["names"], "TensorFlow efficientnet");
    assert_eq!(json["tensors"].as_array().unwrap().len(), 41);

    for (file, format) in
        [("zip.pth", "PyTorch, zip"), ("legacy.pth", "PyTorch before 1.6"), ("plain.safetensors", "safetensors")]
    {
        let path = files().join(file);
        let json = folder.mnasc(&["inspect", "--json", path.to_str().unwrap()]).done().json();
        assert_eq!(json["format"], format);
        assert_eq!(json["names"], Value::Null);
        let tensors = json["tensors"].as_array().unwrap();
        assert_eq!(tensors.len(), 13, "{file}");
        for (name, element, shape, bytes) in [
            ("transposed", "float32", vec![6, 4], 96),
            ("half", "float16", vec![5], 10),
            ("bfloat", "bfloat16", vec![5], 10),
            ("double", "float64", vec![3], 24),
            ("empty", "float32", vec![0, 4], 0),
            ("bn.num_batches_tracked", "int64", vec![], 8),
        ] {
            let tensor = tensors.iter().find(|tensor| tensor["name"] == name).unwrap();
            assert_eq!(*tensor, serde_json::json!({"name": name, "type": element, "shape": shape, "bytes": bytes}));
        }
    }
    folder.mnasc(&["inspect", "net.yaml"]).failed(2, &["cannot read weights from `net.yaml`"]);
    folder.mnasc(&["inspect", "none"]).failed(3, &["cannot read `none`"]);

    // Names cannot move a terminal's cursor.
    let header = br#"{"a\u001b[2J":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#;
    let file = [&(header.len() as u64).to_le_bytes(), header.as_slice(), &[0; 4]].concat();
    folder.write("escape.safetensors", file);
    let said = folder.mnasc(&["inspect", "escape.safetensors"]).done();
    assert!(said.out.starts_with("a\\u{1b}[2J  float32  [1]  4\n"), "{}", said.out);
}
