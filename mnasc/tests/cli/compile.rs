//! `mnasc SPEC -o`, `--onnx`, `--emit`, `--check`.

use crate::folder::{Folder, Said, TINY};
use std::fs;
use std::process::Command;

#[test]
fn the_same_spec_gives_the_same_bytes_from_any_folder() {
    let folders = ["bytes-a", "bytes-b"].map(Folder::new);
    for folder in &folders {
        folder.mnasc(&["tiny.yaml", "-o", "tiny.rs", "--random-weights", "1", "--onnx", "tiny.onnx"]).done();
    }
    let [a, b] = &folders;
    for name in ["tiny.rs", "tiny.weights", "tiny.onnx"] {
        assert!(!a.read(name).is_empty());
        assert_eq!(a.read(name), b.read(name), "{name}");
    }
    let text = String::from_utf8(a.read("tiny.rs")).unwrap();
    assert!(text.contains("include_bytes!(\"tiny.weights\")"));
    assert_eq!(a.names(), ["labels.txt", "tiny.onnx", "tiny.rs", "tiny.weights", "tiny.yaml"], "nothing else is left");
}

#[test]
fn check_tells_stale_files_and_writes_nothing() {
    let folder = Folder::new("stale");
    let write = ["tiny.yaml", "-o", "tiny.rs", "--random-weights", "1"];
    let check = [&write[..], &["--check"]].concat();
    folder.mnasc(&check).failed(1, &["`tiny.weights`, `tiny.rs`", "without `--check`"]);
    assert_eq!(folder.names(), ["labels.txt", "tiny.yaml"]);
    folder.mnasc(&write).done();
    assert_eq!(folder.mnasc(&check).done().err, "");

    let other_weights = ["tiny.yaml", "-o", "tiny.rs", "--random-weights", "2", "--check"];
    let said = folder.mnasc(&other_weights).failed(1, &["`tiny.weights`"]);
    assert!(!said.err.contains("tiny.rs"), "the code is the same: {}", said.err);
    folder.mnasc(&[&check[..], &["--checked"]].concat()).failed(1, &["`tiny.rs`"]);

    folder.write("tiny.yaml", TINY.replace("classes: 10", "classes: 11"));
    folder.mnasc(&check).failed(1, &["`tiny.weights`, `tiny.rs`"]);
    folder.mnasc(&write).done();
    folder.mnasc(&check).done();
}

#[test]
fn stages_are_printed() {
    let folder = Folder::new("emit");
    let emit = |stage: &str| folder.mnasc(&["tiny.yaml", "--emit", stage]).done().out;
    assert!(emit("spec").contains("name: tiny"));
    folder.write("again.yaml", emit("spec"));
    assert_eq!(folder.mnasc(&["again.yaml", "--emit", "spec"]).done().out, emit("spec"), "the spec is read back");
    assert!(emit("graph").contains("blocks.1.0/depthwise"));
    assert!(emit("plan").contains("blocks.1.0"));
    let rust = emit("rust");
    assert!(rust.contains("pub struct Tiny"));
    assert_eq!(folder.mnasc(&["tiny.yaml", "-o", "-"]).done().out, rust);

    let onnx = folder.command(&["tiny.yaml", "--emit", "onnx", "--random-weights", "4"]).output().unwrap().stdout;
    folder.mnasc(&["tiny.yaml", "--onnx", "tiny.onnx", "--random-weights", "4"]).done();
    assert_eq!(folder.read("tiny.onnx"), onnx);
    let has_norms = |name: &str| folder.read(name).windows(18).any(|bytes| bytes == b"BatchNormalization");
    assert!(!has_norms("tiny.onnx"));
    folder.mnasc(&["tiny.yaml", "--onnx", "unfolded.onnx", "--unfolded", "--random-weights", "4"]).done();
    assert!(has_norms("unfolded.onnx"));
    for arguments in [&["--emit", "onnx"][..], &["--onnx", "x.onnx"]] {
        folder
            .mnasc(&[&["tiny.yaml"], arguments].concat())
            .failed(2, &["`--weights FILE`, or `--random-weights SEED`"]);
    }
}

#[test]
fn standalone_files_compile_alone_and_without_warnings() {
    let folder = Folder::new("standalone");
    for (edition, threaded) in [("2021", false), ("2024", false), ("2021", true), ("2024", true)] {
        let arguments = ["tiny.yaml", "-o", "out.rs", "--standalone", "--random-weights", "1", "--threaded"];
        folder.mnasc(&arguments[..if threaded { 7 } else { 6 }]).done();
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let output = Command::new(rustc)
            .args(["-O", "--crate-type", "lib", "out.rs", "-D", "warnings", "--edition", edition])
            .current_dir(folder.path(""))
            .output()
            .unwrap();
        Said::of(output).done();
    }
}

#[test]
fn options_reach_the_code() {
    let folder = Folder::new("options");
    let header = |arguments: &[&str]| {
        let said = folder.mnasc(&[&["tiny.yaml", "--emit", "rust"], arguments].concat()).done();
        said.out.lines().nth(1).unwrap_or_default().to_owned()
    };
    assert!(header(&["--isa", "scalar", "--checked"]).ends_with("--isa scalar --checked"));
    assert!(header(&["--isa", "scalar", "--threaded"]).ends_with("--isa scalar --threaded"));
    assert!(header(&["--arch", "aarch64"]).ends_with("--isa scalar"));
    assert!(header(&[]).contains("avx2"), "the default does not depend on the machine");
    assert!(header(&["--isa", "scalar,avx2"]).ends_with("--isa avx2,scalar"));
}

#[cfg(unix)]
#[test]
fn links_are_followed_and_devices_written_to() {
    let folder = Folder::new("links");
    folder.write("real.rs", "old");
    std::os::unix::fs::symlink("real.rs", folder.path("link.rs")).unwrap();
    folder.mnasc(&["tiny.yaml", "-o", "link.rs"]).done();
    assert!(folder.path("link.rs").is_symlink());
    assert!(String::from_utf8(folder.read("real.rs")).unwrap().contains("pub struct Tiny"));
    folder.mnasc(&["tiny.yaml", "-o", "/dev/null"]).done();
    assert!(!fs::metadata("/dev/null").unwrap().is_file());
}
