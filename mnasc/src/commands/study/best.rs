//! `mnasc study best STUDY`: the networks that a search found, as specs and, where mnasc trained them, with weights.

pub(in crate::commands) use super::weights::Trainer;

use super::{open, value};
use crate::cli::StudyBestArgs;
use crate::commands::space::named;
use crate::describe::describe;
use crate::error::{Error, Result};
use crate::output::{self, Artifact};
use crate::study_error::study_error;
use mnas_codegen::weights::{Weights, safetensors};
use mnas_dsl::printable;
use mnas_dsl::{Network, Spec};
use mnas_search::study::{State, Study, Trial};
use mnas_search::{pareto, ranking};
use serde_json::json;
use std::path::{Path, PathBuf};

/// Prints or writes the best networks.
pub(super) fn run(args: &StudyBestArgs) -> Result<()> {
    let (study, trials) = open(&args.study)?;
    let found = if args.pareto { front(&trials) } else { by_reward(&study, &trials)? };
    let most = args.top.map_or(if args.pareto { usize::MAX } else { 1 }, |top| top as usize);
    let found: Vec<&Trial> = found.into_iter().take(most).collect();
    if found.is_empty() {
        let what = match (trials.is_empty(), trials.iter().any(|trial| trial.state == State::Done)) {
            (true, _) => "has no finished trial",
            (false, false) => "has only failed trials",
            (false, true) => "has no trial with an accuracy, a latency and a finite reward",
        };
        let error = Error::input(format!("`{}` {what}", args.study.display()));
        return Err(match trials.is_empty() {
            true => error,
            false => error.hint(format!("`mnasc study list {}` shows them", args.study.display())),
        });
    }
    let mut paths: Vec<Option<PathBuf>> = vec![None; found.len()];
    if let Some(folder) = &args.to {
        let mut artifacts = Vec::new();
        let mut trainer = None;
        for (trial, path) in found.iter().zip(&mut paths) {
            let (spec, network) = spec(trial)?;
            if trainer.is_none() {
                trainer = Some(Trainer::of(args.data.as_deref(), &study, &network)?);
            }
            let at = folder.join(format!("{}.yaml", spec.name.value));
            artifacts.push(Artifact { path: at.clone(), bytes: text(&study, trial, &spec).into_bytes() });
            if let Some(Some(trainer)) = &trainer {
                let bytes = file(&trainer.weights(&study, &trials, trial)?)?;
                artifacts.push(Artifact { path: at.with_extension("safetensors"), bytes });
            }
            *path = Some(at);
        }
        output::write_folder(folder, &artifacts)?;
    }
    if args.json {
        let found: Vec<_> = found.iter().map(value).collect::<Result<_>>()?;
        return output::print_json(&json!({"best": found, "paths": paths}));
    }
    let mut text = String::new();
    for (trial, path) in found.iter().zip(paths) {
        text.push_str(&format!("trial {}: {}\n", trial.number, describe(trial)));
        match path {
            Some(path) => text.push_str(&format!("  {}\n", path.display())),
            None => {
                text.push_str(&trial.spec.lines().map(|line| format!("  {}\n", printable(line))).collect::<String>())
            }
        }
    }
    output::print(&text)
}

/// The network of a trial, named after the space and the trial.
pub(in crate::commands) fn spec(trial: &Trial) -> Result<(Spec, Network)> {
    let (mut spec, mut network) = mnas_dsl::load_yaml(&trial.spec, "spec")?;
    spec.name.value = named(&spec.name.value, trial.number);
    network.name.clone_from(&spec.name.value);
    Ok((spec, network))
}

/// The file of a trial's spec, with its origin in a comment.
pub(in crate::commands) fn text(study: &Study, trial: &Trial, spec: &Spec) -> String {
    format!("# Trial {} of {}: {}\n{}", trial.number, shown(study.path()), describe(trial), spec.to_yaml())
}

/// The file of weights, safetensors.
pub(in crate::commands) fn file(weights: &Weights) -> Result<Vec<u8>> {
    safetensors::write(weights).map_err(|error| Error::system(error.to_string()))
}

/// The best first, by the reward as far as it is known.
pub(in crate::commands) fn by_reward<'t>(study: &Study, trials: &'t [Trial]) -> Result<Vec<&'t Trial>> {
    let noise = study.noise().map_err(study_error)?;
    let reward = study.settings().reward_so_far(trials);
    if study.reward().is_none() && reward.is_some() {
        output::progress(&format!("reward: {}", study.settings().reward_in_words(trials)));
    }
    Ok(ranking::ranked(trials, reward, noise).into_iter().map(|at| &trials[at]).collect())
}

/// The Pareto front, by latency.
fn front(trials: &[Trial]) -> Vec<&Trial> {
    let done = ranking::finalists(trials).into_iter().map(|at| &trials[at]);
    let done: Vec<&Trial> = done.filter(|trial| trial.point().is_some()).collect();
    let points: Vec<(f64, f64)> = done.iter().filter_map(|trial| trial.point()).collect();
    pareto::front(&points).into_iter().map(|at| done[at]).collect()
}

/// The name of a file, for comments: its folder does not matter.
fn shown(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
