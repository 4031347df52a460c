//! The stopwatch of a search: measures how fast a network is, where the evaluator does not.

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

/// The number of networks of a study that are measured as a whole.
const FINALISTS: usize = 6;

/// The stopwatch of the arguments, or that of the study; `None` where no latency is needed.
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
        // A table without latencies may be meant to have none.
        let is_needed = asked || needs && !evaluator.gives_latency() && args.table.is_none();
        return if is_needed { Meter::of(args.device.options()).map(Some) } else { Ok(None) };
    };
    match &begun.stopwatch {
        None if asked => Err(Error::input(format!("the study `{}` was created without measuring", path.display()))
            .hint("remove the options for measuring to continue the study unchanged, or start another study")),
        None => Ok(None),
        Some(name) => Meter::of(like(&args.device, name).options()).map(Some),
    }
}

/// Stores the machine that measures, and warns where it has changed.
pub(super) fn note(meter: &Meter, search: &mut Search<'_>) -> Result<()> {
    let (before, now) = (search.study().finding::<Machine>(MACHINE).map_err(study_error)?, meter.machine());
    if let Some(before) = before
        && (&before.cpu, &before.compiler, &before.runner) != (&now.cpu, &now.compiler, &now.runner)
    {
        let of = |it: &Machine| printable(&format!("{}, {}", it.cpu, it.compiler));
        progress(&format!(
            "warning: the latencies so far are of {}; the next ones are of {}, and may not be comparable",
            of(&before),
            of(&now)
        ));
    }
    search.note(MACHINE, &now).map_err(search_error)
}

/// Measures some networks of a study as a whole, and stores how well the sums of their layers predicted that.
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

/// The best by reward, those of the Pareto front, and others over the range of latencies, until there are enough.
fn finalists(trials: &[Trial]) -> Vec<&Trial> {
    // A network that was trained longer is measured once.
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

/// Elements of a list at equal distances, including the first and the last.
fn spread(list: &[usize]) -> impl Iterator<Item = usize> {
    let last = list.len().saturating_sub(1);
    let steps = FINALISTS.min(list.len()).saturating_sub(1).max(1);
    (0..=steps).filter_map(move |step| list.get(step * last / steps).copied())
}

/// The device of a stopwatch of this name, unless the arguments have another.
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
    fn a_stopwatch_continues_with_its_settings() {
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
