//! `mnasc fuzz`: compares the generated code of random networks with the reference executor, step by step.

use crate::cli::FuzzArgs;
use crate::error::{Error, Result};
use crate::output::{self, Artifact, progress};
use crate::{input, runner};
use mnas_codegen::machine::Isa;
use mnas_fuzz::check::{Builds, Failure, Settings, SystemError, check};
use mnas_fuzz::hunt::{Report, hunt};
use mnas_fuzz::program::Rustc;
use mnas_fuzz::{Case, draw};
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Time between two lines of progress.
const EVERY: Duration = Duration::from_secs(5);

/// Checks drawn or given specs; shrinks the first that fails.
pub(crate) fn run(args: &FuzzArgs) -> Result<()> {
    let settings = settings(args)?;
    if let Some(folder) = &args.keep {
        fs::create_dir_all(folder).map_err(|error| Error::file("create the folder", folder, &error))?;
    }
    let cases = cases(args)?;
    let run: Vec<&str> = settings.to_run.iter().map(|isa| isa.name).collect();
    let start = Instant::now();
    progress(&format!("checking {} networks on {} ...", cases.len(), run.join(", ")));
    let said = Mutex::new(start);
    let failures = check(&cases, &settings, &|done, all| {
        let Ok(mut said) = said.lock() else { return };
        if said.elapsed() >= EVERY && done < all {
            *said = Instant::now();
            progress(&format!("{done} of {all} builds checked in {:.0} s", start.elapsed().as_secs_f64()));
        }
    });
    let failures = failures.map_err(system)?;
    let Some(first) = failures.first() else {
        let text = format!("\x1b[32mok\x1b[0m {} networks on {}: every step agrees\n", cases.len(), run.join(", "));
        return output::print(&text);
    };
    progress(&format!("{} fails: {}", named(&cases, first), first.finding));
    progress("looking for a smaller network that fails as well ...");
    let report = hunt(&cases[first.index], first, None, &settings, &|smaller| {
        let blocks = smaller.network.layers.len() - 1;
        progress(&format!("still fails with {blocks} layers and {} multiply-accumulates", smaller.network.macs()));
    });
    Err(Error::difference(describe(args, &cases, &failures, &report.map_err(system)?)?))
}

fn settings(args: &FuzzArgs) -> Result<Settings> {
    let mut settings = Settings::default();
    if !args.isa.is_empty() {
        let have = args.isa.iter().map(|&isa| runner::isa_or_best(Some(isa)));
        settings.to_run = have.collect::<Result<Vec<Isa>>>()?;
        settings.in_code.clone_from(&settings.to_run);
    }
    settings.builds = match (args.checked, args.spec.is_empty() && args.isa.is_empty()) {
        (true, _) => Builds::Checked,
        (false, true) => Builds::Mixed,
        (false, false) => Builds::Plain,
    };
    settings.rustc = Rustc { opt_level: args.opt_level, ..Rustc::default() };
    Ok(settings)
}

fn cases(args: &FuzzArgs) -> Result<Vec<Case>> {
    if args.spec.is_empty() {
        return Ok(draw::cases(args.seed, args.specs as usize));
    }
    let case = |path| {
        let (spec, network) = input::spec(path)?;
        Ok(Case { spec, network, l2_bytes: args.l2.map(|bytes| bytes as usize), seed: args.seed, graph: None })
    };
    args.spec.iter().map(|path| case(path)).collect()
}

/// The finding, the shrunk spec, and the command that reproduces it.
fn describe(args: &FuzzArgs, cases: &[Case], failures: &[Failure], report: &Report) -> Result<String> {
    let first = &failures[0];
    let mut failing: Vec<usize> = failures.iter().map(|failure| failure.index).collect();
    failing.dedup();
    let mut text = format!("{} of {} networks fail\n", failing.len(), cases.len());
    text.push_str(&format!("{}: {}\n", named(cases, first), first.finding));
    text.push_str(&format!("faulty part: {}\n", report.blame));
    text.push_str(&format!("the smallest spec that fails as well: {}\n\n", report.finding));
    let yaml = report.case.spec.to_yaml();
    text.push_str(&yaml);
    let name = format!("{}.yaml", report.case.network.name);
    let path = args.keep.as_deref().unwrap_or(Path::new("")).join(&name);
    let again = again(&report.case, &report.variant.isas, report.variant.checked, args.opt_level, &path);
    if args.keep.is_some() {
        let comment: String =
            format!("{}\n{again}", report.finding).lines().map(|line| format!("# {line}\n")).collect();
        output::write_all(&[Artifact { path: path.clone(), bytes: format!("{comment}{yaml}").into_bytes() }])?;
        text.push_str(&format!("\nreproduce it with\n  {again}"));
    } else {
        text.push_str(&format!(
            "\nwrite it to {} (or repeat with `--keep FOLDER`) and reproduce it with\n  {again}",
            path.display()
        ));
    }
    Ok(text)
}

fn named(cases: &[Case], failure: &Failure) -> String {
    format!("network {} ({})", failure.index, cases[failure.index].network.name)
}

/// The command that checks a case alone.
fn again(case: &Case, isas: &[Isa], checked: bool, opt_level: u8, path: &Path) -> String {
    let isas: Vec<&str> = isas.iter().map(|isa| isa.name).collect();
    let mut command = format!("mnasc fuzz {} --seed {} --isa {}", path.display(), case.seed, isas.join(","));
    if let Some(bytes) = case.l2_bytes {
        command.push_str(&format!(" --l2 {bytes}"));
    }
    if checked {
        command.push_str(" --checked");
    }
    if opt_level > 0 {
        command.push_str(&format!(" --opt-level {opt_level}"));
    }
    command
}

fn system(error: SystemError) -> Error {
    Error::system(error.to_string()).hint("networks are built with the `rustc` on PATH, or with `$RUSTC`")
}
