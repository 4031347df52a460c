//! `bench --against`: other engines, or what stands for a Python.

use crate::folder::{Folder, Said};
use serde_json::Value;
use std::process::Command;

/// The Python to run engines with; `None` where it has none, which is a failure where `CI` is set.
fn python() -> Option<String> {
    let python = std::env::var("MNAS_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let found = Command::new(&python).args(["-c", "import numpy, onnxruntime"]).output();
    if found.is_ok_and(|output| output.status.success()) {
        return Some(python);
    }
    assert!(std::env::var_os("CI").is_none(), "{python} cannot import numpy and onnxruntime");
    eprintln!("skipped: {python} cannot import numpy and onnxruntime (MNAS_PYTHON names another)");
    None
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("not a number: {value}"))
}

#[test]
fn engines_are_compared_and_timed_in_turn() {
    let Some(python) = python() else { return };
    let folder = Folder::new("against");
    let arguments = ["bench", "tiny.yaml", "--isa", "scalar", "--against", "onnxruntime", "--python", &python];
    let bench = |more: &[&str]| folder.mnasc(&[&arguments[..], more].concat()).done();
    let found = bench(&["--rounds", "3", "--runs", "5", "--json"]).json();
    let rounds = found["rounds"].as_array().unwrap();
    assert_eq!(rounds.len(), 3);
    let mut ratios: Vec<f64> = Vec::new();
    for round in rounds {
        let [ours, theirs] = ["mnas", "onnxruntime"].map(|name| number(&round["median_ms"][name]));
        assert!(ours > 0.0 && theirs > 0.0, "{round}");
        assert!((number(&round["ratio"]) - ours / theirs).abs() < 1e-3 * ours / theirs, "{round}");
        ratios.push(number(&round["ratio"]));
    }
    ratios.sort_by(f64::total_cmp);
    assert_eq!(number(&found["ratio"]), ratios[1]);
    assert_eq!([0, 1].map(|i| number(&found["ratio_range"][i])), [ratios[0], ratios[2]]);
    let engine = &found["engines"]["onnxruntime"];
    assert!(engine["version"].as_str().unwrap().starts_with(|c: char| c.is_ascii_digit()), "{engine}");
    // Single precision in another order: neither equal to the last bit nor far apart.
    assert!((0.0..1e-5).contains(&number(&engine["difference"])), "{engine}");
    if cfg!(target_os = "linux") {
        assert_eq!(found["processors"].as_array().map(Vec::len), Some(1), "one thread, one processor");
    }

    let table = bench(&["--rounds", "1", "--runs", "5"]).out;
    for words in ["tiny: scalar, 1 thread, ", "outputs agree", "onnxruntime ms   ratio\n     1 ", "\nmedian "] {
        assert!(table.contains(words), "not said: {words}\n{table}");
    }
}

#[test]
fn backbones_are_compared_plane_by_plane() {
    let Some(python) = python() else { return };
    let folder = Folder::new("against-backbone");
    let tiny = String::from_utf8(folder.read("tiny.yaml")).unwrap();
    let backbone = tiny.replace("head: {filters: 32, classes: 10}", "head: none").replace("labels: labels.txt\n", "");
    folder.write("backbone.yaml", backbone);
    let arguments = ["bench", "backbone.yaml", "--isa", "scalar", "--against", "onnxruntime", "--python", &python];
    folder.mnasc(&[&arguments[..], &["--rounds", "1", "--runs", "1"]].concat()).done();
}

#[test]
fn first_results_are_timed_and_compared() {
    let Some(python) = python() else { return };
    let folder = Folder::new("start");
    let arguments = ["bench", "tiny.yaml", "--against", "onnxruntime", "--python", &python, "--start", "--rounds", "2"];
    let found = folder.mnasc(&[&arguments[..], &["--json"]].concat()).done().json();
    let (ours, theirs) = (&found["first_result"]["mnas"], &found["first_result"]["onnxruntime"]);
    assert!(number(&ours["from_process_start_ms"]) > 0.0);
    assert!(number(&theirs["from_import_ms"]) > number(&theirs["from_load_ms"]), "an import takes time: {theirs}");
    assert!(number(&ours["program_bytes"]) > 0.0);
    assert!((0.0..1e-5).contains(&number(&found["engines"]["onnxruntime"]["difference"])));
    if cfg!(target_os = "linux") {
        let [before, after] = ["memory_before_import_bytes", "peak_memory_bytes"].map(|key| number(&theirs[key]));
        assert!(0.0 < before && before < after, "{theirs}");
        // Of the program alone, not of the Python that its process was.
        assert!((1.0..before).contains(&number(&ours["peak_memory_bytes"])), "{ours}");
    }
    let table = folder.mnasc(&arguments).done().out;
    for words in
        ["\nmnas, from process start ", "\nonnxruntime, from import ", "\nonnxruntime, from loading the model "]
    {
        assert!(table.contains(words), "not said: {words}\n{table}");
    }
}

#[test]
fn a_missing_python_or_package_is_named() {
    let folder = Folder::new("no-python");
    folder
        .mnasc(&["bench", "tiny.yaml", "--against", "openvino", "--python", "./none"])
        .failed(3, &["cannot start `./none`", "`--python`"]);
    for arguments in [&["--against", "tract"][..], &["--start"], &["--rounds", "2"], &["--python", "python3"]] {
        let said = folder.mnasc(&[&["bench", "tiny.yaml"][..], arguments].concat());
        said.failed(2, &["--against"]);
    }
    folder.mnasc(&["bench", "tiny.yaml", "--against", "openvino", "--profile"]).failed(2, &["cannot be used with"]);
}

/// What follows is said by a shell in place of Python.
#[cfg(unix)]
fn with_shell(folder: &Folder, script: &str) -> Said {
    use std::os::unix::fs::PermissionsExt as _;
    folder.write("python", format!("#!/bin/sh\n# SCRIPT THREADS MODE ...\n{script}\n"));
    std::fs::set_permissions(folder.path("python"), std::fs::Permissions::from_mode(0o755)).unwrap();
    folder.mnasc(&["bench", "tiny.yaml", "--isa", "scalar", "--against", "onnxruntime", "--python", "./python"])
}

#[cfg(unix)]
#[test]
fn a_package_that_is_not_there_is_named() {
    let folder = Folder::new("no-package");
    let said = with_shell(&folder, r#"echo '{"python": "3", "numpy": "2", "versions": {"onnxruntime": null}}'"#);
    said.failed(3, &["`./python` has no package `onnxruntime`", "-m pip install onnxruntime"]);
    with_shell(&folder, "echo a mess").failed(3, &["gave no valid answer"]);
    with_shell(&folder, "echo why it failed >&2; exit 1").failed(3, &["why it failed"]);
}

#[cfg(unix)]
#[test]
fn other_outputs_are_a_difference() {
    let folder = Folder::new("different");
    let script = r#"
case $3 in
    probe) echo '{"python": "3", "numpy": "2", "processors": null, "versions": {"onnxruntime": "1"}}' ;;
    time) head -c 40 /dev/zero > "$7"; echo '{"times_ns": []}' ;;
esac"#;
    // Ten zeros for ten classes: as far off as the largest of ours.
    with_shell(&folder, script)
        .failed(1, &["outputs of onnxruntime differ", "by 1.0e0 of the largest", "mnasc verify"]);
}
