//! `import`, and ONNX files as weights.

use crate::folder::Folder;

/// A .npy file of 3 x 32 x 32 values that differ everywhere.
fn image() -> Vec<u8> {
    let mut header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3, 32, 32), }".to_owned();
    header.extend(std::iter::repeat_n(' ', 117 - header.len()));
    let mut bytes = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
    bytes.extend(header.bytes());
    bytes.push(b'\n');
    bytes.extend((0..3 * 32 * 32).flat_map(|i| (((i * 37 + i * i % 101) % 200) as f32 / 50.0 - 2.0).to_le_bytes()));
    bytes
}

fn values(file: &[u8]) -> Vec<f32> {
    file[128..].as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

#[track_caller]
fn assert_close(found: &[f32], expected: &[f32]) {
    let largest = expected.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
    assert!(largest > 0.1 && found.len() == expected.len(), "{expected:?}");
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() <= 1e-4 * largest, "{found:?} instead of {expected:?}");
    }
}

#[test]
fn an_exported_network_comes_back_and_computes_the_same() {
    let folder = Folder::new("import");
    folder.write("x.npy", image());
    let run = |arguments: &[&str]| {
        let all = [&["run"], arguments, &["--input", "x.npy", "--output", "y.npy"]].concat();
        folder.mnasc(&all).done();
        values(&folder.read("y.npy"))
    };
    let expected = run(&["tiny.yaml", "--random-weights", "4", "--interpret"]);
    folder.mnasc(&["tiny.yaml", "--onnx", "tiny.onnx", "--random-weights", "4"]).done();
    let said = folder.mnasc(&["import", "tiny.onnx", "-o", "net.yaml", "--weights", "net.safetensors"]).done();
    assert_eq!(said.out, "");
    let yaml = String::from_utf8(folder.read("net.yaml")).unwrap();
    assert!(yaml.starts_with("name: net\ninput: 32x32x3\npreprocess: {mean: [0.485, 0.456, 0.406]"), "{yaml}");
    assert!(yaml.contains("  - {op: mbconv, expand: 6, kernel: 3, stride: 2, filters: 16, se: 0.25}\n"), "{yaml}");
    // Generated code, of the imported spec and weights.
    assert_close(&run(&["net.yaml", "--weights", "net.safetensors"]), &expected);
    // The file itself as weights, which has no names of batch norms; and a control.
    assert_close(&run(&["tiny.yaml", "--weights", "tiny.onnx", "--interpret"]), &expected);
    let other = run(&["tiny.yaml", "--random-weights", "5", "--interpret"]);
    assert!(other.iter().zip(&expected).any(|(a, b)| (a - b).abs() > 1e-2));

    let printed = folder.mnasc(&["import", "tiny.onnx", "-o", "-", "--name", "Tiny Net 2"]).done();
    assert_eq!(printed.out, yaml.replace("name: net\n", "name: tiny_net_2\n"));
    folder.mnasc(&["inspect", "tiny.onnx"]).done();
}

#[test]
fn other_files_are_refused_and_nothing_is_written() {
    let folder = Folder::new("import_refused");
    let import = |model: &str| folder.mnasc(&["import", model, "-o", "net.yaml", "--weights", "net.safetensors"]);
    import("tiny.yaml").failed(2, &["cannot read `tiny.yaml`: it is not a valid ONNX file"]);
    import("none.onnx").failed(3, &["cannot read `none.onnx`"]);
    folder.write("empty.onnx", "");
    import("empty.onnx").failed(2, &["the file has no graph"]);
    folder.mnasc(&["tiny.yaml", "--onnx", "tiny.onnx", "--random-weights", "4"]).done();
    folder.mnasc(&["import", "tiny.onnx", "-o", "tiny.onnx"]).failed(2, &["would overwrite"]);
    folder.mnasc(&["import", "tiny.onnx", "-o", "a", "--weights", "a"]).failed(2, &["two outputs have the same name"]);
    let mut bytes = folder.read("tiny.onnx");
    let at = bytes.windows(4).position(|window| window == b"Relu").unwrap();
    bytes[at..at + 4].copy_from_slice(b"Tanh");
    folder.write("tanh.onnx", bytes);
    import("tanh.onnx")
        .failed(2, &["1 problem:\n  node 2 of ", ", Tanh `stem/conv/relu`: a spec cannot have this operator"]);
    folder
        .mnasc(&["tiny.yaml", "-o", "x.rs", "--weights", "tanh.onnx"])
        .failed(2, &["do not fit network `tiny`", "nor do its layers fit, whatever their names: 1 problem"]);
    let names = ["empty.onnx", "labels.txt", "tanh.onnx", "tiny.onnx", "tiny.yaml"];
    assert_eq!(folder.names(), names);
}

#[cfg(unix)]
#[test]
fn no_link_leads_out_of_a_models_folder() {
    // A constant with its data in `w.bin`.
    let field = |number: u8, bytes: &[u8]| [&[number << 3 | 2, bytes.len() as u8], bytes].concat();
    let location = [field(1, b"location"), field(2, b"w.bin")].concat();
    let tensor = [&[8, 1, 0x10, 1, 0x70, 1][..], &field(8, b"w"), &field(13, &location)].concat();
    let model = [&[8, 8][..], &field(7, &field(5, &tensor)), &field(8, &[0x10, 17])].concat();

    let folder = Folder::new("import_links");
    std::fs::create_dir(folder.path("model")).unwrap();
    folder.write("model/m.onnx", model);
    folder.write("secret", [0; 4]);
    std::os::unix::fs::symlink("../secret", folder.path("model/w.bin")).unwrap();
    let import = || folder.mnasc(&["import", "model/m.onnx", "-o", "net.yaml"]);
    import().failed(2, &["has constants in `model/w.bin`, a link out of the model's folder"]);
    // As controls: a link within the folder, the file itself, and none.
    std::fs::remove_file(folder.path("model/w.bin")).unwrap();
    import().failed(3, &["cannot read `model/w.bin`"]);
    folder.write("model/inside", [0; 4]);
    std::os::unix::fs::symlink("inside", folder.path("model/w.bin")).unwrap();
    import().failed(2, &["the network has 0 inputs"]);
}
