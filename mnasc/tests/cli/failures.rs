//! What goes wrong, and how it is said: 2 for bad input, 3 for what the system refuses, never a panic.

use crate::folder::{Folder, Said, TINY};
use std::process::Stdio;

#[test]
fn bad_specs_are_drawn() {
    let folder = Folder::new("bad-specs");
    folder.write("even.yaml", TINY.replace("kernel: 5", "kernel: 4"));
    folder.mnasc(&["even.yaml", "-o", "out.rs"]).failed(2, &["even.yaml:9:", "kernel: 4", "^"]);
    folder.write("latin.yaml", b"name: tiny\nlabels: caf\xe9\n");
    folder.mnasc(&["check", "latin.yaml"]).failed(2, &["not UTF-8", "latin.yaml:2:12", "labels: caf"]);
    folder.write("large.yaml", vec![b'#'; 100 << 20]);
    folder.mnasc(&["check", "large.yaml"]).failed(2, &["more than 2 MB", "`--weights`"]);
    folder.write("binary.yaml", [0; 64]);
    folder.mnasc(&["check", "binary.yaml"]).failed(2, &["binary.yaml"]);
    folder.write("empty.yaml", "");
    folder.mnasc(&["check", "empty.yaml"]).failed(2, &["empty.yaml"]);
    assert!(!folder.path("out.rs").exists());
}

#[test]
fn flags_are_checked() {
    let folder = Folder::new("flags");
    for (arguments, words) in [
        (&["tiny.yaml"][..], "--output"),
        (&["-o", "x.rs"], "SPEC"),
        (&["chekc", "tiny.yaml"], "a similar subcommand exists: 'check'"),
        (&["tiny.yaml", "-o", "x.rs", "--isa", "mmx"], "[possible values: "),
        (&["tiny.yaml", "-o", "x.rs", "--isa", "avx2", "--arch", "aarch64"], "`--arch x86_64` goes with it"),
        (&["tiny.yaml", "-o", "x.rs", "--weights", "w", "--random-weights", "1"], "cannot be used with"),
        (&["tiny.yaml", "-o", "x.rs", "--emit", "plan"], "cannot be used with"),
        (&["tiny.yaml", "--emit", "plan", "--random-weights", "1"], "holds no weights"),
        (&["tiny.yaml", "-o", "-", "--random-weights", "1"], "without weights"),
        (&["tiny.yaml", "-o", "x.weights", "--random-weights", "1"], "end the output's name in `.rs`"),
        (&["tiny.yaml", "-o", "x", "--onnx", "x", "--random-weights", "1"], "the same name"),
        (&["run", "tiny.yaml", "--image", "x.png"], "--weights"),
        (&["run", "tiny.yaml", "--random-weights", "1"], "--image"),
        (&["run", "tiny.yaml", "--random-weights", "1", "--input", "x.npy"], "--output"),
        (&["bench", "tiny.yaml", "--runs", "0"], "--runs"),
        (&["verify", "tiny.yaml", "--tolerance", "-1"], "--tolerance"),
    ] {
        folder.mnasc(arguments).failed(2, &[words]);
    }
    assert_eq!(folder.names(), ["labels.txt", "tiny.yaml"]);
}

#[test]
fn inputs_are_never_overwritten() {
    let folder = Folder::new("overwrite");
    folder.mnasc(&["tiny.yaml", "-o", "tiny.yaml"]).failed(2, &["would overwrite `tiny.yaml`"]);
    folder
        .mnasc(&["tiny.yaml", "-o", "../overwrite.rs", "--onnx", "./tiny.yaml", "--random-weights", "1"])
        .failed(2, &["would overwrite"]);
    folder.write("tiny.weights", "weights");
    folder.mnasc(&["tiny.yaml", "-o", "tiny.rs", "--weights", "tiny.weights"]).failed(2, &["tiny.weights"]);
    assert_eq!(folder.read("tiny.weights"), b"weights");
    assert_eq!(folder.read("tiny.yaml"), TINY.as_bytes());
}

#[test]
fn weights_that_do_not_fit_are_listed() {
    let folder = Folder::new("weights");
    folder.write("text.pth", "no weights");
    folder
        .mnasc(&["tiny.yaml", "-o", "x.rs", "--weights", "text.pth"])
        .failed(2, &["cannot read weights from `text.pth`"]);
    let header = br#"{"stem.conv.weight":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#;
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header);
    file.extend([0; 4]);
    folder.write("other.safetensors", file);
    folder
        .mnasc(&["tiny.yaml", "-o", "x.rs", "--weights", "other.safetensors"])
        .failed(2, &["do not fit network `tiny`", "missing: `", "`stem.conv.weight`"]);
    folder.mnasc(&["tiny.yaml", "-o", "x.rs", "--weights", "none.pth"]).failed(3, &["cannot read `none.pth`"]);
    assert!(!folder.path("x.rs").exists());
}

#[test]
fn the_system_may_refuse() {
    let folder = Folder::new("system");
    folder.mnasc(&["none.yaml", "-o", "x.rs"]).failed(3, &["cannot read `none.yaml`"]);
    folder.mnasc(&["check", "."]).failed(3, &["cannot read `.`"]);
    folder.mnasc(&["tiny.yaml", "-o", "no/such/x.rs"]).failed(3, &["cannot write `no/such/x.rs`"]);
    std::fs::create_dir(folder.path("folder.rs")).unwrap();
    folder.mnasc(&["tiny.yaml", "-o", "folder.rs"]).failed(3, &["it is a folder"]);
    // The weights were complete, the code had no place: neither is written.
    std::fs::create_dir(folder.path("both.rs")).unwrap();
    folder.mnasc(&["tiny.yaml", "-o", "both.rs", "--random-weights", "1"]).failed(3, &["it is a folder"]);
    assert_eq!(folder.names(), ["both.rs", "folder.rs", "labels.txt", "tiny.yaml"]);
}

#[test]
fn without_rustc_there_is_the_reference_executor() {
    let folder = Folder::new("rustc");
    let mut command = folder.command(&["bench", "tiny.yaml"]);
    let said = Said::of(command.env("RUSTC", folder.path("none")).output().unwrap());
    said.failed(3, &["cannot start rustc", "--interpret"]);
}

#[cfg(target_os = "linux")]
#[test]
fn standard_output_may_be_closed_or_full() {
    let folder = Folder::new("stdout");
    let mut child =
        folder.command(&["tiny.yaml", "--emit", "rust"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let said = Said::of(child.wait_with_output().unwrap()).done();
    assert_eq!(said.err, "");

    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = folder.command(&["tiny.yaml", "--emit", "rust"]).stdout(full).output().unwrap();
    Said::of(output).failed(3, &["cannot write to standard output"]);
    folder.mnasc(&["tiny.yaml", "-o", "/dev/full"]).failed(3, &["cannot write `/dev/full`"]);
}
