//! Every shipped network, optimised, runs on a small stack.

use super::rustc::{compile, folder, write};
use mnas_codegen::build::Build;
use std::fmt::Write as _;
use std::process::Command;

/// Module of the program and type of each shipped spec.
const NETWORKS: [(&str, &str); 6] = [
    ("mnasnet_a1", "MnasnetA1"),
    ("mnasnet_b1", "MnasnetB1"),
    ("mnasnet_small", "MnasnetSmall"),
    ("mobilenet_v1", "MobilenetV1"),
    ("mobilenet_v2", "MobilenetV2"),
    ("efficientnet_lite0", "EfficientnetLite0"),
];

/// The workspace lies in a `static`; `boxed` belongs to a feature that a file which stands alone does not have.
const RUN: &str = r#"
macro_rules! run {
    ($module:ident, $net:ident) => {{
        use $module::{$net, mnas_runtime::Workspace};
        static WORKSPACE: std::sync::Mutex<Workspace<{ $net::ARENA_LEN }>> = std::sync::Mutex::new(Workspace::new());
        static IMAGE: [f32; $net::INPUT_LEN] = [0.5; $net::INPUT_LEN];
        let run = || {
            let mut output = [f32::NAN; $net::OUTPUT_LEN];
            $net::embedded().infer(&mut WORKSPACE.lock().unwrap(), &IMAGE, &mut output);
            assert!(output.iter().all(|v| v.is_finite()));
        };
        std::thread::Builder::new().stack_size(128 << 10).spawn(run).unwrap().join().unwrap();
    }};
}
"#;

#[test]
fn shipped_networks_run_on_a_small_stack() {
    let folder = folder("stack");
    let (mut modules, mut calls) = (String::new(), String::new());
    for (name, net) in NETWORKS {
        let network = Build::new(format!("../specs/{name}.yaml")).random_weights(1).standalone(true);
        network.out_dir(&folder).try_compile(name).expect("a good spec");
        let _ = writeln!(modules, "mod {name} {{ include!(\"{name}.rs\"); }}");
        let _ = writeln!(calls, "    run!({name}, {net});");
    }
    write(&folder, "main.rs", format!("{modules}{RUN}\nfn main() {{\n{calls}}}\n"));
    compile(&folder, &["main.rs", "--edition", "2024", "-O"]);
    assert!(Command::new(folder.join("main")).status().expect("a program").success());
}
