//! No kernel of AVX-512 or AVX2 keeps a vector on the stack: register tiles fit the registers, as the compiler sees it too.
//!
//! Whole networks are compiled for every instruction set and disassembled, which needs no processor that has them.
//! Every innermost loop with multiply-adds is looked at.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use super::disassembly::{Function, functions};
use super::rustc::{compile, folder, write};
use mnas_codegen::build::Build;
use mnas_codegen::compile::{Options, compile as compile_network};
use mnas_codegen::plan::{ConvKernel, StepSchedule};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

/// Together they have every kind of kernel.
const NETWORKS: [&str; 2] = ["mnasnet_a1", "mobilenet_v1"];

/// Kinds of kernels, as parts of their names, each of which must be among the loops that were looked at.
const KINDS: [&str; 7] = ["pointwise_", "conv3x3", "depthwise3x3", "depthwise5x5", "_gated", "_add", "_pool"];

/// Loops that must be found for each instruction set; about twice as many are.
const LOOPS: usize = 50;

/// What was found in the loops of one instruction set.
#[derive(Default)]
struct Found {
    /// Loops of each kernel.
    loops: BTreeMap<String, usize>,
    /// Kernel and function, and what its loop has on the stack.
    spills: Vec<String>,
}

/// Looks at the kernels of an instruction set.
fn look(functions: &[Function], isa: &str) -> Found {
    let mut found = Found::default();
    let module = format!("::{isa}::");
    for function in functions.iter().filter(|function| function.name.contains(&module)) {
        for inner in function.innermost_loops() {
            let multiply_adds = inner.multiply_adds();
            if multiply_adds == 0 {
                continue;
            }
            let (kernel, spills) = (inner.kernel(), inner.vector_spills());
            if let Some(first) = spills.first() {
                let function = &function.name;
                let count = spills.len();
                found.spills.push(format!(
                    "{kernel} in {function}: {count} vectors on the stack in a loop of {multiply_adds} multiply-adds, \
                     the first `{first}`"
                ));
            }
            *found.loops.entry(kernel).or_default() += 1;
        }
    }
    found
}

/// Compiles `lib.rs` of a folder, optimised.
fn object(folder: &Path) -> Option<Vec<Function>> {
    let arguments = ["--crate-type", "lib", "--emit", "obj", "--edition", "2024", "-C", "debuginfo=line-tables-only"];
    compile(folder, &[&["lib.rs", "-O"], &arguments[..]].concat());
    functions(&folder.join("lib.o"))
}

/// Every kernel of the networks, compiled once.
fn networks() -> Option<&'static [Function]> {
    static FUNCTIONS: OnceLock<Option<Vec<Function>>> = OnceLock::new();
    FUNCTIONS.get_or_init(compile_networks).as_deref()
}

fn compile_networks() -> Option<Vec<Function>> {
    let folder = folder("spills");
    let mut text = String::new();
    for name in NETWORKS {
        // As they are shipped, with all instruction sets: the widest decides how weights lie for all.
        let network = Build::new(format!("../specs/{name}.yaml")).standalone(true);
        network.out_dir(&folder).try_compile(name).expect("a good spec");
        text.push_str(&format!("pub mod {name} {{ include!(\"{name}.rs\"); }}\n"));
    }
    write(&folder, "lib.rs", text);
    object(&folder)
}

fn assert_no_spills(isa: &str) {
    let Some(functions) = networks() else { return };
    let Found { loops, spills } = look(functions, isa);
    let count: usize = loops.values().sum();
    println!("{isa}: {count} loops of {} kernels", loops.len());
    for kind in KINDS {
        assert!(loops.keys().any(|kernel| kernel.contains(kind)), "{isa}: no loop of {kind} in {loops:?}");
    }
    assert!(count >= LOOPS, "{isa}: only {count} loops: {loops:?}");
    assert!(spills.is_empty(), "{isa}: {} of {count} loops spill:\n{}", spills.len(), spills.join("\n"));
}

#[test]
fn avx512_kernels_keep_no_vector_on_the_stack() {
    assert_no_spills("avx512");
}

#[test]
fn avx2_kernels_keep_no_vector_on_the_stack() {
    assert_no_spills("avx2");
}

/// A network of kernels whose reductions are loops.
const CONTROL: &str = "\
name: control
input: 32x32x16
stem: {op: conv, kernel: 3, stride: 1, filters: 64}
blocks:
  - {op: mbconv, expand: 2, kernel: 3, filters: 64}
head: none
";

#[test]
fn tiles_that_do_not_fit_are_found() {
    let folder = folder("spills-control");
    let (spec, network) = mnas_dsl::load_yaml(CONTROL, "control.yaml").expect("a good spec");
    let options = Options { standalone: true, ..Options::default() };
    let mut compiled = compile_network(&spec, &network, None, &options).expect("a network that can be compiled");
    for schedule in &mut compiled.plan.schedules {
        let lanes = schedule.isa.lanes;
        // More accumulators than registers, of any number of vectors.
        let too_many = |kernel: &mut ConvKernel| {
            for panel in &mut kernel.panels {
                panel.vectors = panel.width / lanes;
                panel.pixels = (schedule.isa.registers + 8).div_ceil(panel.vectors);
            }
        };
        for step in &mut schedule.steps {
            match step {
                StepSchedule::Plain | StepSchedule::Depthwise(_) | StepSchedule::SqueezeExcite(_) => {}
                StepSchedule::Conv { kernel, .. } => too_many(kernel),
                StepSchedule::Block(block) => {
                    block.expand.as_mut().into_iter().chain([&mut block.project]).for_each(too_many);
                }
            }
        }
    }
    compiled.plan.lay_out();
    write(&folder, "network.rs", compiled.text("").expect("it is Rust"));
    write(&folder, "lib.rs", "pub mod control { include!(\"network.rs\"); }\n");
    let Some(functions) = object(&folder) else { return };
    for isa in ["avx512", "avx2"] {
        let Found { loops, spills } = look(&functions, isa);
        let spilt = |kernel: &&String| spills.iter().any(|spill| spill.starts_with(&format!("{kernel} in ")));
        let pointwise: Vec<&String> = loops.keys().filter(|kernel| kernel.starts_with("pointwise_")).collect();
        assert!(!pointwise.is_empty() && pointwise.iter().all(spilt), "{isa}: {pointwise:?} in {spills:?}");
    }
}
