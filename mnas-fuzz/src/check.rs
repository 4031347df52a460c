//! The check: compiles cases, builds several in one program, runs them on each instruction set and compares every step.

use crate::case::{Case, Sharing};
use crate::fault::Fault;
use crate::finding::{Finding, NETWORK_TOLERANCE, compare, compare_step};
use crate::int8;
use crate::program::{BuildError, Program, Runtime, Rustc, Unit};
use crate::subject::{Subject, Variant, expected, prepare};
use mnas_codegen::machine::{self, Isa};
use std::collections::BTreeMap;
use std::fmt;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Networks in one program: enough that the start of rustc and the linker cost little in comparison.
const NETWORKS: usize = 16;

/// How to check.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Instruction sets in the code.
    pub in_code: Vec<Isa>,
    /// Instruction sets to run, which the machine has.
    pub to_run: Vec<Isa>,
    /// Which code each case is compiled to.
    pub builds: Builds,
    /// The compiler.
    pub rustc: Rustc,
    /// How many programs are built at once.
    pub threads: usize,
    /// Whether cases are compiled in int8. [`Builds::Mixed`] then checks every second, and compiles two of three for several
    /// threads; the others compile all for several threads.
    pub int8: bool,
}

/// Which code each case is compiled to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Builds {
    /// All instruction sets, unchecked; every fourth also checked, every fourth also without the widest of them, which
    /// changes how weights lie, and three of eight for several threads, some of those checked.
    Mixed,
    /// All instruction sets, unchecked.
    Plain,
    /// All instruction sets, checked.
    Checked,
}

impl Default for Settings {
    /// All that this machine has.
    fn default() -> Self {
        Settings {
            in_code: machine::of_host(),
            to_run: machine::on_host(),
            builds: Builds::Mixed,
            rustc: Rustc::default(),
            threads: thread::available_parallelism().map_or(1, |n| n.get()),
            int8: false,
        }
    }
}

impl Settings {
    /// All int8 kernels that this machine has.
    pub fn int8() -> Self {
        let arch = std::env::consts::ARCH;
        let is_here = |isa: &&Isa| isa.gate.arch.is_empty() || isa.gate.arch == arch;
        Settings {
            in_code: machine::INT8.iter().filter(is_here).copied().collect(),
            to_run: machine::int8_on_host(),
            int8: true,
            ..Settings::default()
        }
    }
}

/// A case that fails.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Its number among the cases.
    pub index: usize,
    /// What it was compiled for.
    pub variant: Variant,
    /// What is wrong.
    pub finding: Finding,
}

/// A failure of the machine and not of the compiler: rustc is missing, the disk is full.
#[derive(Debug)]
pub struct SystemError(
    /// The action that failed, and why.
    pub String,
);

impl fmt::Display for SystemError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for SystemError {}

/// A case and what it is compiled for.
#[derive(Clone, Debug)]
pub struct Job<'a> {
    /// Number of the case.
    pub index: usize,
    /// The case.
    pub case: &'a Case,
    /// What for.
    pub variant: Variant,
    /// A fault, where a test wants one.
    pub fault: Option<&'a Fault>,
}

