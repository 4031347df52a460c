//! Several schedules of a network as one program, which times each step of each.

use super::Subject;
use crate::build_cache;
use crate::error::{Error, Result};
use crate::harness;
use crate::quantile::median;
use crate::runner::feed;
use mnas_codegen::compile::{Compiled, Options, compile_plan, fused_graph};
use mnas_codegen::emit::file;
use mnas_codegen::machine::{self, Isa};
use mnas_codegen::plan::{self, Plan, Target};
use mnas_codegen::tuned::TuningProfile;
use mnas_harness::{Source, source};
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

const MODULES: [Source; 3] = [source::ENGINE, source::SCHEDULES, source::VALUES];

/// What is timed of an inference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// Each step.
    Steps,
    /// The whole inference.
    Whole,
}

/// A program of several schedules. It is not needed again, so its folder is removed when it is dropped.
pub(super) struct Program<'a> {
    subject: &'a Subject<'a>,
    isa: Isa,
    path: PathBuf,
    launcher: Vec<OsString>,
    schedules: usize,
    steps: usize,
}

/// A plan with the schedule of one instruction set only, whose memory layout is that of a file with all of them.
pub(super) fn plan(subject: &Subject<'_>, isa: Isa, tuned: &TuningProfile) -> Result<Plan> {
    let (threads, tuned) = (subject.threads > 1, tuned.clone());
    let target = Target { threads, tuned, ..Target::new(machine::of_host()) };
    let mut plan = plan::plan(&fused_graph(subject.network), &target).map_err(|e| Error::input(e.to_string()))?;
    plan.schedules.retain(|schedule| schedule.isa == isa);
    Ok(plan)
}

impl<'a> Program<'a> {
    /// Builds the schedules.
    pub(super) fn build(subject: &'a Subject<'a>, isa: Isa, plans: Vec<Plan>) -> Result<Self> {
        let schedules = plans.len();
        let steps = plans.first().map_or(0, |plan| plan.steps.len());
        let mut files = harness::files(&MODULES);
        let (mut modules, mut makers) = (harness::declarations(&MODULES), String::new());
        let engine = harness::engine_macro(subject.threads);
        for (i, plan) in plans.into_iter().enumerate() {
            let compiled = compiled(subject, isa, plan)?;
            let name = compiled.type_name();
            let _ = writeln!(modules, "mod n{i};\ncrate::{engine}!(E{i}, n{i}::{name}<'static>);");
            let _ = writeln!(makers, "        schedules::variant::<E{i}>,");
            files.push((format!("n{i}.rs"), compiled.source().into_bytes()));
        }
        let main = format!(
            "{modules}{}\nfn main() -> std::io::Result<()> {{\n    schedules::main::<E0>(&[\n{makers}    ])\n}}\n",
            file::runtime(file::Number::F32)
        );
        files.push(("main.rs".to_owned(), main.into_bytes()));
        let path = build_cache::quiet_program(&files)?;
        let launcher = if subject.threads == 1 { pinned() } else { Vec::new() };
        Ok(Program { subject, isa, path, launcher, schedules, steps })
    }

    /// Medians in nanoseconds, for each schedule: of each step, or of whole inferences. Runs for `milliseconds` and starts
    /// with schedule `first`.
    pub(super) fn time(&self, what: What, milliseconds: u64, first: usize) -> Result<Vec<Vec<f64>>> {
        let (mode, steps) = match what {
            What::Steps => ("steps", self.steps),
            What::Whole => ("whole", 1),
        };
        let numbers = [milliseconds.to_string(), self.subject.threads.to_string(), first.to_string()];
        let arguments = [mode, &numbers[0], &numbers[1], &numbers[2]];
        let ran = feed(&self.launcher, &self.path, &arguments, self.isa, self.subject.input.iter());
        medians(&ran?, self.schedules, steps)
    }
}

impl Drop for Program<'_> {
    fn drop(&mut self) {
        if let Some(folder) = self.path.parent() {
            let _ = fs::remove_dir_all(folder);
        }
    }
}

fn compiled(subject: &Subject<'_>, isa: Isa, plan: Plan) -> Result<Compiled> {
    let options = Options {
        isas: vec![isa],
        threaded: subject.threads > 1,
        runtime: Some("crate::mnas_runtime".parse().map_err(|_| Error::system("an invalid path"))?),
        ..Options::default()
    };
    let graph = fused_graph(subject.network);
    let compiled = compile_plan(subject.spec, subject.network, graph, plan, None, &options);
    compiled.map_err(|error| Error::input(error.to_string()))
}

/// A command that pins a program to one processor, if the system has such a command: the last allowed one, as the first
/// has the most other work.
fn pinned() -> Vec<OsString> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    let last = list.and_then(|list| list.trim().rsplit([',', '-']).next()).and_then(|last| last.parse::<u32>().ok());
    let has = Command::new("taskset").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    match (last, has) {
        (Some(last), Ok(status)) if status.success() => vec!["taskset".into(), "-c".into(), last.to_string().into()],
        _ => Vec::new(),
    }
}

fn medians(bytes: &[u8], count: usize, steps: usize) -> Result<Vec<Vec<f64>>> {
    let values: Vec<f64> = bytes.as_chunks().0.iter().map(|bytes| u64::from_le_bytes(*bytes) as f64).collect();
    let round = count * steps;
    if round == 0 || values.is_empty() || !values.len().is_multiple_of(round) {
        return Err(Error::system("the measuring program returned an unexpected number of values"));
    }
    let of = |at: usize| median(&values.iter().skip(at).step_by(round).copied().collect::<Vec<_>>());
    Ok((0..count).map(|v| (0..steps).map(|step| of(v * steps + step)).collect()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_are_of_each_schedule_and_step() {
        // Three rounds of two schedules of two steps.
        let rounds: [u64; 12] = [1, 20, 300, 4000, 3, 22, 302, 4002, 2, 29, 301, 4009];
        let bytes: Vec<u8> = rounds.iter().flat_map(|value| value.to_le_bytes()).collect();
        let times = medians(&bytes, 2, 2).unwrap();
        assert_eq!(times, [[2.0, 22.0], [301.0, 4002.0]]);
        assert!(medians(&bytes[8..], 2, 2).is_err() && medians(&[], 2, 2).is_err());
    }
}
