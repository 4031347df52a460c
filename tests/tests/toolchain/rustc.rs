//! Runs `rustc` in a folder of its own.

use mnas_codegen::build::Build;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{env, fs};

/// A folder for one test, with the network of all features in it as `features.rs`, which stands alone.
pub(crate) fn folder_with_features(name: &str) -> PathBuf {
    let folder = folder(name);
    let features = Build::new("specs/features.yaml").weights("specs/features.safetensors").standalone(true);
    features.out_dir(&folder).try_compile("features").expect("a good spec, and weights that fit");
    folder
}

/// An empty folder.
pub(crate) fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder).expect("a folder of ours");
    }
    fs::create_dir_all(&folder).expect("a folder to write to");
    folder
}

pub(crate) fn write(folder: &Path, name: &str, content: impl AsRef<[u8]>) {
    fs::write(folder.join(name), content).expect("a folder to write to");
}

pub(crate) fn read(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).expect("a text file")
}

pub(crate) fn rustc(folder: &Path, arguments: &[&str]) -> Output {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    Command::new(rustc).args(arguments).current_dir(folder).output().expect("rustc")
}

/// Runs `rustc`, which has to succeed without a word.
pub(crate) fn compile(folder: &Path, arguments: &[&str]) {
    let output = rustc(folder, arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && errors.is_empty(), "rustc {arguments:?}:\n{errors}");
}
