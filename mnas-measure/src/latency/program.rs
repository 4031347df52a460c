//! Layers or networks as a program that times them: its files, building it, running it.

use super::Device;
use super::answer::{self, Answer};
use crate::build_cache::{self, Build};
use crate::error::{Error, Result};
use crate::harness;
use mnas_codegen::compile::{Options, compile_plan, fused_graph};
use mnas_codegen::emit::file;
use mnas_codegen::layer::{self, Layer};
use mnas_codegen::plan::{PackedLayer, Plan};
use mnas_dsl::{Network, Spec};
use mnas_harness::{Source, source};
use std::fmt::Write as _;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// What programs share.
const MODULES: [Source; 4] = [source::ENGINE, source::HOST, source::LATENCY, source::VALUES];

const REFERENCE: &str = include_str!("reference.yaml");

/// The library that programs use.
const KIT: &str = "mnas_kit";

/// The path to mnas-runtime in generated code.
pub(super) const RUNTIME: &str = "crate::mnas_runtime";

/// A program that takes longer to answer is stopped.
const PATIENCE: Duration = Duration::from_secs(900);
/// No answer is longer.
const ANSWER_LIMIT: u64 = 64 << 20;

/// Passes over everything, and runs of each thing in one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rounds {
    pub(super) passes: usize,
    pub(super) runs: usize,
}

/// Something to be timed, in a module of its own.
pub(super) struct Item {
    /// Its code.
    text: String,
    /// What makes it in the program: a function of an engine, and the rest of its arguments.
    call: String,
    /// The type in its code.
    name: String,
}

impl Item {
    /// A layer.
    pub(super) fn layer(layer: &Layer) -> Self {
        let touched = layer.plan.touched();
        let buffers: Vec<String> = touched
            .iter()
            .map(|&id| &layer.plan.arena.buffers[id])
            .map(|buffer| format!("({}, {})", buffer.offset, buffer.len))
            .collect();
        let call = format!("layer::<ENGINE>(&[{}], {}, THREADS)", buffers.join(", "), weights(&layer.plan.layers));
        Item { text: layer.text.clone(), call, name: layer::TYPE.to_owned() }
    }

    /// A network.
    pub(super) fn network(device: &Device, spec: &Spec, network: &Network) -> Result<Self> {
        let plan = device.plan(network)?;
        let (text, name) = code(device, spec, network, plan.clone())?;
        let call = format!("whole::<ENGINE>({}, THREADS)", weights(&plan.layers));
        Ok(Item { text, call, name })
    }

    /// The reference network as something to be timed.
    pub(super) fn reference() -> Self {
        Item { text: String::new(), call: "reference()".to_owned(), name: String::new() }
    }
}

/// The program of some items, before each run of which `elsewhere` bytes are read; built if it is not there yet.
///
/// `is_warm` items are run once before they are timed, as networks are that run one image after the other.
pub(super) fn build(device: &Device, items: &[Item], rounds: Rounds, elsewhere: u64, is_warm: bool) -> Result<PathBuf> {
    let kit = kit(device)?;
    let mut files = Vec::new();
    let (mut modules, mut made) = (String::new(), String::new());
    for (i, item) in items.iter().enumerate() {
        let _ = writeln!(made, "        {},", item.call.replace("ENGINE", &format!("E{i}")));
        if !item.text.is_empty() {
            let engine = harness::engine_macro(device.threads);
            let _ = writeln!(modules, "mod n{i};\n{KIT}::{engine}!(E{i}, n{i}::{}<'static>);", item.name);
            files.push((format!("n{i}.rs"), item.text.clone().into_bytes()));
        }
    }
    let Rounds { passes, runs } = rounds;
    let main = format!(
        "{modules}use {KIT}::latency::{{Item, Settings, layer, whole}};\nuse {KIT}::{{THREADS, is_supported, mnas_runtime, \
         reference}};\n\n\
         fn items() -> Vec<Item> {{\n    vec![\n{made}    ]\n}}\n\nfn main() {{\n    let settings = \
         Settings {{ passes: {passes}, runs: {runs}, elsewhere: {elsewhere}, is_warm: {is_warm}, threads: THREADS, \
         is_supported: is_supported() }};\n    {KIT}::latency::main(&settings, reference, items);\n}}\n"
    );
    files.push(("main.rs".to_owned(), main.into_bytes()));
    let arguments = device.rustc_arguments();
    build_cache::built(&Build { arguments: &arguments, uses: Some((KIT, &kit)), ..Build::default() }, &files)
}

