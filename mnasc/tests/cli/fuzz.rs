//! `fuzz`: networks that agree, and a compiler that is wrong on purpose.

use crate::folder::Folder;

#[test]
fn networks_agree() {
    let folder = Folder::new("fuzz");
    let said = folder.mnasc(&["fuzz", "--specs", "3", "--seed", "9"]).done();
    assert!(said.out.starts_with("ok 3 networks on "), "{}", said.out);
    let said = folder.mnasc(&["fuzz", "tiny.yaml", "--l2", "8192", "--isa", "scalar", "--checked"]).done();
    assert_eq!(said.out, "ok 1 networks on scalar: every step agrees\n");
    assert_eq!(folder.names(), ["labels.txt", "tiny.yaml"]);
}

#[test]
fn mistakes_are_told() {
    let folder = Folder::new("fuzz_mistakes");
    folder.mnasc(&["fuzz", "none.yaml"]).failed(3, &["cannot read `none.yaml`"]);
    folder.mnasc(&["fuzz", "--specs", "0"]).failed(2, &["--specs"]);
    folder.mnasc(&["fuzz", "--l2", "4096"]).failed(2, &["SPEC"]);
    folder.mnasc(&["fuzz", "--keep", "tiny.yaml"]).failed(3, &["cannot create the folder `tiny.yaml`"]);
    let mut command = folder.command(&["fuzz", "tiny.yaml"]);
    let said = crate::folder::Said::of(command.env("RUSTC", "no/rustc").output().unwrap());
    said.failed(3, &["cannot start `no/rustc`", "$RUSTC"]);
}

/// A rustc that takes the smaller of two numbers for the larger.
#[cfg(unix)]
#[test]
fn a_wrong_network_is_found_shrunk_and_written() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new("fuzz_wrong");
    folder.write("rustc", "#!/bin/sh\nsed -i 's/simd *:: *max/simd :: min/g' n*.rs\nexec rustc \"$@\"\n");
    let script = folder.path("rustc");
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mnasc =
        |arguments: &[&str]| crate::folder::Said::of(folder.command(arguments).env("RUSTC", &script).output().unwrap());
    let said = mnasc(&["fuzz", "tiny.yaml", "--isa", "scalar", "--seed", "5", "--keep", "found"]);
    let words =
        ["1 of 1 networks fail", "scalar: step ", "faulty part: the schedule or the kernels of scalar", "blocks:\n"];
    said.failed(1, &words);
    let kept = String::from_utf8(folder.read("found/tiny.yaml")).unwrap();
    // One layer behind the stem, and a ReLU somewhere.
    let spec = mnas_dsl::load_yaml(&kept, "kept").unwrap().1;
    assert_eq!(spec.layers.len(), 2, "{kept}");
    assert!(!kept.contains("activation: linear\nstem: {op: conv, kernel: 1, filters: 1}"), "{kept}");
    let again = kept.lines().find_map(|line| line.strip_prefix("# mnasc ")).expect("the command that reproduces it");
    let again: Vec<&str> = again.split(' ').collect();
    mnasc(&again).failed(1, &["scalar: step "]);
    folder.mnasc(&again).done();
}
