//! Real photographs through real weights, held against PyTorch's logits.
//!
//! Where `scripts/fetch_assets.sh` has fetched neither, nothing is tested, and that is said; with `CI` set it is a failure.

use crate::folder::Folder;
use serde_json::Value;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Names what is on all photographs, five classes each in PyTorch's order, and compares every logit.
fn check(name: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let assets = std::env::var_os("MNAS_ASSETS").map_or_else(|| root.join("target/assets"), PathBuf::from);
    let weights = assets.join(format!("{name}.pth"));
    // Neither the weights nor the logits are in this crate's package.
    let Some(reference) = fs::read(root.join("tests/assets/reference.json")).ok().filter(|_| weights.is_file()) else {
        assert!(std::env::var_os("CI").is_none(), "no {}; scripts/fetch_assets.sh fetches it", weights.display());
        // Not `eprintln!`, which is not shown of a test that passes.
        let _ = writeln!(std::io::stderr(), "skipped: no {}; scripts/fetch_assets.sh fetches it", weights.display());
        return;
    };
    let reference: Value = serde_json::from_slice(&reference).unwrap();
    let photographs = reference["networks"][name]["photographs"].as_object().unwrap();

    let folder = Folder::new(name);
    let spec = root.join(format!("specs/{name}.yaml"));
    let mut command = folder.command(&["run", "--top", "1000", "--json", "--weights"]);
    command.args([weights.as_path(), &spec, Path::new("--image")]);
    command.args(photographs.keys().map(|file| assets.join(file)));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();

    // Under our names they are the same weights, to the bit.
    let ours = folder.path("ours.safetensors");
    let mut command = folder.command(&["convert", "-o", "ours.safetensors", "--weights"]);
    assert!(command.args([weights.as_path(), &spec]).output().unwrap().status.success());
    let mut command = folder.command(&["run", "--top", "1000", "--json", "--weights"]);
    command.args([ours.as_path(), &spec, Path::new("--image")]);
    command.args(photographs.keys().map(|file| assets.join(file)));
    let again = command.output().unwrap().stdout;
    assert!(again == output.stdout, "converted weights give other logits");

    for ((file, expected), found) in photographs.iter().zip(found["images"].as_array().unwrap()) {
        let expected = &expected["resized"];
        let found = found["top"].as_array().unwrap();
        let five: Vec<&Value> = found[..5].iter().map(|class| &class["index"]).collect();
        let expected_five: Vec<&Value> = expected["top5"].as_array().unwrap().iter().map(|class| &class[0]).collect();
        assert_eq!(five, expected_five, "{file}");

        // Probabilities say of logits all but a constant, which their largest takes away here.
        let logits: Vec<f64> = expected["logits"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
        let largest = logits.iter().fold(f64::NEG_INFINITY, |largest, logit| largest.max(*logit));
        let most = found[0]["probability"].as_f64().unwrap();
        // PNG is decoded to the bit, and resized as Pillow does it. Decoders of JPEG differ by a level or two.
        let tolerance = if file.ends_with(".png") { 1e-4 } else { 1e-1 };
        assert_eq!(found.len(), logits.len());
        for class in found {
            let index = class["index"].as_u64().unwrap() as usize;
            let below = (class["probability"].as_f64().unwrap() / most).ln();
            let difference = (below - (logits[index] - largest)).abs();
            assert!(difference < tolerance, "{file}, class {index}: {difference}");
        }
    }
}

#[test]
fn efficientnet_lite0_agrees_with_pytorch() {
    check("efficientnet_lite0");
}

#[test]
fn mobilenet_v2_agrees_with_pytorch() {
    check("mobilenet_v2");
}
