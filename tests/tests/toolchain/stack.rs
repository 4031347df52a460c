//! Every shipped network, optimised, runs on a small stack, and gives the same bits on any number of threads.

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

/// One thread, and then several of which it is one.
const RUN: &str = r#"
macro_rules! run {
    ($module:ident, $net:ident) => {{
        use $module::{$net, mnas_runtime::Workspace};
        let run = || {
            let image: Vec<f32> = (0..$net::INPUT_LEN).map(|i| (i * 37 % 255) as f32 / 127.0 - 1.0).collect();
            let image: Box<[f32; $net::INPUT_LEN]> = image.into_boxed_slice().try_into().unwrap();
            let (network, mut workspace) = ($net::embedded(), Workspace::<{ $net::ARENA_LEN }>::boxed());
            let mut output = [f32::NAN; $net::OUTPUT_LEN];
            network.infer(&mut workspace, &image, &mut output);
            assert!(output.iter().all(|v| v.is_finite()));
            for threads in [1, 2, 3, 4, 7] {
                let mut team = $net::team(threads).unwrap();
                for _ in 0..2 {
                    let mut found = [f32::NAN; $net::OUTPUT_LEN];
                    network.infer_threaded(&mut team, &image, &mut found);
                    // The control: one bit is turned.
                    if std::env::args().nth(1).is_some() { found[7] = f32::from_bits(found[7].to_bits() ^ 1); }
                    let same = found.iter().zip(&output).all(|(a, b)| a.to_bits() == b.to_bits());
                    assert!(same, "{} on {threads} threads", stringify!($net));
                }
            }
        };
        std::thread::Builder::new().stack_size(128 << 10).spawn(run).unwrap().join().unwrap();
    }};
}
"#;

#[test]
fn shipped_networks_run_on_a_small_stack_and_on_any_number_of_threads() {
    let folder = folder("stack");
    let (mut modules, mut calls) = (String::new(), String::new());
    for (name, net) in NETWORKS {
        let network = Build::new(format!("../specs/{name}.yaml")).random_weights(1).standalone(true).threaded(true);
        network.out_dir(&folder).try_compile(name).expect("a good spec");
        let _ = writeln!(modules, "mod {name} {{ include!(\"{name}.rs\"); }}");
        let _ = writeln!(calls, "    run!({name}, {net});");
    }
    write(&folder, "main.rs", format!("{modules}{RUN}\nfn main() {{\n{calls}}}\n"));
    compile(&folder, &["main.rs", "--edition", "2024", "-O"]);
    let run = |isa: &str, arguments: &[&str]| {
        let program = Command::new(folder.join("main")).args(arguments).env("MNAS_ISA", isa).output();
        program.expect("a program").status.success()
    };
    for (isa, _) in mnas_runtime::isa::NAMES {
        assert!(run(isa, &[]), "{isa}");
    }
    assert!(!run("avx512", &["wrong"]), "a wrong bit is not seen");
}
