//! `examples/pytorch_evaluator`: networks that PyTorch builds of specs are mnasc's, and a search trains some.
//!
//! Needs a Python with what the example's `requirements.txt` names (`MNAS_TORCH`, else `MNAS_PYTHON`). PyTorch is too large
//! for CI: where it is missing these tests are skipped, in CI as well.

use crate::folder::Folder;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

fn example(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/pytorch_evaluator").join(file)
}

fn python_with_torch() -> Option<String> {
    let named = std::env::var("MNAS_TORCH").or_else(|_| std::env::var("MNAS_PYTHON"));
    let python = named.unwrap_or_else(|_| "python3".to_owned());
    let imports = "import torch, timm, yaml, safetensors, sklearn, onnxruntime";
    let found = Command::new(&python).args(["-c", imports]).output();
    if found.is_ok_and(|output| output.status.success()) {
        return Some(python);
    }
    // Not `eprintln!`, which is not shown of a test that passes.
    let _ = writeln!(std::io::stderr(), "skipped: {python} has no torch and timm (MNAS_TORCH names another)");
    None
}

/// Every kind of block and head that the example builds.
#[test]
fn pytorch_builds_the_networks_that_mnasc_compiles() {
    let Some(python) = python_with_torch() else { return };
    let specs = ["mnasnet_small", "mnasnet_b1", "mobilenet_v1", "mobilenet_v3_small", "efficientnet_es"];
    let specs = specs.map(|name| Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../specs/{name}.yaml")));
    let mut check = Command::new(python);
    check.arg(example("check.py")).args(["--mnasc", env!("CARGO_BIN_EXE_mnasc")]).args(&specs);
    let said = check.output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    assert_eq!(String::from_utf8_lossy(&said.stdout).lines().count(), specs.len());
}

#[test]
fn a_search_trains_with_pytorch_and_its_weights_compile() {
    let Some(python) = python_with_torch() else { return };
    let folder = Folder::new("pytorch");
    let space = Path::new(env!("CARGO_MANIFEST_DIR")).join("../specs/spaces/digits.yaml");
    let command = format!("{python} '{}' --epochs 3 --weights trained", example("train.py").display());
    let space = space.to_str().unwrap();
    folder
        .mnasc(&["search", space, "--study", "study", "--ranking", "3", "--trials", "2", "--command", &command])
        .done();
    let study = folder.mnasc(&["study", "list", "study", "--json"]).done().json();
    // Those that showed whether accuracy ranks are beside the trials.
    assert_eq!(std::fs::read_dir(folder.path("trained")).unwrap().count(), 2 + 2 * 3);
    for (number, trial) in study["trials"].as_array().unwrap().iter().enumerate() {
        assert_eq!(trial["epochs"].as_array().unwrap().len(), 3, "{trial}");
        // Digits are easy, a guess is one of ten.
        assert!(trial["accuracy"].as_f64().unwrap() > 0.3, "{trial}");
        folder.write("found.yaml", trial["spec"].as_str().unwrap());
        let weights = format!("trained/trial-{number}.safetensors");
        folder.mnasc(&["found.yaml", "-o", "found.rs", "--weights", &weights]).done();
    }
}
