//! Mistakes in a build script, and what is left behind: nothing.

use super::rustc::{folder, write};
use mnas_codegen::build::Build;
use std::fs;
use std::path::Path;

fn error(build: Build, folder: &Path) -> String {
    build.out_dir(folder).try_compile("net").expect_err("it is wrong").to_string()
}

#[test]
fn mistakes_are_reported_and_leave_no_file() {
    let folder = folder("build-door");
    let out = folder.join("out");
    fs::create_dir(&out).expect("a folder to write to");
    write(
        &folder,
        "wrong.yaml",
        "name: wrong\ninput: 32x32x3\nstem: {op: conv, kernel: 4, stride: 2, filters: 8}\nblocks: []\n",
    );
    let wrong = error(Build::new(folder.join("wrong.yaml")), &out);
    assert!(wrong.contains("wrong.yaml:3:26") && wrong.contains("^"), "{wrong}");
    assert!(error(Build::new("specs/none.yaml"), &out).contains("cannot read"));
    assert!(error(Build::new("specs"), &out).contains("not a file"));
    let features = || Build::new("specs/features.yaml");
    let isa = error(features().isa("avx2,avx3"), &out);
    assert!(isa.contains("`avx3`") && isa.contains("`scalar`"), "{isa}");
    assert!(error(features().runtime("a b)"), &out).contains("not a path"));
    assert!(error(features().weights("specs/features.yaml"), &out).contains("its format is not known"));
    assert!(features().out_dir(&out).try_compile("../net").is_err());
    let left: Vec<_> = fs::read_dir(&out).expect("it is there").collect();
    assert!(left.is_empty(), "{left:?}");
    let files = features().out_dir(&out).try_compile("net").expect("nothing is wrong");
    assert!(files.code.is_file() && files.weights.is_none());
}
