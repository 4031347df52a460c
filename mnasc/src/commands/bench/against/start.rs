//! `--start`: the time to the first result of a new process, and its peak memory.
//!
//! mnas is a program as a user ships it: generated code for every instruction set, embedded weights, and a `main` that
//! classifies images. Its time is from the start of its process to its answer. The others are libraries of a Python
//! process, whose own start is not counted: their times are from before the import, and from before the model is loaded.

use super::peers::{First, peak_memory, stdout};
use super::{Contest, OURS, difference, middle};
use crate::build_cache;
use crate::commands::bench::rounded;
use crate::compiler;
use crate::error::{Error, Result};
use crate::lock;
use crate::output;
use mnas_codegen::code::Values;
use mnas_codegen::compile::Options;
use mnas_codegen::machine;
use mnas_codegen::weights::Weights;
use mnas_dsl::Spec;
use mnas_harness::source;
use mnas_measure::harness;
use serde_json::{Value, json};
use std::ffi::OsString;
use std::io::{BufRead as _, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// The first result of mnas's program, with its time.
struct Ours {
    seconds: f64,
    memory: Option<u64>,
    output: Vec<f32>,
}

/// Builds the program, and starts it and every engine once in each round.
pub(super) fn run(contest: &Contest<'_>, spec: &Spec, weights: &Weights) -> Result<()> {
    let program = build(contest, spec, weights)?;
    let size = std::fs::metadata(&program).map_err(|error| Error::file("read", &program, &error))?.len();
    let _alone = lock::acquire_for("bench");
    let mut ours = Vec::new();
    let mut others: Vec<Vec<First>> = contest.engines.iter().map(|_| Vec::new()).collect();
    let mut differences = vec![0.0_f64; contest.engines.len()];
    for _ in 0..contest.args.rounds {
        let our = start(contest, &program)?;
        let expected = contest.as_planes(our.output.clone());
        for (i, &engine) in contest.engines.iter().enumerate() {
            let first = contest.peers.first(engine)?;
            differences[i] = differences[i].max(difference(&first.output, &expected));
            others[i].push(first);
        }
        ours.push(our);
        contest.agree(&differences)?;
    }
    let seconds = middle(ours.iter().map(|our| our.seconds));
    let memory = most(ours.iter().map(|our| our.memory));
    let engines = contest.engines.iter().zip(&others).map(|(engine, firsts)| Engine {
        name: engine.name(),
        from_import: middle(firsts.iter().map(|first| first.from_import)),
        from_load: middle(firsts.iter().map(|first| first.from_load)),
        memory: most(firsts.iter().map(|first| first.memory)),
        memory_before: most(firsts.iter().map(|first| first.memory_before)),
    });
    let engines: Vec<Engine> = engines.collect();
    if contest.args.json {
        let mut result = contest.value(&differences);
        result["rounds"] = json!(contest.args.rounds);
        result["first_result"] = json!({ OURS: {
            "from_process_start_ms": rounded(seconds * 1e3), "peak_memory_bytes": memory, "program_bytes": size,
        }});
        for engine in &engines {
            result["first_result"][engine.name] = engine.value();
        }
        return output::print_json(&result);
    }
    let rounds = contest.args.rounds;
    let mut text = format!("{}\n{}\n", contest.heading(), contest.agreement(&differences));
    text.push_str(&format!("first result, medians of {rounds}; files are in the system's cache\n\n"));
    text.push_str(&format!("{:36}  {:>9}  {:>11}\n", "", "ms", "peak memory"));
    let mut row = |name: String, seconds: f64, memory: Option<u64>, note: String| {
        let memory = memory.map_or_else(String::new, mib);
        let line = format!("{name:36}  {:>9.2}  {memory:>11}  {note}", seconds * 1e3);
        text.push_str(line.trim_end());
        text.push('\n');
    };
    row(format!("{OURS}, from process start"), seconds, memory, format!("a program of {}", mib(size)));
    for engine in &engines {
        let before = engine.memory_before.map_or_else(String::new, |bytes| format!("{} before the import", mib(bytes)));
        row(format!("{}, from import", engine.name), engine.from_import, engine.memory, before);
        row(format!("{}, from loading the model", engine.name), engine.from_load, None, String::new());
    }
    output::print(&text)
}

/// Medians of an engine.
struct Engine {
    name: &'static str,
    from_import: f64,
    from_load: f64,
    memory: Option<u64>,
    memory_before: Option<u64>,
}

impl Engine {
    fn value(&self) -> Value {
        json!({
            "from_import_ms": rounded(self.from_import * 1e3),
            "from_load_ms": rounded(self.from_load * 1e3),
            "peak_memory_bytes": self.memory,
            "memory_before_import_bytes": self.memory_before,
        })
    }
}

fn build(contest: &Contest<'_>, spec: &Spec, weights: &Weights) -> Result<PathBuf> {
    let (isas, tuned) = (machine::of_host(), contest.tuned.clone());
    let options = Options { isas, tuned, standalone: true, ..Options::default() };
    let compiled = compiler::build(spec, contest.network, Some(&Values::F32(weights.clone())), &options)?;
    let text = compiler::text(&compiled, "network.weights")?;
    let main = format!(
        "{}mod network;\nuse network::{} as Net;\n\nstatic NETWORK: Net<'static> = Net::embedded();\n\n\
         fn main() -> std::io::Result<()> {{\n    \
         let mut workspace = network::mnas_runtime::Workspace::<{{ Net::ARENA_LEN }}>::boxed();\n    \
         start::main::<{{ Net::INPUT_LEN }}, {{ Net::OUTPUT_LEN }}>(|image, output| NETWORK.infer(&mut workspace, image, output))\n}}\n",
        harness::declarations(&[source::START]),
        compiled.type_name(),
    );
    let packed = compiled.weights().unwrap_or_default().to_vec();
    let mut files = harness::files(&[source::START]);
    files.extend([
        ("main.rs".to_owned(), main.into_bytes()),
        ("network.rs".to_owned(), text.into_bytes()),
        ("network.weights".to_owned(), packed),
    ]);
    build_cache::program(&format!("{} with its weights", contest.network.name), &files)
}

fn start(contest: &Contest<'_>, program: &Path) -> Result<Ours> {
    let launcher = contest.launcher("start");
    let mut line = launcher.iter().map(OsString::as_os_str).chain([program.as_os_str()]);
    let mut command = Command::new(line.next().unwrap_or_default());
    command.args(line).env("MNAS_ISA", contest.isa.name);
    let mut start = Instant::now();
    let mut child = contest.peers.spawn(&mut command)?;
    let mut bytes = vec![0; contest.network.output_len() * size_of::<f32>()];
    let image: Vec<u8> = contest.image.iter().flat_map(|value| value.to_le_bytes()).collect();
    let mut answer = || {
        let mut stdout = stdout(&mut child)?;
        if !launcher.is_empty() {
            // The launcher prints a line before the program replaces it.
            stdout.read_line(&mut String::new())?;
            start = Instant::now();
        }
        if let Some(stdin) = &mut child.stdin {
            stdin.write_all(&image)?;
        }
        stdout.read_exact(&mut bytes)?;
        Ok(start.elapsed().as_secs_f64())
    };
    let seconds = answer();
    let memory = peak_memory(child.id());
    let seconds = contest.peers.finish(child, seconds)?;
    let output = bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    Ok(Ours { seconds, memory, output })
}

fn most(values: impl Iterator<Item = Option<u64>>) -> Option<u64> {
    values.flatten().max()
}

fn mib(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}
