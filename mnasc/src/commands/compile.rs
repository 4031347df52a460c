//! `mnasc SPEC -o OUT.rs`, `--onnx OUT.onnx`, `--check`.

use super::emit;
use crate::cli::{CodeArgs, CompileArgs};
use crate::compiler::{build, int8_onnx_file, onnx_file, rust_files, text};
use crate::error::{Error, Result};
use crate::input;
use crate::output::{self, Artifact};
use mnas_codegen::code::{Code, Values};
use mnas_codegen::compile::{Options, fused_graph};
use mnas_codegen::graph::Graph;
use mnas_codegen::lower::lower;
use mnas_codegen::machine;
use mnas_codegen::plan::Objective;
use mnas_dsl::Network;
use std::path::{Path, PathBuf};

/// Compiles a spec to files or to standard output, or compares existing files with the result.
pub(crate) fn run(args: &CompileArgs) -> Result<()> {
    let Some(path) = &args.spec else { return Err(Error::input("no spec was given")) };
    let options = options(&args.code)?;
    if let Some(stage) = args.emit {
        return emit::run(stage, path, args, &options);
    }
    let inputs: Vec<&Path> = [Some(path), args.weights.weights.as_ref(), args.code.schedule.schedule.as_ref()]
        .into_iter()
        .flatten()
        .map(PathBuf::as_path)
        .collect();
    let (spec, network) = input::spec(path)?;
    let values = input::values(&args.weights, &network)?;
    let mut artifacts = Vec::new();
    if let Some(out) = &args.output {
        let compiled = build(&spec, &network, values.as_ref(), &options)?;
        if out.as_os_str() == "-" {
            return to_stdout(&compiled, args);
        }
        artifacts.extend(rust_files(&compiled, out)?);
    }
    if let Some(out) = &args.onnx {
        let unfolded = args.unfolded;
        let bytes = match &values {
            Some(Values::Int8(_)) if unfolded => {
                return Err(Error::input("weights in int8 have no batch norms")
                    .hint("leave `--unfolded` away, or give the float weights"));
            }
            Some(Values::Int8(int8)) => int8_onnx_file(&spec, &network, int8)?,
            Some(Values::F32(weights)) => onnx_file(&spec, &network, &graph(&network, unfolded), Some(weights))?,
            None => onnx_file(&spec, &network, &graph(&network, unfolded), None)?,
        };
        artifacts.push(Artifact { path: out.clone(), bytes });
    }
    for artifact in &artifacts {
        output::refuse_overwriting(&artifact.path, &inputs)?;
    }
    output::refuse_same_file(&artifacts)?;
    if !args.check {
        return output::write_all(&artifacts);
    }
    let stale = output::stale(&artifacts)?;
    if stale.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = stale.iter().map(|path| format!("`{}`", path.display())).collect();
    Err(Error::difference(format!("the output for `{}` differs from {}", path.display(), names.join(", ")))
        .hint("run the same command without `--check`"))
}

/// The graph to export: as lowered, or after all passes.
fn graph(network: &Network, unfolded: bool) -> Graph {
    if unfolded { lower(network) } else { fused_graph(network) }
}

/// The compiler's options from the arguments.
pub(crate) fn options(args: &CodeArgs) -> Result<Options> {
    let isas = match &args.arch {
        _ if !args.isa.is_empty() => args.isa.clone(),
        Some(arch) => machine::of_arch(arch),
        None => machine::ALL.to_vec(),
    };
    if let Some(arch) = &args.arch
        && let Some(foreign) = isas.iter().find(|isa| !isa.is_portable() && isa.gate.arch != arch)
    {
        return Err(Error::input(format!("`--isa {}` is of {}, not of {arch}", foreign.name, foreign.gate.arch))
            .hint(format!("`--arch {}` goes with it", foreign.gate.arch)));
    }
    let (standalone, checked, threaded) = (args.standalone, args.checked, args.threaded);
    let tuned = input::tuned(&args.schedule)?;
    let objective = args.ram.map_or(Objective::Latency, |limit| Objective::Memory { limit });
    Ok(Options { isas, standalone, checked, threaded, tuned, objective, ..Options::default() })
}

fn to_stdout(compiled: &Code, args: &CompileArgs) -> Result<()> {
    if compiled.weights().is_some() || args.check || args.onnx.is_some() {
        return Err(Error::input("`-o -` prints code alone, without weights, `--check` or `--onnx`"));
    }
    output::print_bytes(text(compiled, "")?.as_bytes())
}
