//! An optimised build of a network has no branch that panics.
//!
//! The assembly of a library that exports nothing but inference must not call anything that it does not define, apart
//! from the functions that copy and fill memory; a panic would be a call into `core`.
#![cfg(target_arch = "x86_64")]

use super::rustc::{compile, folder, folder_with_features, read, write};
use mnas_codegen::build::Build;
use std::collections::BTreeSet;
use std::path::Path;

const LIBRARY: &str = r#"
#![no_std]
mod net {
    include!("features.rs");
}
use net::{Features, mnas_runtime::Workspace};

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

#[unsafe(no_mangle)]
pub extern "C" fn run(
    packed: &[f32; Features::WEIGHTS_LEN],
    workspace: &mut Workspace<{ Features::ARENA_LEN }>,
    image: &[f32; Features::INPUT_LEN],
    bytes: &[u8; Features::INPUT_LEN],
    output: &mut [f32; Features::OUTPUT_LEN],
) {
    Features::embedded().infer(workspace, image, output);
    if let Some(network) = Features::from_packed(packed) {
        network.infer_chw(workspace, image, output);
        network.infer_u8(workspace, bytes, output);
    }
}

#[cfg(control)]
#[unsafe(no_mangle)]
pub extern "C" fn control(values: &[f32; 4], at: usize) -> f32 {
    values[at]
}
"#;

/// Functions of the C library that compilers call by themselves.
const MEMORY: [&str; 5] = ["memcpy", "memmove", "memset", "memcmp", "bcmp"];

#[test]
fn inference_cannot_panic() {
    cannot_panic(&folder_with_features("panics"));
}

#[test]
fn inference_in_int8_cannot_panic() {
    let folder = folder("panics_int8");
    let features = Build::new("specs/features.yaml").weights("specs/features_int8.safetensors").standalone(true);
    features.out_dir(&folder).try_compile("features").expect("a good spec, and integers that fit");
    cannot_panic(&folder);
}

/// Looks at the code of `features.rs`.
fn cannot_panic(folder: &Path) {
    write(folder, "lib.rs", LIBRARY);
    let arguments =
        ["lib.rs", "--crate-type", "cdylib", "--emit", "asm", "--edition", "2024", "-O", "-C", "panic=abort"];
    let called = |more: &[&str]| {
        compile(folder, &[&arguments[..], more].concat());
        foreign_calls(&read(folder, "lib.s"))
    };
    // The scan sees a panic where there is one.
    let control = called(&["--cfg", "control", "-A", "unexpected_cfgs"]);
    assert!(control.iter().any(|name| name.contains("panic_bounds_check")), "{control:?}");
    assert_eq!(called(&["-A", "unexpected_cfgs"]), BTreeSet::new());
}

/// Names that are called or jumped to, and not defined.
fn foreign_calls(assembly: &str) -> BTreeSet<String> {
    let labels: BTreeSet<&str> = assembly.lines().filter_map(|line| line.strip_suffix(':')).collect();
    assert!(labels.contains("run"), "no assembly of the exported function");
    let target = |line: &str| {
        let (operation, operand) = line.trim().split_once(char::is_whitespace)?;
        if !operation.starts_with("call") && !operation.starts_with('j') {
            return None;
        }
        let operand = operand.trim().trim_start_matches('*').trim_start_matches("qword ptr [rip + ");
        let name = operand.split(['@', '(', ']']).next()?.trim();
        // Local labels start with a dot, registers with a percent sign.
        let is_name = !name.is_empty() && !name.starts_with(['.', '%']);
        (is_name && !labels.contains(name) && !MEMORY.contains(&name)).then(|| name.to_owned())
    };
    assembly.lines().filter_map(target).collect()
}
