//! Generated code as a process, which reads weights and images and returns outputs or times.

use crate::build_cache;
use crate::compiler;
use crate::error::{Error, Result};
use crate::harness;
use mnas_codegen::code::{Code, Values};
use mnas_codegen::compile::Options;
use mnas_codegen::machine::{self, Isa};
use mnas_codegen::pack;
use mnas_codegen::plan::BufferId;
use mnas_codegen::tuned::TuningProfile;
use mnas_dsl::network::Shape;
use mnas_dsl::{Network, Spec};
use mnas_harness::{Source, source};
use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

const MODULES: [Source; 3] = [source::ENGINE, source::SERVE, source::VALUES];

/// How a network is built.
#[derive(Clone, Debug)]
pub struct RunnerOptions {
    /// Instruction sets in the code, widest first.
    pub isas: Vec<Isa>,
    /// Whether every memory access is checked.
    pub checked: bool,
    /// Threads per inference.
    pub threads: u32,
    /// Measured schedules.
    pub tuned: TuningProfile,
}

impl RunnerOptions {
    /// One instruction set on one thread, with estimated schedules.
    pub fn new(isa: Isa) -> Self {
        RunnerOptions { isas: vec![isa], checked: false, threads: 1, tuned: TuningProfile::default() }
    }
}

/// A network that is built and has its weights.
pub struct Runner {
    /// What was built.
    pub code: Code,
    program: PathBuf,
    /// A command that runs the program, named after it; the program alone where this is empty.
    launcher: Vec<OsString>,
    weights: Vec<f32>,
    threads: u32,
}

impl Runner {
    /// Builds a network, or finds it built.
    ///
    /// # Errors
    ///
    /// The compiler or rustc fails, or the weights are not those of the network.
    pub fn build(spec: &Spec, network: &Network, values: &Values, options: RunnerOptions) -> Result<Self> {
        let RunnerOptions { isas, checked, threads, tuned } = options;
        let threaded = threads > 1;
        let options = Options { isas, standalone: true, checked, threaded, tuned, ..Options::default() };
        // Without weights: the program serves any.
        let (code, weights) = match values {
            Values::F32(weights) => {
                let code = compiler::build(spec, network, None, &options)?;
                let Code::F32(compiled) = &code else { unreachable!("code without weights is of `f32`") };
                let weights = pack::pack(&compiled.plan, weights).map_err(|error| Error::input(error.to_string()))?;
                (code, weights)
            }
            Values::Int8(_) => {
                let mut code = compiler::build(spec, network, Some(values), &options)?;
                let Code::Int8(compiled) = &mut code else { unreachable!("integers lead to integers") };
                let weights = floats(&compiled.weights.take().unwrap_or_default());
                (code, weights)
            }
        };
        let text = compiler::text(&code, "")?;
        let main = format!(
            "{}mod network;\nuse network::mnas_runtime;\n\ncrate::{}!(Engine, network::{}<'static>);\n\n\
             fn main() -> std::io::Result<()> {{\n    serve::main::<Engine>()\n}}\n",
            harness::declarations(&MODULES),
            harness::engine_macro(threads),
            code.type_name(),
        );
        let mut files = harness::files(&MODULES);
        files.extend([("main.rs".to_owned(), main.into_bytes()), ("network.rs".to_owned(), text.into_bytes())]);
        let program = build_cache::program(&network.name, &files)?;
        Ok(Runner { code, program, launcher: Vec::new(), weights, threads })
    }

    /// The same, run through another command.
    pub fn through(self, launcher: Vec<OsString>) -> Self {
        Runner { launcher, ..self }
    }

    /// Outputs of each image.
    pub fn infer(&self, isa: Isa, images: &[Vec<f32>]) -> Result<Vec<Vec<f32>>> {
        let values = floats(&self.call("infer", 1, isa, images)?);
        let len = match &self.code {
            Code::F32(compiled) => compiled.plan.output.len(),
            Code::Int8(compiled) => compiled.plan.output.len(),
        };
        let outputs: Vec<Vec<f32>> = values.chunks_exact(len).map(<[f32]>::to_vec).collect();
        if outputs.len() == images.len() { Ok(outputs) } else { Err(short()) }
    }

    /// What each step wrote: the pixels of its output, each padded to the step's stride; in int8, the memory of its map,
    /// four bytes in a float.
    pub fn observe(&self, isa: Isa, image: Vec<f32>) -> Result<Vec<Vec<f32>>> {
        let bytes = self.call("observe", 1, isa, &[image])?;
        let mut values = floats(&bytes).into_iter();
        let (arena, outputs): (_, Vec<BufferId>) = match &self.code {
            Code::F32(compiled) => (&compiled.plan.arena, compiled.plan.steps.iter().map(|step| step.output).collect()),
            Code::Int8(compiled) => {
                (&compiled.plan.arena, compiled.plan.steps.iter().map(|step| step.output).collect())
            }
        };
        let lens: Vec<usize> = outputs.iter().map(|&buffer| arena.buffers[buffer].len.0).collect();
        let steps: Vec<Vec<f32>> = lens.iter().map(|&len| values.by_ref().take(len).collect()).collect();
        let complete = steps.iter().zip(&lens).all(|(step, len)| step.len() == *len) && values.next().is_none();
        if complete { Ok(steps) } else { Err(short()) }
    }

