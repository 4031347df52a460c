//! Every shipped network runs on a small stack; six of them, on every instruction set, also give the same bits on any number
//! of threads. `MNAS_SEED` chooses a third of each; with `MNAS_NIGHT` all are run.

use super::rustc::{compile, folder, write};
use mnas_codegen::build::Build;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
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

/// Whether network `number` is run.
fn is_chosen(number: usize) -> bool {
    let seed = std::env::var("MNAS_SEED").map_or(0, |text| text.parse::<usize>().expect("MNAS_SEED is a number"));
    std::env::var_os("MNAS_NIGHT").is_some() || number % 3 == seed % 3
}

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
    for (_, (name, net)) in NETWORKS.into_iter().enumerate().filter(|(number, _)| is_chosen(*number)) {
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
    for isa in mnas_runtime::isa::ALL {
        assert!(run(isa.name, &[]), "{}", isa.name);
    }
    assert!(!run("avx512", &["wrong"]), "a wrong bit is not seen");
}

/// A network on a small stack, with weights of zeros: no stack depends on them.
const RUN_ONCE: &str = r#"
/// The control: a network that keeps as much on the stack as there is.
#[inline(never)]
fn deep() {
    let arena = std::hint::black_box([0_u8; 128 << 10]);
    assert_eq!(std::hint::black_box(&arena)[7], 0);
}

fn on_a_small_stack(run: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(128 << 10).spawn(run).unwrap().join().unwrap();
}

macro_rules! run_once {
    ($module:ident, $net:ident) => {
        on_a_small_stack(|| {
            use $module::{$net, mnas_runtime::Workspace};
            let packed = vec![0.0; $net::WEIGHTS_LEN];
            let image: Box<[f32; $net::INPUT_LEN]> = vec![0.5; $net::INPUT_LEN].into_boxed_slice().try_into().unwrap();
            static WORKSPACE: std::sync::Mutex<Workspace<{ $net::ARENA_LEN }>> = std::sync::Mutex::new(Workspace::new());
            let mut workspace = WORKSPACE.lock().unwrap();
            let mut output = [1.0; $net::OUTPUT_LEN];
            $net::from_packed(&packed).unwrap().infer(&mut workspace, &image, &mut output);
            assert!(output.iter().all(|v| *v == 0.0), stringify!($net));
            println!("{}", stringify!($net));
        })
    };
}
"#;

/// Every file of this folder that is a spec, by its name.
fn specs(folder: &str) -> Vec<(String, PathBuf)> {
    let entries = fs::read_dir(folder).expect("a folder of specs").map(|entry| entry.expect("an entry").path());
    let specs = entries.filter(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    let name = |path: &Path| path.file_stem().expect("a file").to_string_lossy().into_owned();
    let mut specs: Vec<_> = specs.map(|path| (name(&path), path)).collect();
    specs.sort();
    specs
}

/// For the widest vectors that the machine has, hardly optimised: that takes more stack, and less time to build.
#[test]
fn all_other_shipped_networks_run_on_a_small_stack() {
    let folder = folder("stack_of_all");
    let (mut modules, mut calls, mut names) = (String::new(), String::new(), Vec::new());
    let is_other = |(name, _): &(String, PathBuf)| NETWORKS.iter().all(|(other, _)| other != name);
    let others = specs("../specs").into_iter().chain(specs("../specs/widths")).filter(is_other).collect::<Vec<_>>();
    assert!(others.len() >= 17, "{others:?}");
    for (_, (name, spec)) in others.into_iter().enumerate().filter(|(number, _)| is_chosen(*number)) {
        let network = Build::new(spec).isa(mnas_codegen::machine::on_host()[0].name).standalone(true);
        network.out_dir(&folder).try_compile(&name).expect("a good spec");
        let net = mnas_dsl::names::camel_case(&name);
        let _ = writeln!(modules, "mod {name} {{ include!(\"{name}.rs\"); }}");
        let _ = writeln!(calls, "    run_once!({name}, {net});");
        names.push(net);
    }
    let main =
        format!("fn main() {{\n    if std::env::args().nth(1).is_some() {{ on_a_small_stack(deep); }}\n{calls}}}\n");
    write(&folder, "main.rs", format!("{modules}{RUN_ONCE}\n{main}"));
    compile(&folder, &["main.rs", "--edition", "2024", "-Copt-level=1"]);
    let run = |arguments: &[&str]| Command::new(folder.join("main")).args(arguments).output().expect("a program");
    let output = run(&[]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // Each has run: a program that ends early succeeds as well.
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().collect::<Vec<_>>(), names);
    assert!(!run(&["deep"]).status.success(), "an arena on the stack is not seen");
}
