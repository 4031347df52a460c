//! The published checkpoints of `scripts/fetch_assets.sh`, where they have been fetched; with `CI` set they have to be.

use crate::nets;
use mnas_codegen::lower;
use mnas_codegen::reference::{Keep, run_keeping};
use mnas_codegen::weights::{load, parameters};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// A file of the asset folder, or `None` (said aloud) where it has not been fetched.
fn asset(name: &str) -> Option<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folder = std::env::var_os("MNAS_ASSETS").map_or_else(|| root.join("target/assets"), PathBuf::from);
    let bytes = std::fs::read(folder.join(name)).ok();
    if bytes.is_none() {
        let missing = format!("no {name} in {}; scripts/fetch_assets.sh fetches it", folder.display());
        assert!(std::env::var_os("CI").is_none(), "{missing}");
        // Not `eprintln!`, which is not shown of a test that passes.
        let _ = writeln!(std::io::stderr(), "skipped: {missing}");
    }
    bytes
}

/// Loads a checkpoint and holds the network's logits on the picture of a formula against PyTorch's.
fn check(name: &str) {
    let Some(bytes) = asset(&format!("{name}.pth")) else { return };
    let reference = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/assets/reference.json");
    let reference: serde_json::Value = serde_json::from_slice(&std::fs::read(reference).unwrap()).unwrap();
    let reference = &reference["networks"][name];

    let network = nets::shipped(name);
    let weights = load(&bytes, &format!("{name}.pth"), &network).unwrap();
    let learnt = parameters(&network).into_iter().filter(|parameter| parameter.kind.is_learnt());
    let count: usize = learnt.map(|parameter| weights[&parameter.name].data.len()).sum();
    assert_eq!(count as u64, reference["parameters"].as_u64().unwrap());

    let preprocess = network.preprocess.as_ref().unwrap();
    let pixel = |index: usize| {
        let (y, x, c) = (index / 3 / 224, index / 3 % 224, index % 3);
        let value = ((31 * y + 17 * x + 101 * c) % 256) as f64;
        ((value / preprocess.divide - preprocess.mean[c]) / preprocess.std[c]) as f32
    };
    let image: Vec<f32> = (0..network.input.len()).map(pixel).collect();
    let outputs = run_keeping(&lower::lower(&network), &weights, &image, Keep::Only(&[])).unwrap();
    let expected: Vec<f64> =
        reference["formula"]["logits"].as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect();
    let logits = outputs.output();
    assert_eq!(logits.len(), expected.len());
    let largest = expected.iter().fold(0.0, |largest: f64, value| largest.max(value.abs()));
    let difference = logits.iter().zip(&expected).fold(0.0, |worst: f64, (a, b)| worst.max((a - b).abs()));
    println!("{name}: largest difference {difference:.2e} of {largest:.2}");
    assert!(difference <= 1e-5 * largest, "{difference} of {largest}");
}

#[test]
fn efficientnet_lite0_gives_the_logits_of_pytorch() {
    check("efficientnet_lite0");
}

#[test]
fn mobilenet_v2_gives_the_logits_of_pytorch() {
    check("mobilenet_v2");
}
