//! A large network, optimised, runs on a small stack.

use super::rustc::{compile, folder, write};
use mnas_codegen::build::Build;
use std::process::Command;

/// The workspace lies in a `static`; `boxed` belongs to a feature that a file which stands alone does not have.
const PROGRAM: &str = r#"
mod net {
    include!("a1.rs");
}
use net::{MnasnetA1, mnas_runtime::Workspace};
use std::sync::Mutex;

static WORKSPACE: Mutex<Workspace<{ MnasnetA1::ARENA_LEN }>> = Mutex::new(Workspace::new());
static IMAGE: [f32; MnasnetA1::INPUT_LEN] = [0.5; MnasnetA1::INPUT_LEN];

fn run() {
    let mut output = [f32::NAN; MnasnetA1::OUTPUT_LEN];
    MnasnetA1::embedded().infer(&mut WORKSPACE.lock().unwrap(), &IMAGE, &mut output);
    assert!(output.iter().all(|v| v.is_finite()));
}

fn main() {
    std::thread::Builder::new().stack_size(128 << 10).spawn(run).unwrap().join().unwrap();
}
"#;

#[test]
fn mnasnet_a1_runs_on_a_small_stack() {
    let folder = folder("stack");
    let network = Build::new("../specs/mnasnet_a1.yaml").random_weights(1).standalone(true);
    network.out_dir(&folder).try_compile("a1").expect("a good spec");
    write(&folder, "main.rs", PROGRAM);
    compile(&folder, &["main.rs", "--edition", "2024", "-O"]);
    assert!(Command::new(folder.join("main")).status().expect("a program").success());
}