/// Checks cases and returns those that fail, in order, one entry for each variant. `progress` gets the number of builds
/// that are done.
///
/// # Errors
///
/// Only the machine's.
pub fn check(
    cases: &[Case],
    settings: &Settings,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<Vec<Failure>, SystemError> {
    let variants = |index| variants(index, settings);
    let job = |(index, case)| variants(index).into_iter().map(move |variant| Job { index, case, variant, fault: None });
    let jobs: Vec<Job<'_>> = cases.iter().enumerate().flat_map(job).collect();
    check_jobs(&jobs, settings, progress)
}

/// Checks jobs, as [`check`] does cases.
///
/// # Errors
///
/// Only the machine's.
pub fn check_jobs(
    jobs: &[Job<'_>],
    settings: &Settings,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<Vec<Failure>, SystemError> {
    // Held to the end, so that all programs link one library.
    let _runtime = runtime(settings)?;
    let threads = settings.threads.max(1);
    let batches: Vec<&[Job<'_>]> = jobs.chunks(jobs.len().div_ceil(threads).clamp(1, NETWORKS)).collect();
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let work = || {
        let mut results = Vec::new();
        while let number = next.fetch_add(1, Ordering::Relaxed)
            && let Some(batch) = batches.get(number)
        {
            results.push((number, check_batch(batch, settings)));
            progress(done.fetch_add(batch.len(), Ordering::Relaxed) + batch.len(), jobs.len());
        }
        results
    };
    let mut results = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let results = workers.into_iter().map(|worker| worker.join().unwrap_or_else(|panic| resume_unwind(panic)));
        results.flatten().collect::<Vec<_>>()
    });
    results.sort_by_key(|(number, _)| *number);
    let mut failures = Vec::new();
    for (_, found) in results {
        failures.extend(found?);
    }
    Ok(failures)
}

/// mnas-runtime as programs link it. As long as the caller holds it, it is not built again.
pub(crate) fn runtime(settings: &Settings) -> Result<Arc<Runtime>, SystemError> {
    Runtime::built(&settings.rustc).map_err(|error| match error {
        BuildError::System(what, error) => SystemError(format!("{what}: {error}")),
        BuildError::Refused(said) => SystemError(format!("rustc refuses mnas-runtime: {said}")),
    })
}

/// What a case is compiled for.
fn variants(index: usize, settings: &Settings) -> Vec<Variant> {
    let isas = &settings.in_code;
    let plain = Variant { isas: isas.clone(), checked: false, team: None, int8: false };
    let checked = Variant { checked: true, ..plain.clone() };
    let team = |form, checked| Variant { checked, team: Some(form), ..plain.clone() };
    if settings.int8 {
        let (checked, threads) = match settings.builds {
            Builds::Mixed => (index % 2 == 1, index % 3 != 2),
            builds => (builds == Builds::Checked, true),
        };
        return vec![Variant { checked, team: threads.then_some(Sharing::Panels), int8: true, ..plain }];
    }
    match settings.builds {
        Builds::Plain => vec![plain],
        Builds::Checked => vec![checked],
        Builds::Mixed => match index % 4 {
            1 => vec![plain, checked],
            3 if isas.len() > 1 => {
                let from = 1 + index / 4 % (isas.len() - 1);
                vec![plain.clone(), Variant { isas: isas[from..].to_vec(), ..plain }]
            }
            // A program for several threads is compared when it runs on one, too.
            0 => vec![team(Sharing::Panels, index.is_multiple_of(16))],
            2 if index % 8 == 2 => vec![team(Sharing::RowBlocks, index % 32 == 2)],
            _ => vec![plain],
        },
    }
}

/// A job that has been compiled.
enum Compiled {
    F32(Box<Subject>),
    Int8(Box<int8::Subject>),
}

impl Compiled {
    fn of(job: &Job<'_>) -> Result<Self, Finding> {
        if job.variant.int8 {
            let subject = int8::subject::prepare(job.case, &job.variant, job.fault)?;
            return Ok(Compiled::Int8(Box::new(subject)));
        }
        Ok(Compiled::F32(Box::new(prepare(job.case, &job.variant, job.fault)?)))
    }

    fn unit(&self) -> Unit<'_> {
        match self {
            Compiled::F32(subject) => subject.unit(),
            Compiled::Int8(subject) => subject.unit(),
        }
    }
}

fn check_batch(jobs: &[Job<'_>], settings: &Settings) -> Result<Vec<Failure>, SystemError> {
    let failure = |job: &Job<'_>, finding| Failure { index: job.index, variant: job.variant.clone(), finding };
    let mut failures = Vec::new();
    let mut subjects = Vec::new();
    for job in jobs {
        match Compiled::of(job) {
            Ok(subject) => subjects.push((job, subject)),
            Err(finding) => failures.push(failure(job, finding)),
        }
    }
    let all: Vec<Unit<'_>> = subjects.iter().map(|(_, subject)| subject.unit()).collect();
    if all.is_empty() {
        return Ok(failures);
    }
    match Program::build(&all, &settings.rustc) {
        Ok(program) => {
            for (number, (job, subject)) in subjects.iter().enumerate() {
                failures.extend(run(&program, number, job, subject, settings).map(|finding| failure(job, finding)));
            }
        }
        Err(BuildError::System(what, error)) => return Err(SystemError(format!("{what}: {error}"))),
        // Each by itself, to see which it is.
        Err(BuildError::Refused(_)) => {
            for ((job, subject), unit) in subjects.iter().zip(&all) {
                match Program::build(std::slice::from_ref(unit), &settings.rustc) {
                    Ok(program) => {
                        failures.extend(run(&program, 0, job, subject, settings).map(|finding| failure(job, finding)));
                    }
                    Err(BuildError::System(what, error)) => return Err(SystemError(format!("{what}: {error}"))),
                    Err(BuildError::Refused(said)) => failures.push(failure(job, Finding::DoesNotCompile(said))),
                }
            }
        }
    }
    failures.sort_by_key(|failure| failure.index);
    Ok(failures)
}

/// Runs a subject on each instruction set; the first thing that is wrong.
fn run(program: &Program, number: usize, job: &Job<'_>, subject: &Compiled, settings: &Settings) -> Option<Finding> {
    let mut isas = settings.to_run.iter().copied().filter(|isa| job.variant.isas.contains(isa));
    isas.find_map(|isa| match subject {
        Compiled::F32(subject) => run_on(program, number, subject, isa),
        Compiled::Int8(subject) => int8::run::run(program, number, subject, isa),
    })
}

fn run_on(program: &Program, number: usize, subject: &Subject, isa: Isa) -> Option<Finding> {
    let ran = program.run(number, isa);
    let isa = isa.name;
    let ran = match ran {
        Ok(ran) => ran,
        Err(message) => return Some(Finding::Stopped { isa, message }),
    };
    let plan = &subject.plan;
    if ran.steps.len() != plan.steps.len() {
        return Some(Finding::Stopped {
            isa,
            message: format!("{} steps reported of {}", ran.steps.len(), plan.steps.len()),
        });
    }
    let image = subject.image.iter().copied().map(f64::from).collect();
    let mut made = BTreeMap::from([(subject.graph.input, image)]);
    for (step, found) in plan.steps.iter().zip(&ran.steps) {
        let shape = step.output_shape;
        let stride = plan.stride(shape).0;
        if found.len() < shape.pixels() * stride {
            let message = format!("step {} reports {} values", step.name, found.len());
            return Some(Finding::Stopped { isa, message });
        }
        let wrong = match expected(subject, step, &made) {
            Ok(expected) => compare_step(step, &expected, found, stride, isa),
            Err(finding) => Some(finding),
        };
        if wrong.is_some() {
            return wrong;
        }
        let pixels = found.chunks_exact(stride).take(shape.pixels());
        made.insert(step.tensor, pixels.flat_map(|p| p[..shape.channels].iter().copied().map(f64::from)).collect());
    }
    // The output as the caller gets it.
    let Some(last) = plan.steps.last().and_then(|step| made.get(&step.tensor)) else {
        return Some(Finding::Refused("the plan has no steps".to_owned()));
    };
    for (entry, output) in [("infer", &ran.output), ("infer_chw", &ran.output_chw)] {
        if output.len() != last.len() {
            return Some(Finding::Stopped { isa, message: format!("{entry} gives {} values", output.len()) });
        }
        for (expected, tolerance) in [(last, 0.0), (&subject.output, NETWORK_TOLERANCE)] {
            let difference = compare(expected, output, plan.output, plan.output.channels);
            if difference.relative > tolerance {
                return Some(Finding::Output { isa, entry: entry.to_owned(), difference });
            }
        }
    }
    None
}
