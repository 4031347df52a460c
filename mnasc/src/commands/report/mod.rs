//! `mnasc report STUDY -o OUT.html`: a page about a search.

mod measured;

use super::study::best;
use crate::cli::ReportArgs;
use crate::error::{Error, Result};
use crate::input;
use crate::output::{self, Artifact};
use crate::page::study::{Baseline, Beside, Findings, Measured, Shown, render};
use crate::paper;
use crate::study_error::study_error;
use mnas_dsl::Network;
use mnas_search::findings::{BASELINES, EvaluatedBaseline, MACHINE, NOISE, PREDICTION, RANKING};
use mnas_search::reward::Reward;
use mnas_search::study::{Access, State, Study, Trial};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Writes the page.
pub(crate) fn run(args: &ReportArgs) -> Result<()> {
    let inputs = [&args.study].into_iter().chain(&args.baseline).chain(&args.measured).chain(&args.beside);
    let inputs: Vec<&Path> = inputs.map(PathBuf::as_path).collect();
    output::refuse_overwriting(&args.output, &inputs)?;
    let bytes = page(&args.study, &args.baseline, &args.measured, &args.beside)?;
    if args.output.as_os_str() == "-" {
        return output::print_bytes(&bytes);
    }
    output::write_all(&[Artifact { path: args.output.clone(), bytes }])
}

/// The page of a study, with baselines, figures that were measured elsewhere, and other studies.
pub(super) fn page(
    path: &Path,
    baselines: &[PathBuf],
    figures: &[PathBuf],
    beside_paths: &[PathBuf],
) -> Result<Vec<u8>> {
    let study = Study::open(path, Access::Read).map_err(study_error)?;
    let (trials, reward) = rewarded(&study, study.trials().map_err(study_error)?);
    let measured = measured::read(figures)?;
    let evaluated: Vec<EvaluatedBaseline> = study.finding(BASELINES).map_err(study_error)?.unwrap_or_default();
    let baselines = baselines.iter().map(|path| baseline(path, &trials, &measured)).collect::<Result<Vec<_>>>()?;
    check_names(baselines.iter().map(|it| &*it.name))?;
    // Baselines that the search evaluated come first, each once.
    let is_other = |it: &Baseline| !evaluated.iter().any(|other| other.name == it.name);
    let others: Vec<Baseline> = baselines.into_iter().filter(is_other).collect();
    let baselines: Vec<Baseline> = evaluated.into_iter().map(as_baseline).chain(others).collect();
    // Networks of the paper's tables have a column there; figures of trials may be in the same file as those of
    // baselines.
    let is_trial =
        |name: &str| trials.iter().any(|trial| best::spec(trial).is_ok_and(|(spec, _)| spec.name.value == name));
    let specs: Vec<String> =
        paper::tables().unwrap_or_default().into_iter().flat_map(|it| it.rows).filter_map(|it| it.spec).collect();
    measured::check_names(&measured, |name: &str| {
        baselines.iter().any(|it| it.name == name) || specs.iter().any(|spec| spec == name) || is_trial(name)
    })?;
    let beside = beside_paths.iter().map(|other| beside(other, path, &study)).collect::<Result<Vec<_>>>()?;
    let name = name(path);
    let findings = Findings {
        ranking: study.finding(RANKING).map_err(study_error)?,
        noise: study.finding(NOISE).map_err(study_error)?,
        prediction: study.finding(PREDICTION).map_err(study_error)?,
        machine: study.finding(MACHINE).map_err(study_error)?,
    };
    let shown = Shown {
        name: &name,
        settings: study.settings(),
        reward,
        trials: &trials,
        findings: &findings,
        baselines: &baselines,
        measured: &measured,
        beside: &beside,
    };
    Ok(render(&shown).into_bytes())
}

/// The name of a study: that of its file.
fn name(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// Another study of the same space, whose latencies are shown beside those of `study`.
fn beside(other: &Path, path: &Path, study: &Study) -> Result<Beside> {
    let beside = Study::open(other, Access::Read).map_err(study_error)?;
    if beside.settings().space != study.settings().space {
        let what = format!("`{}` has another space than `{}`", other.display(), path.display());
        return Err(Error::input(what).hint("only studies of the same space can be shown beside each other"));
    }
    let (trials, reward) = rewarded(&beside, beside.trials().map_err(study_error)?);
    Ok(Beside { name: name(other), settings: beside.settings().clone(), reward, trials })
}

/// Trials with their rewards as far as the reward is known: trials to which its exponent is fitted have none before all
/// of them are finished.
fn rewarded(study: &Study, mut trials: Vec<Trial>) -> (Vec<Trial>, Option<Reward>) {
    let reward = study.settings().reward_so_far(&trials);
    if let (None, Some(reward)) = (study.reward(), reward) {
        for trial in trials.iter_mut().filter(|trial| trial.state == State::Done) {
            trial.reward = trial.accuracy.map(|accuracy| reward.of(accuracy, trial.latency.map(|it| it.ms)));
        }
    }
    (trials, reward)
}

/// A baseline: its counts, and its figures where there are any.
fn baseline(path: &Path, trials: &[Trial], measured: &BTreeMap<String, Measured>) -> Result<Baseline> {
    let (_, network) = input::spec(path)?;
    let trial = same(&network, trials);
    let given = measured.get(&network.name).cloned().unwrap_or_default();
    let mut figures = given;
    if let Some(trial) = trial {
        figures.ms = figures.ms.or(trial.latency.map(|it| it.ms));
        if figures.accuracies.is_empty() {
            figures.accuracies.extend(trial.accuracy);
        }
    }
    Ok(Baseline {
        parameters: network.parameters(),
        macs: network.macs(),
        name: network.name,
        figures,
        trial: trial.map(|trial| trial.number),
        is_judged: false,
    })
}

/// A baseline that the search evaluated.
fn as_baseline(evaluated: EvaluatedBaseline) -> Baseline {
    let EvaluatedBaseline { name, parameters, macs, accuracy, latency, .. } = evaluated;
    let figures =
        Measured { ms: latency.map(|it| it.ms), accuracies: accuracy.into_iter().collect(), how: String::new() };
    Baseline { name, parameters, macs, figures, trial: None, is_judged: true }
}

/// The trial of the same network, if there is one.
fn same<'a>(network: &Network, trials: &'a [Trial]) -> Option<&'a Trial> {
    let key = mnas_dsl::space::key(network);
    let counts = (network.parameters(), network.macs());
    let near = trials.iter().filter(|trial| trial.state == State::Done && (trial.parameters, trial.macs) == counts);
    // The last one was trained longest.
    near.rev().find(|trial| {
        mnas_dsl::load_yaml(&trial.spec, "spec").is_ok_and(|(_, other)| mnas_dsl::space::key(&other) == key)
    })
}

/// Baselines are identified by their names.
pub(super) fn check_names<'a>(names: impl Iterator<Item = &'a str>) -> Result<()> {
    let mut seen = BTreeSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(Error::input(format!("two baselines are called `{name}`")).hint("give each its own `name`"));
        }
    }
    Ok(())
}