    /// Nanoseconds of each inference.
    pub fn bench(&self, isa: Isa, image: Vec<f32>, runs: u32) -> Result<Vec<u64>> {
        times(&self.call("bench", runs, isa, &[image])?, runs as usize)
    }

    /// Nanoseconds of each step, for each inference.
    pub fn profile(&self, isa: Isa, image: Vec<f32>, runs: u32) -> Result<Vec<Vec<u64>>> {
        let steps = match &self.code {
            Code::F32(compiled) => compiled.plan.steps.len(),
            Code::Int8(compiled) => compiled.plan.steps.len(),
        };
        let times = times(&self.call("profile", runs, isa, &[image])?, runs as usize * steps)?;
        Ok(times.chunks_exact(steps).map(<[u64]>::to_vec).collect())
    }

    fn call(&self, mode: &str, runs: u32, isa: Isa, images: &[Vec<f32>]) -> Result<Vec<u8>> {
        let arguments = [mode, &runs.to_string(), &self.threads.to_string()];
        let values = [&self.weights].into_iter().chain(images).flatten();
        feed(&self.launcher, &self.program, &arguments, isa, values)
    }
}

/// Runs a generated program through `launcher`, where that is not empty, and gives it `values`; what it answers.
pub fn feed<'v>(
    launcher: &[OsString],
    program: &Path,
    arguments: &[&str],
    isa: Isa,
    values: impl Iterator<Item = &'v f32> + Send,
) -> Result<Vec<u8>> {
    let failed = |error: io::Error| Error::file("run", program, &error);
    let mut line = launcher.iter().map(OsString::as_os_str).chain([program.as_os_str()]);
    let mut child = Command::new(line.next().unwrap_or_default())
        .args(line)
        .args(arguments)
        .env("MNAS_ISA", isa.name)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    let stdin = child.stdin.take();
    // Apart, so that neither side waits for the other to read.
    let (written, output) = thread::scope(|scope| {
        let writer = scope.spawn(move || -> io::Result<()> {
            let Some(stdin) = stdin else { return Ok(()) };
            let mut stdin = io::BufWriter::with_capacity(1 << 16, stdin);
            for value in values {
                stdin.write_all(&value.to_le_bytes())?;
            }
            stdin.flush()
        });
        let output = child.wait_with_output();
        (writer.join().unwrap_or_else(|_| Err(io::Error::other("the writer stopped"))), output)
    });
    let output = output.map_err(failed)?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(Error::system(format!("the generated program failed ({}): {}", output.status, said.trim())));
    }
    written.map_err(failed)?;
    Ok(output.stdout)
}

/// The requested instruction set, or the best that this machine has for `f32`.
///
/// # Errors
///
/// The machine does not have it.
pub fn isa_or_best(requested: Option<Isa>) -> Result<Isa> {
    one_of(machine::on_host(), requested)
}

/// As [`isa_or_best`], for the number type of these values.
///
/// # Errors
///
/// The machine does not have it.
pub fn isa_for(values: &Values, requested: Option<Isa>) -> Result<Isa> {
    match values {
        Values::F32(_) => isa_or_best(requested),
        Values::Int8(_) => one_of(machine::int8_on_host(), requested),
    }
}

fn one_of(have: Vec<Isa>, requested: Option<Isa>) -> Result<Isa> {
    match requested {
        None => have.first().copied().ok_or_else(|| Error::system("this machine has none of the instruction sets")),
        Some(requested) if have.contains(&requested) => Ok(requested),
        Some(requested) => {
            let names: Vec<&str> = have.iter().map(|isa| isa.name).collect();
            Err(Error::input(format!(
                "this machine has no {}, or no kernels of this number type for it",
                requested.name
            ))
            .hint(format!("it has {}", names.join(" and "))))
        }
    }
}

/// An image of mean 0 and variance 1, the same each time.
pub fn random_image(shape: Shape) -> Vec<f32> {
    let mut state = 0_u64;
    let uniform = || {
        // SplitMix64 (Steele, Lea, Flood 2014).
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let unit = ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64;
        ((2.0 * unit - 1.0) * 3.0_f64.sqrt()) as f32
    };
    std::iter::repeat_with(uniform).take(shape.len()).collect()
}

fn short() -> Error {
    Error::system("the generated program returned an unexpected number of values")
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

fn times(bytes: &[u8], count: usize) -> Result<Vec<u64>> {
    let (times, rest) = bytes.as_chunks();
    if times.len() != count || !rest.is_empty() {
        return Err(short());
    }
    Ok(times.iter().map(|bytes| u64::from_le_bytes(*bytes)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_have_mean_0_and_variance_1() {
        let image = random_image(Shape { height: 100, width: 100, channels: 3 });
        let moment = |power| image.iter().map(|v| f64::from(*v).powi(power)).sum::<f64>() / image.len() as f64;
        assert!(moment(1).abs() < 0.02 && (moment(2) - 1.0).abs() < 0.02);
    }
}
