//! What the macro says about mistakes, and where.
//!
//! For Unix: one case is a symbolic link.
//!
//! The crate that these cases are compiled as lies in the target folder; files that the macro reads have to lie there.
#![cfg(unix)]

use mnas_codegen::weights::{self, Weights};
use mnas_tests::safetensors;
use std::fs;
use std::path::Path;

const WRONG: &str = "\
name: wrong
input: 32x32x3
stem: {op: conv, kernel: 4, stride: 2, filters: 8}
blocks:
  - {op: mbconv, expand: 6, kernel: 3, stride: 3, filters: 16, layer: 2}
head: {classes: 10}
";

const TINY: &str = "\
name: tiny
input: 32x32x3
stem: {op: conv, kernel: 3, stride: 2, filters: 8}
blocks:
  - {op: sepconv, kernel: 3, filters: 8}
head: {classes: 10}
";

const WRONG_SCHEDULE: &str = "\
zen:
  avx2:
    block 32x32x8 depthwise k3 s1 to 32x32x8: {row_block: 5}
    linear 8 to 10: {tile: 1x1/1}
";

#[test]
fn mistakes_are_reported_on_their_tokens() {
    // Cargo has a folder for tests in the target folder; trybuild's is another.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the target folder");
    let crate_folder = target.join("tests/trybuild/mnas-tests");
    let specs = crate_folder.join("specs");
    fs::create_dir_all(&specs).expect("a folder to write to");
    let write = |name: &str, content: &[u8]| fs::write(specs.join(name), content).expect("a folder to write to");
    write("wrong.yaml", WRONG.as_bytes());
    write("tiny.yaml", TINY.as_bytes());
    write("latin1.yaml", b"name: caf\xe9\n");
    write("wrong.safetensors", &safetensors(&wrong_weights()));
    write("text.safetensors", b"these are not weights");
    write("wrong.schedule.yaml", WRONG_SCHEDULE.as_bytes());
    write("two.schedule.yaml", b"a:\n  avx2:\n    block: {row_block: all}\nb:\n");
    let outside = Path::new(env!("CARGO_TARGET_TMPDIR")).join("outside.yaml");
    fs::write(&outside, WRONG).expect("a folder to write to");
    let link = specs.join("link.yaml");
    if link.is_symlink() {
        fs::remove_file(&link).expect("a link of ours");
    }
    std::os::unix::fs::symlink(outside, link).expect("a link");
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}

/// One missing, one extra, one of another shape, one not finite.
fn wrong_weights() -> Weights {
    let (_, network) = mnas_dsl::load_yaml(TINY, "tiny.yaml").expect("a good spec");
    let mut weights = weights::random(&network, 1);
    let tensor = weights.remove("classifier.bias").expect("a tensor of the network");
    weights.insert("classifier.bais".to_owned(), tensor);
    weights.get_mut("stem.conv.weight").expect("a tensor of the network").shape = vec![3, 8, 3, 3];
    weights.get_mut("classifier.weight").expect("a tensor of the network").data[7] = f32::NAN;
    weights
}
