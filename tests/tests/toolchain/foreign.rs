//! A file compiles for every architecture, whatever instruction sets are in it.
//!
//! No other target's standard library is needed: the files are compiled for this machine with every condition on the
//! architecture replaced by one that no target meets, the runtime's too.

use super::rustc::{compile, folder, read, rustc, write};
use mnas_codegen::build::Build;
use std::path::Path;
use std::process::Command;

/// The network of all features.
fn features() -> Build {
    Build::new("specs/features.yaml").weights("specs/features.safetensors")
}

/// Writes a network, for a processor of an architecture that no instruction set of mnas belongs to.
fn foreign(folder: &Path, name: &str, build: Build) -> String {
    let build = build.standalone(true).out_dir(folder);
    build.try_compile(name).expect("a good spec, and weights that fit");
    let text = read(folder, &format!("{name}.rs"));
    let text = text.replace("target_arch = \"x86_64\"", "target_arch = \"none\"");
    write(folder, &format!("{name}.rs"), &text);
    text
}

const LIBRARY: [&str; 6] = ["--edition", "2024", "--crate-type", "lib", "--emit", "metadata"];

#[test]
fn files_compile_for_any_architecture() {
    let folder = folder("foreign");
    let builds = [
        ("all", features()),
        ("threaded", features().threaded(true)),
        ("checked", features().checked(true).threaded(true)),
        ("narrow", features().isa("avx2")),
        ("wide", features().isa("avx512,avx2").threaded(true)),
        ("scalar", features().isa("scalar").threaded(true)),
    ];
    let int8 = || Build::new("specs/features.yaml").weights("specs/features_int8.safetensors");
    let builds = builds.into_iter().chain([("int8", int8().threaded(true)), ("int8_narrow", int8().isa("avx512vnni"))]);
    let mut all = String::from("#![deny(warnings)]\n");
    for (name, build) in builds {
        foreign(&folder, name, build);
        all.push_str(&format!("pub mod {name} {{ include!(\"{name}.rs\"); }}\n"));
    }
    write(&folder, "lib.rs", all);
    compile(&folder, &[&["lib.rs"][..], &LIBRARY].concat());
    // The control: a call without the condition of the module that it leads to.
    let text = read(&folder, "narrow.rs");
    let condition = "#[cfg(target_arch = \"none\")]\n            isas if";
    assert!(text.contains(condition), "a call without a condition");
    write(&folder, "ungated.rs", text.replacen(condition, "isas if", 1));
    let output = rustc(&folder, &[&["ungated.rs"][..], &LIBRARY].concat());
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && errors.contains("E0433"), "{errors}");
}

const PROGRAM: &str = r#"
mod all { include!("all.rs"); }
mod narrow { include!("narrow.rs"); }

macro_rules! run {
    ($module:ident) => {{
        use $module::{Features, mnas_runtime::Workspace};
        let mut workspace = Workspace::<{ Features::ARENA_LEN }>::boxed();
        let image: Vec<f32> = (0..Features::INPUT_LEN).map(|i| (i * 37 % 255) as f32 / 127.0 - 1.0).collect();
        let mut output = [7.0; Features::OUTPUT_LEN];
        Features::embedded().infer(&mut workspace, image.first_chunk().unwrap(), &mut output);
        let mut team = Features::team(3).unwrap();
        let mut threaded = [7.0; Features::OUTPUT_LEN];
        Features::embedded().infer_threaded(&mut team, image.first_chunk().unwrap(), &mut threaded);
        let mut batch = [[7.0; Features::OUTPUT_LEN]];
        Features::embedded().infer_batch(&mut team, &[*image.first_chunk().unwrap()], &mut batch);
        (Features::supported(), [output, threaded, batch[0]])
    }};
}

fn main() {
    let (supported, outputs) = run!(all);
    assert!(supported);
    assert!(outputs[0].iter().all(|v| v.is_finite()) && outputs.iter().all(|other| *other == outputs[0]));
    let (supported, outputs) = run!(narrow);
    assert!(!supported);
    assert!(outputs.iter().flatten().all(|v| v.is_nan()));
}
"#;

/// Where no instruction set of a file is the target's, `supported` is false and outputs are NaN.
#[test]
fn a_foreign_processor_runs_scalar_code_or_says_that_it_cannot() {
    let folder = folder("foreign-run");
    foreign(&folder, "all", features().threaded(true));
    foreign(&folder, "narrow", features().threaded(true).isa("avx2"));
    write(&folder, "main.rs", PROGRAM);
    compile(&folder, &["main.rs", "--edition", "2024"]);
    assert!(Command::new(folder.join("main")).status().expect("a program").success());
}

/// Workers that ran kernels of different instruction sets would not meet at the same barriers.
#[test]
fn a_team_reads_the_instruction_set_once() {
    let folder = folder("foreign-team");
    Build::new("specs/features.yaml").threaded(true).out_dir(&folder).try_compile("net").expect("a good spec");
    let text = read(&folder, "net.rs");
    let runs: Vec<&str> = text.split("team.run(|").skip(1).filter_map(|run| run.split("});").next()).collect();
    assert_eq!(runs.len(), 2, "one of a threaded inference, one of a batch");
    for run in runs {
        assert!(run.contains("avx512::") && !run.contains("isa::available()"), "{run}");
    }
}
