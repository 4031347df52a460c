//! What says how fast a network is, where the evaluator does not.

use super::options;
use crate::cli::{DeviceArgs, SearchArgs};
use crate::error::{Error, Result};
use crate::latency::{Meter, prediction};
use crate::output::progress;
use crate::study_error::{search_error, study_error};
use mnas_dsl::printable;
use mnas_dsl::{Network, Space, Spec};
use mnas_search::evaluator::Evaluator;
use mnas_search::findings::{MACHINE, Machine, PREDICTION};
use mnas_search::search::Search;
use mnas_search::study::{Access, Settings, Study, Trial};
use mnas_search::{pareto, ranking, searcher};
use std::path::Path;

/// Networks of a study that are measured whole.
const FINALISTS: usize = 6;

/// What was asked for, or what the study was begun with; none where nothing needs to be measured.
pub(super) fn of(
    args: &SearchArgs,
    path: &Path,
    begun: Option<&Settings>,
    evaluator: &dyn Evaluator,
) -> Result<Option<Meter>> {
    let asked = args.measure || args.device.is_given();
    let Some(begun) = begun else {
        let needs = options::reward(args)?.is_some_and(|(reward, _)| reward.needs_latency())
            || args.method.as_deref().and_then(searcher::method).is_some_and(|method| method.needs_latency);
        // Who has a table of results without latency may have left them away.
        let is_needed = asked || needs && !evaluator.gives_latency() && args.table.is_none();
        return if is_needed { Meter::of(args.device.options()).map(Some) } else { Ok(None) };
    };
    match &begun.stopwatch {
        None if asked => Err(Error::input(format!("nothing was measured when `{}` was begun", path.display()))
            .hint("leave the options of measuring away to go on as it was begun, or begin another study")),
        None => Ok(None),
        Some(name) => Meter::of(like(&args.device, name).options()).map(Some),
    }
}

/// Writes down on what a search measures, and tells of a machine that has changed since it did so before.
pub(super) fn note(meter: &Meter, search: &mut Search<'_>) -> Result<()> {
    let (before, now) = (search.study().finding::<Machine>(MACHINE).map_err(study_error)?, meter.machine());
    if let Some(before) = before
        && (&before.cpu, &before.compiler, &before.runner) != (&now.cpu, &now.compiler, &now.runner)
    {
        let of = |it: &Machine| printable(&format!("{}, {}", it.cpu, it.compiler));
        progress(&format!(
            "warning: the latencies so far are of {}; those that follow are of {}, and may not compare with them",
            of(&before),
            of(&now)
        ));
    }
    search.note(MACHINE, &now).map_err(search_error)
}

/// Measures some of a study's networks whole, and says in it how well the sums of their layers had told that.
pub(super) fn compare(meter: &Meter, space: &Space, path: &Path) -> Result<()> {
    let mut study = Study::open(path, Access::Search).map_err(study_error)?;
    let trials = study.trials().map_err(study_error)?;
    let finalists = finalists(&trials);
    let networks: Vec<(Spec, Network)> =
        finalists.iter().map(|trial| space.member(&trial.choices)).collect::<std::result::Result<_, _>>()?;
    progress(&format!("timing {} of the networks as a whole", networks.len()));
    let prediction = prediction::of(meter.pairs(&networks)?);
    progress(&format!(
        "{:.0} % of the sums of their layers were within 10 %, Kendall tau {:.2}",
        prediction.within_10_percent * 100.0,
        prediction.tau
    ));
    study.set_finding(PREDICTION, &prediction).map_err(study_error)
}

/// The best by reward, those of the front, and others over the range of latencies, until there are enough.
fn finalists(trials: &[Trial]) -> Vec<&Trial> {
    // A network that was trained longer is not measured twice.
    let known = ranking::finalists(trials).into_iter().map(|at| &trials[at]);
    let mut known: Vec<&Trial> = known.filter(|trial| trial.point().is_some()).collect();
    let by_latency = |trial: &&Trial| trial.latency.map_or(0.0, |latency| latency.ms);
    known.sort_by(|a, b| by_latency(a).total_cmp(&by_latency(b)).then(a.number.cmp(&b.number)));
    let points: Vec<(f64, f64)> = known.iter().filter_map(|trial| trial.point()).collect();
    let mut best: Vec<&Trial> = known.clone();
    best.sort_by(|a, b| b.reward.unwrap_or(f64::NEG_INFINITY).total_cmp(&a.reward.unwrap_or(f64::NEG_INFINITY)));
    let front = pareto::front(&points);
    let front = spread(&front).map(|at| known[at]);
    let all: Vec<usize> = (0..known.len()).collect();
    let over = spread(&all).map(|at| known[at]);
    let mut chosen: Vec<&Trial> = Vec::new();
    for trial in best.into_iter().take(1).chain(front).chain(over) {
        if chosen.len() < FINALISTS && !chosen.iter().any(|other| other.number == trial.number) {
            chosen.push(trial);
        }
    }
    chosen
}

/// So many of a list, first and last among them.
fn spread(list: &[usize]) -> impl Iterator<Item = usize> {
    let last = list.len().saturating_sub(1);
    let steps = FINALISTS.min(list.len()).saturating_sub(1).max(1);
    (0..=steps).filter_map(move |step| list.get(step * last / steps).copied())
}

/// The device that a stopwatch of this name has, where nothing else was asked for.
fn like(args: &DeviceArgs, name: &str) -> DeviceArgs {
    let mut args = args.clone();
    let mut words = name.split(", ").skip(1);
    if let Some(isa) = words.next() {
        args.isa = args.isa.or_else(|| mnas_codegen::machine::by_name(isa).ok());
    }
    if let Some(threads) = words.next() {
        args.threads = args.threads.or_else(|| threads.split(' ').next()?.parse().ok());
    }
    args
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stopwatch_goes_on_as_it_was_begun() {
        let none = DeviceArgs::default();
        let name = "generated code, avx2, 3 threads, Some CPU 6 1";
        let args = like(&none, name);
        assert_eq!((args.isa.map(|isa| isa.name), args.threads), (Some("avx2"), Some(3)));
        let asked = DeviceArgs { threads: Some(1), ..none };
        assert_eq!(like(&asked, name).threads, Some(1));
    }

    #[test]
    fn a_spread_has_both_ends() {
        let list: Vec<usize> = (0..100).collect();
        let some: Vec<usize> = spread(&list).collect();
        assert_eq!((some.len(), some[0], some[FINALISTS - 1]), (FINALISTS, 0, 99));
        assert_eq!(spread(&[7]).collect::<Vec<_>>(), [7, 7]);
        assert_eq!(spread(&[]).count(), 0);
    }
}