/// What all programs for a device have in common, mnas-runtime among it.
fn kit(device: &Device) -> Result<PathBuf> {
    let (spec, network) = mnas_dsl::load_yaml(REFERENCE, "reference.yaml")?;
    let plan = device.plan(&network)?;
    let (reference, name) = code(device, &spec, &network, plan.clone())?;
    // The reference network runs on one thread whatever the device: threads that wait for each other are no measure.
    let main = format!(
        "{}mod reference;\ncrate::single_thread!(Reference, reference::{name}<'static>);\n\
         pub const THREADS: usize = {};\npub fn is_supported() -> bool {{\n    \
         <Reference as engine::Engine>::supported()\n}}\npub fn reference() -> latency::Item {{\n    \
         latency::whole::<Reference>({}, 1)\n}}\n{}",
        harness::declarations(&MODULES),
        device.threads,
        weights(&plan.layers),
        file::runtime(file::Number::F32),
    );
    let mut files = harness::files(&MODULES);
    files.extend([("main.rs".to_owned(), main.into_bytes()), ("reference.rs".to_owned(), reference.into_bytes())]);
    let arguments = device.rustc_arguments();
    build_cache::built(&Build { arguments: &arguments, library: Some(KIT), ..Build::default() }, &files)
}

/// Runs a program on the device, alone; what it says about `count` items.
pub(super) fn run(device: &Device, program: &Path, count: usize) -> Result<Answer> {
    let failed = |error: io::Error| Error::file("run", program, &error);
    let mut command = match &device.runner {
        None => {
            let mut command = Command::new(program);
            command.stdin(Stdio::null());
            command
        }
        Some(runner) => runner.command(program).map_err(failed)?,
    };
    let shown =
        device.runner.as_ref().map_or("the measuring program".to_owned(), |runner| format!("`{}`", runner.text()));
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| Error::system(format!("cannot start {shown}: {error}")))?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let start = Instant::now();
    // Apart, so that it never waits for us to read.
    let (status, stdout, stderr) = thread::scope(|scope| {
        let stdout = scope.spawn(|| read(stdout));
        let stderr = scope.spawn(|| read(stderr));
        let status = loop {
            match child.try_wait() {
                Ok(None) if start.elapsed() > PATIENCE => {
                    let _ = child.kill();
                    break child.wait().map(|_| None);
                }
                Ok(None) => thread::sleep(Duration::from_millis(20)),
                Ok(Some(status)) => break Ok(Some(status)),
                Err(error) => break Err(error),
            }
        };
        (status, stdout.join().unwrap_or_default(), stderr.join().unwrap_or_default())
    });
    let said = || {
        let text = String::from_utf8_lossy(&stderr);
        let lines: Vec<String> = text.lines().take(12).map(|line| line.chars().take(200).collect()).collect();
        lines.join("\n")
    };
    match status.map_err(failed)? {
        None => Err(Error::system(format!("{shown} gave no answer in {} s", PATIENCE.as_secs()))),
        Some(status) if !status.success() => Err(Error::system(format!("{shown} failed ({status}): {}", said()))),
        Some(_) => answer::parse(&stdout, count).map_err(|error| {
            let error = Error::system(format!("{shown} gave an answer that cannot be used: {error}"));
            if device.runner.is_some() {
                error.hint("what it runs has to print what the program `{}` prints")
            } else {
                error
            }
        }),
    }
}

fn read(pipe: Option<impl io::Read>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(mut pipe) = pipe {
        // What is cut is no answer.
        let _ = pipe.by_ref().take(ANSWER_LIMIT).read_to_end(&mut bytes);
        let _ = io::copy(&mut pipe, &mut io::sink());
    }
    bytes
}

/// The code of a network for the device's instruction set, and its type's name.
fn code(device: &Device, spec: &Spec, network: &Network, plan: Plan) -> Result<(String, String)> {
    let options = Options {
        isas: vec![device.isa],
        threaded: device.threads > 1,
        runtime: RUNTIME.parse().ok(),
        ..Options::default()
    };
    let compiled = compile_plan(spec, network, fused_graph(network), plan, None, &options);
    let compiled = compiled.map_err(|error| Error::input(error.to_string()))?;
    Ok((compiled.source(), compiled.type_name()))
}

/// Packed layers as the program fills them: start, length, bound of the values.
fn weights(layers: &[PackedLayer]) -> String {
    let rows = layers.iter().map(|layer| {
        // Sums have the variance of what they are sums of: where they grew, gates and squares would come to be numbers so
        // small that processors take a hundred cycles for each. What a ReLU takes away the biases, of the same bound, add.
        let bound = (3.0 / layer.rows() as f64).sqrt();
        format!("({}, {}, {bound:.6})", layer.offset, layer.len())
    });
    format!("&[{}]", rows.collect::<Vec<_>>().join(", "))
}
