//! `run`, `bench` and `verify`: what is built with rustc.

use crate::folder::{Folder, TINY};
use std::thread;

/// A .npy file as NumPy writes it, of values that differ everywhere.
fn npy(shape: &str, len: usize) -> Vec<u8> {
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}");
    header.extend(std::iter::repeat_n(' ', 117 - header.len()));
    let mut bytes = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
    bytes.extend(header.bytes());
    bytes.push(b'\n');
    bytes.extend((0..len).flat_map(|i| (((i * 37 + i * i % 101) % 200) as f32 / 50.0 - 2.0).to_le_bytes()));
    bytes
}

/// Values of a .npy file, whose header has 128 bytes.
fn values(file: &[u8]) -> Vec<f32> {
    file[128..].as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

#[track_caller]
fn assert_close(found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len());
    let largest = expected.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
    assert!(largest > 0.1, "{expected:?}");
    for (i, (a, b)) in found.iter().zip(expected).enumerate() {
        assert!((a - b).abs() <= 1e-5 * largest, "value {i}: {a} instead of {b}");
    }
}

#[test]
fn run_gives_what_the_reference_executor_gives() {
    let folder = Folder::new("run");
    folder.write("x.npy", npy("(2, 3, 32, 32)", 2 * 3 * 32 * 32));
    folder.write(
        "backbone.yaml",
        TINY.replace("head: {filters: 32, classes: 10}", "head: none").replace("labels: labels.txt\n", ""),
    );
    for (spec, shape, len) in [("tiny.yaml", "(2, 10)", 20), ("backbone.yaml", "(2, 16, 8, 8)", 2 * 16 * 8 * 8)] {
        let run = ["run", spec, "--random-weights", "5", "--input", "x.npy", "--output"];
        let said = folder.mnasc(&[&run[..], &["y.npy"]].concat()).done();
        assert_eq!(said.out, "", "progress goes to standard error");
        folder.mnasc(&[&run[..], &["expected.npy", "--interpret"]].concat()).done();
        let (y, expected) = (folder.read("y.npy"), folder.read("expected.npy"));
        assert!(String::from_utf8_lossy(&y).contains(&format!("'shape': {shape}")));
        assert_eq!(values(&expected).len(), len);
        assert_close(&values(&y), &values(&expected));
        folder.mnasc(&[&run[..], &["scalar.npy", "--isa", "scalar"]].concat()).done();
        assert_close(&values(&folder.read("scalar.npy")), &values(&expected));
    }
    folder.write("one.npy", npy("(3, 32, 32)", 3 * 32 * 32));
    let said =
        folder.mnasc(&["run", "tiny.yaml", "--random-weights", "5", "--input", "one.npy", "-o", "one_y.npy", "--json"]);
    assert_eq!(said.done().json()["shape"], serde_json::json!([1, 10]));
    assert_close(&values(&folder.read("one_y.npy")), &{
        folder.mnasc(&["run", "tiny.yaml", "--random-weights", "5", "--input", "x.npy", "-o", "y.npy"]).done();
        values(&folder.read("y.npy"))[..10].to_vec()
    });
}

#[test]
fn tensors_that_do_not_fit_are_refused() {
    let folder = Folder::new("tensors");
    let run = ["run", "tiny.yaml", "--random-weights", "5", "--output", "y.npy", "--input"];
    folder.write("small.npy", npy("(3, 16, 16)", 3 * 16 * 16));
    folder
        .mnasc(&[&run[..], &["small.npy"]].concat())
        .failed(2, &["has shape [3, 16, 16], the network takes (N, 3, 32, 32)"]);
    folder.write("hwc.npy", npy("(32, 32, 3)", 3 * 32 * 32));
    folder.mnasc(&[&run[..], &["hwc.npy"]].concat()).failed(2, &["channels come before rows and columns"]);
    folder.mnasc(&[&run[..], &["labels.txt"]].concat()).failed(2, &["cannot use `labels.txt`: it is no .npy file"]);
    folder.mnasc(&[&run[..], &["none.npy"]].concat()).failed(3, &["cannot read `none.npy`"]);
    assert!(!folder.path("y.npy").exists());
}

#[test]
fn bench_prints_one_json_object() {
    let folder = Folder::new("bench");
    let bench = folder.mnasc(&["bench", "tiny.yaml", "--runs", "7", "--isa", "scalar", "--json"]).done().json();
    let number = |key: &str| bench[key].as_f64().unwrap();
    assert!(
        0.0 < number("min_ms") && number("min_ms") <= number("median_ms") && number("median_ms") <= number("p90_ms")
    );
    assert_eq!([&bench["threads"], &bench["runs"]], [1, 7]);
    assert_eq!(bench["isa"], "scalar");
    let two = ["bench", "tiny.yaml", "--runs", "7", "--isa", "scalar", "--threads", "2", "--json"];
    let two = folder.mnasc(&two).done().json();
    assert_eq!([&two["threads"], &two["runs"]], [2, 7]);
    assert!(two["min_ms"].as_f64().unwrap() > 0.0);
    let again = folder.mnasc(&["bench", "tiny.yaml", "--runs", "7", "--isa", "scalar", "--random-weights", "9"]).done();
    assert_eq!(again.err, "", "the program is kept, and serves any weights");
    assert!(again.out.starts_with("tiny: median "), "{}", again.out);
}

#[test]
fn verify_compares_block_by_block() {
    let folder = Folder::new("verify");
    let said = folder.mnasc(&["verify", "tiny.yaml"]).done();
    assert!(said.out.contains("ok scalar: 6 blocks, largest difference "), "{}", said.out);
    let checked = folder.mnasc(&["verify", "tiny.yaml", "--checked", "--json", "--isa", "scalar"]).done().json();
    assert_eq!(checked["ok"], true);
    assert_eq!(checked["isas"][0]["blocks"].as_array().unwrap().len(), 6);
    // Several threads make the same bits, and so the same differences.
    let verify = |threads| {
        let arguments = ["verify", "tiny.yaml", "--json", "--isa", "scalar", "--threads", threads];
        folder.mnasc(&arguments).done().json()
    };
    assert_eq!(verify("3"), verify("1"));

    // Double and single precision never agree to the last bit.
    folder.mnasc(&["verify", "tiny.yaml", "--tolerance", "0", "--isa", "scalar"]).failed(
        1,
        &["scalar: block stem is the first that differs", "{op: conv, kernel: 3, stride: 2, filters: 8}", "instead of"],
    );
    let said = folder.mnasc(&["verify", "tiny.yaml", "--tolerance", "0", "--isa", "scalar", "--json"]);
    assert_eq!(said.code, Some(1));
    assert_eq!(said.json()["isas"][0]["first_different"], "stem");
}

#[test]
fn many_may_build_at_once() {
    let folder = Folder::new("concurrent");
    thread::scope(|scope| {
        let runs: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    let mut command =
                        folder.command(&["bench", "tiny.yaml", "--isa", "scalar", "--runs", "1", "--json"]);
                    command.env("MNAS_CACHE", folder.path("cache")).output().unwrap().status.code()
                })
            })
            .collect();
        for run in runs {
            assert_eq!(run.join().unwrap(), Some(0));
        }
    });
    let entries = std::fs::read_dir(folder.path("cache")).unwrap().count();
    assert_eq!(entries, 1, "one program, and nothing that was left behind");
}
