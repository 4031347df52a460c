//! `mnasc tune SPEC`: measures what can be chosen on this machine, and writes what is faster than the estimates.
//!
//! Several schedules of the whole network are built as one program, each of which tries something else in every step, and
//! are run in turn; medians of each step are compared. So a step is timed with the caches as the network leaves them. What is
//! best is compared with the estimates once more, in other processes, at last by whole inferences: only what gains there
//! is written.

mod busy;
mod candidates;
mod cpu;
mod keep;
mod program;
mod proof;
mod search;

use super::bench::random_image;
use crate::cli::TuneArgs;
use crate::error::{Error, Result};
use crate::latency::lock;
use crate::output::{self, Artifact, progress};
use crate::{input, runner};
use keep::Tuning;
use mnas_codegen::pack;
use mnas_codegen::tuned::{ScheduleFile, Tuned};
use mnas_dsl::{Network, Spec};
use search::Search;
use std::path::Path;
use std::time::{Duration, Instant};

/// What is tuned.
pub(super) struct Subject<'a> {
    spec: &'a Spec,
    network: &'a Network,
    threads: u32,
    /// Packed weights and an image, as the program reads them.
    input: Vec<f32>,
}

/// Tunes a network.
pub(crate) fn run(args: &TuneArgs) -> Result<()> {
    let (spec, network) = input::spec(&args.spec)?;
    let isas = match &args.isa[..] {
        [] => vec![runner::isa_or_best(None)?],
        asked => asked.iter().map(|isa| runner::isa_or_best(Some(*isa))).collect::<Result<_>>()?,
    };
    let cpu = match &args.cpu {
        Some(name) if ScheduleFile::is_name(name) => name.clone(),
        Some(name) => {
            return Err(Error::input(format!("`{name}` cannot name a section: letters, digits, `.`, `_` and `-` can")));
        }
        None => cpu::name()?,
    };
    let mut file = match &args.output {
        Some(path) if path.exists() => input::schedule_file(path)?,
        _ => ScheduleFile::default(),
    };
    if let Some(path) = &args.output {
        output::refuse_overwriting(path, &[args.spec.as_path()])?;
    }
    let weights = input::weights_or_random(&args.weights, &network)?;
    let target = mnas_codegen::plan::Target::new(runner::isas_of_host());
    let graph = mnas_codegen::compile::fused_graph(&network);
    let plan = mnas_codegen::plan::plan(&graph, &target).map_err(|error| Error::input(error.to_string()))?;
    let packed = pack::pack(&plan, &weights).map_err(|error| Error::input(error.to_string()))?;
    let input = packed.into_iter().chain(random_image(network.input)).collect();
    let subject = Subject { spec: &spec, network: &network, threads: args.threads, input };

    // Neither measures while the other compiles.
    let _alone = lock::acquire_for("tune")?;
    let end = Instant::now() + Duration::from_secs(u64::from(args.budget));
    let count = isas.len() as u32;
    let mut changed = false;
    for (i, isa) in isas.into_iter().enumerate() {
        // What is left is shared by those that are left.
        let share = end.saturating_duration_since(Instant::now()) / (count - i as u32);
        let before = file.select(Some(&cpu)).unwrap_or_else(|_| Tuned::default());
        let found = Search::new(&subject, isa, &before, share)?.run()?;
        let tuning = Tuning { network: &network.name, cpu: &cpu, isa, threads: args.threads };
        progress(&tuning.verdict(&found));
        if let Some(warning) = found.seen.warning() {
            progress(&warning);
        }
        if found.proof.as_ref().is_some_and(|proof| proof.gains() || args.force) {
            tuning.put(&found, &mut file);
            changed = true;
            // Whoever stops it keeps what holds of other instruction sets.
            args.output.as_deref().map_or(Ok(()), |path| write(path, &file))?;
        }
    }
    match &args.output {
        Some(path) if changed => progress(&format!("`--schedule {} --cpu {cpu}` compiles with it", path.display())),
        Some(path) if path.exists() => progress(&format!("`{}` is left as it was", path.display())),
        Some(path) => progress(&format!("`{}` is not written", path.display())),
        None if changed => output::print(&file.to_string())?,
        None => progress("no schedule is written"),
    }
    Ok(())
}

fn write(path: &Path, file: &ScheduleFile) -> Result<()> {
    output::write_all(&[Artifact { path: path.to_owned(), bytes: file.to_string().into_bytes() }])
}
