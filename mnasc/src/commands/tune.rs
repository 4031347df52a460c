//! `mnasc tune SPEC`: measures schedules on this machine, and writes those that are faster than the estimated ones.
//!
//! One program has several schedules of the whole network, each with another choice in every step. They run by turns, and the
//! medians of each step are compared, so the caches are in the state in which the network leaves them. The best choices are
//! compared with the estimated ones again, in other processes and with whole inferences. Only choices that are faster there
//! are written.

use crate::cli::TuneArgs;
use crate::error::{Error, Result};
use crate::lock;
use crate::output::{self, Artifact, progress};
use crate::{input, runner};
use mnas_codegen::tuned::{ScheduleFile, TuningProfile};
use mnas_measure::tune::{Search, Subject, Tuning, cpu_name};
use std::path::Path;
use std::time::{Duration, Instant};

/// Tunes a network.
pub(crate) fn run(args: &TuneArgs) -> Result<()> {
    let (spec, network) = input::spec(&args.spec)?;
    let isas = match &args.isa[..] {
        [] => vec![runner::isa_or_best(None)?],
        requested => requested.iter().map(|isa| runner::isa_or_best(Some(*isa))).collect::<Result<_>>()?,
    };
    let cpu = match &args.cpu {
        Some(name) if ScheduleFile::is_name(name) => name.clone(),
        Some(name) => {
            return Err(Error::input(format!(
                "`{name}` is not a name of a section; expected letters, digits, `.`, `_` and `-`"
            )));
        }
        None => cpu_name()?,
    };
    let mut file = match &args.output {
        Some(path) if path.exists() => input::schedule_file(path)?,
        _ => ScheduleFile::default(),
    };
    if let Some(path) = &args.output {
        output::refuse_overwriting(path, &[args.spec.as_path()])?;
    }
    let weights = input::weights_or_random(&args.weights, &network)?;
    let subject = Subject::new(&spec, &network, &weights, args.threads)?;

    // The lock keeps another mnasc from compiling while this one measures.
    let _alone = lock::acquire_for("tune");
    let end = Instant::now() + Duration::from_secs(u64::from(args.budget));
    let count = isas.len() as u32;
    let mut changed = false;
    for (i, isa) in isas.into_iter().enumerate() {
        // The remaining instruction sets share the remaining time.
        let share = end.saturating_duration_since(Instant::now()) / (count - i as u32);
        let before = file.select(Some(&cpu)).unwrap_or_else(|_| TuningProfile::default());
        let found = Search::new(&subject, isa, &before, share)?.run()?;
        let tuning = Tuning { network: &network.name, cpu: &cpu, isa, threads: args.threads };
        progress(&tuning.verdict(&found));
        if let Some(warning) = found.seen.warning() {
            progress(&warning);
        }
        if found.proof.as_ref().is_some_and(|proof| proof.gains() || args.force) {
            tuning.put(&found, &mut file);
            changed = true;
            // Results of earlier instruction sets are kept if the command is stopped.
            args.output.as_deref().map_or(Ok(()), |path| write(path, &file))?;
        }
    }
    match &args.output {
        Some(path) if changed => progress(&format!("`--schedule {} --cpu {cpu}` compiles with it", path.display())),
        Some(path) if path.exists() => progress(&format!("`{}` is unchanged", path.display())),
        Some(path) => progress(&format!("`{}` is not written", path.display())),
        None if changed => output::print(&file.to_string())?,
        None => progress("no schedule is written"),
    }
    Ok(())
}

fn write(path: &Path, file: &ScheduleFile) -> Result<()> {
    output::write_all(&[Artifact { path: path.to_owned(), bytes: file.to_string().into_bytes() }])
}
