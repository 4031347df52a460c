//! Generated code compiles whatever its type is called, and whatever names surround it.

use mnas_codegen::compile::{Item, Options, compile};
use mnas_codegen::emit::file;
use quote::{format_ident, quote};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

const NET: &str = "\
name: net
input: 8x8x3
preprocess: {mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5]}
stem: {op: conv, kernel: 3, stride: 2, filters: 8}
blocks:
  - {op: mbconv, expand: 2, kernel: 3, filters: 8, se: 0.25}
head: {classes: 3}
";

/// Names of the prelude and of primitive types. The type gets each, and a module around it has all others.
const NAMES: [&str; 22] = [
    "Option", "Some", "None", "Result", "Ok", "Err", "FnMut", "Send", "Sync", "Sized", "Clone", "Copy", "Default",
    "Vec", "f32", "u8", "u64", "usize", "bool", "str", "Cell", "Worker",
];

/// The network as a type of this name, for several threads and with weights in the code.
fn network(name: &str) -> String {
    let (spec, network) = mnas_dsl::load_yaml(NET, "net.yaml").expect("a good spec");
    let weights = mnas_codegen::weights::random(&network, 1);
    let item = Item { ident: format_ident!("{name}"), visibility: quote!(pub), attributes: quote!() };
    let options =
        Options { item: Some(item), threaded: true, runtime: Some(quote!(crate::mnas_runtime)), ..Options::default() };
    let compiled = compile(&spec, &network, Some(&weights), &options).expect("it compiles");
    compiled.tokens().to_string()
}

/// The module `around` has a type of each name but `but`.
fn shadows(but: &str) -> String {
    NAMES.iter().filter(|name| **name != but).fold(String::new(), |mut text, name| {
        let _ = writeln!(text, "    pub struct {name};");
        text
    })
}

/// What rustc says of a library: nothing if it compiles.
fn rustc(folder: &str, text: &str) -> String {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder);
    fs::create_dir_all(&folder).expect("a folder to write to");
    fs::write(folder.join("lib.rs"), text).expect("a folder to write to");
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc)
        .current_dir(&folder)
        .args([
            "--edition",
            "2024",
            "--crate-type",
            "lib",
            "--emit",
            "metadata",
            "--cap-lints",
            "allow",
            "--error-format",
            "short",
        ])
        .args(["--cfg", "feature=\"std\"", "--cfg", "feature=\"alloc\"", "lib.rs"])
        .output();
    String::from_utf8_lossy(&output.expect("rustc runs").stderr).into_owned()
}

#[test]
fn any_name_compiles_among_types_of_all_others() {
    let mut text = file::runtime(file::Number::Int8);
    for (index, name) in NAMES.iter().enumerate() {
        let _ = writeln!(text, "mod around{index} {{\n{}{}\n}}", shadows(name), network(name));
    }
    let _ = writeln!(text, "mod macros {{\n    macro_rules! include_bytes {{ () => {{}} }}\n{}\n}}", network("Net"));
    let errors = rustc("hygiene", &text);
    assert!(errors.is_empty(), "{errors}");
}

#[test]
fn a_name_that_is_shadowed_and_used_is_an_error() {
    let text = format!("mod around {{\n{}    pub fn used() -> Option<f32> {{ None }}\n}}\n", shadows(""));
    assert!(rustc("hygiene_control", &text).contains("error"), "the control compiles");
}
