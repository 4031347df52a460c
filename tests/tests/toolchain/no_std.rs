//! A program without the standard library, an allocator or a stack worth mentioning runs a network.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use super::rustc::{compile, folder_with_features, write};
use mnas_codegen::weights;
use mnas_codegen::{compile::fused_graph, reference};
use std::process::Command;

/// Ends with 0 if every output is as near to the reference as it should be; with 1, or by a signal, if not.
const PROGRAM: &str = r#"
#![no_std]
#![no_main]
#![deny(warnings)]

mod net {
    include!("features.rs");
}
use net::{Features, mnas_runtime::{AlignedBytes, Workspace}};

// For the code that calls `main`, and for `memcpy`.
#[link(name = "c")]
unsafe extern "C" {}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

// `core` was compiled for programs that unwind, and names this; nothing here does, and nothing calls it.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

static NETWORK: Features<'static> = Features::embedded();
static mut WORKSPACE: Workspace<{ Features::ARENA_LEN }> = Workspace::new();
static IMAGE: AlignedBytes<{ Features::INPUT_LEN * 4 }> = AlignedBytes(*include_bytes!("image"));
static EXPECTED: AlignedBytes<{ Features::OUTPUT_LEN * 4 }> = AlignedBytes(*include_bytes!("expected"));

#[unsafe(no_mangle)]
extern "C" fn main(arguments: i32) -> i32 {
    // SAFETY: `main` runs once, and nothing else names the workspace.
    let workspace = unsafe { &mut *(&raw mut WORKSPACE) };
    let mut output = [f32::NAN; Features::OUTPUT_LEN];
    NETWORK.infer(workspace, IMAGE.floats(), &mut output);
    // An argument spoils an output, to show that this program sees it.
    output[0] += (arguments - 1) as f32;
    let expected: &[f32; Features::OUTPUT_LEN] = EXPECTED.floats();
    let largest = expected.iter().fold(0.0f32, |most, v| if v.abs() > most { v.abs() } else { most });
    let near = |(a, b): (&f32, &f32)| (a - b).abs() <= 1e-5 * largest;
    if output.iter().zip(expected).all(near) { 0 } else { 1 }
}
"#;

fn bytes(floats: &[f32]) -> Vec<u8> {
    floats.iter().flat_map(|v| v.to_le_bytes()).collect()
}

#[test]
fn a_program_without_std_runs_a_network() {
    let folder = folder_with_features("no-std");
    let (_, network) = mnas_dsl::load_yaml(include_str!("../../specs/features.yaml"), "").expect("a good spec");
    let file = include_bytes!("../../specs/features.safetensors");
    let weights = weights::load(file, "", &network).expect("weights that fit");
    let image = mnas_tests::image(network.input.len(), 1);
    let outputs = reference::run(&fused_graph(&network), &weights, &image).expect("an image that fits");
    let expected: Vec<f32> = outputs.output().iter().map(|v| *v as f32).collect();
    write(&folder, "image", bytes(&image));
    write(&folder, "expected", bytes(&expected));
    write(&folder, "main.rs", PROGRAM);
    compile(&folder, &["main.rs", "--edition", "2024", "-O", "-C", "panic=abort"]);
    for arguments in [&[][..], &["wrong"]] {
        let status = Command::new(folder.join("main")).args(arguments).status().expect("a program");
        assert_eq!(status.code(), Some(arguments.len() as i32));
    }
}
