//! `mnasc study list|best|export STUDY`

use super::search::{describe, study_error};
use super::space::named;
use super::study_weights::Trainer;
use crate::cli::{StudyBestArgs, StudyCommand, StudyExportArgs, StudyListArgs};
use crate::error::{Error, Result};
use crate::output::{self, Artifact};
use mnas_dsl::Space;
use mnas_search::findings::{RANKING, Ranking};
use mnas_search::study::{Access, Study, Trial};
use mnas_search::{optuna, pareto, ranking};
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};

/// Looks at a study, whoever searches with it.
pub(crate) fn run(command: &StudyCommand) -> Result<()> {
    match command {
        StudyCommand::List(args) => list(args),
        StudyCommand::Best(args) => show_best(args),
        StudyCommand::Export(args) => export(args),
    }
}

fn open(path: &Path) -> Result<(Study, Vec<Trial>)> {
    let study = Study::open(path, Access::Read).map_err(study_error)?;
    let trials = study.trials().map_err(study_error)?;
    Ok((study, trials))
}

fn value(it: &impl serde::Serialize) -> Result<serde_json::Value> {
    serde_json::to_value(it).map_err(|error| Error::system(error.to_string()))
}

fn list(args: &StudyListArgs) -> Result<()> {
    let (study, trials) = open(&args.study)?;
    let settings = study.settings();
    if args.json {
        return output::print_json(&json!({
            "settings": value(settings)?,
            "progress": value(study.progress())?,
            "findings": findings(&study)?,
            "trials": value(&trials)?,
        }));
    }
    let reward = match study.progress().exponent {
        Some(exponent) => format!("{} (w was fitted)", settings.reward_with(exponent)),
        None => settings.reward.to_string(),
    };
    let mut text = format!(
        "{} trials by {}, seed {}, judged by `{}`\nreward: {reward}\n",
        trials.len(),
        settings.method,
        settings.seed,
        settings.evaluator
    );
    if let Some(ranking) = study.finding::<Ranking>(RANKING).map_err(study_error)? {
        text = format!("{ranking}\n{text}");
    }
    for trial in &trials {
        text.push_str(&format!("{:>6} {:<6} {}\n", trial.number, trial.state.name(), describe(trial)));
    }
    output::print(&text)
}

/// What was found out about the study, by name.
fn findings(study: &Study) -> Result<serde_json::Value> {
    let mut all = serde_json::Map::new();
    for name in study.finding_names() {
        if let Some(finding) = study.finding(name).map_err(study_error)? {
            all.insert(name.to_owned(), finding);
        }
    }
    Ok(all.into())
}

fn show_best(args: &StudyBestArgs) -> Result<()> {
    let (study, trials) = open(&args.study)?;
    let found = match args.pareto {
        true => front(&trials),
        false => {
            let noise = study.noise().map_err(study_error)?;
            let ranked = ranking::ranked(&trials, study.reward(), noise).into_iter().map(|at| &trials[at]);
            ranked.take(args.top.map_or(1, |top| top as usize)).collect()
        }
    };
    let found: Vec<&Trial> = found.into_iter().take(args.top.map_or(usize::MAX, |top| top as usize)).collect();
    if found.is_empty() {
        return Err(Error::input(format!("`{}` has no finished trial to choose from", args.study.display())));
    }
    let mut paths: Vec<Option<PathBuf>> = vec![None; found.len()];
    if let Some(folder) = &args.to {
        let mut artifacts = Vec::new();
        let mut trainer = None;
        for (trial, path) in found.iter().zip(&mut paths) {
            let (mut spec, network) = mnas_dsl::load_yaml(&trial.spec, "spec")?;
            if trainer.is_none() {
                trainer = Some(Trainer::of(args, &study, &network)?);
            }
            spec.name.value = named(&spec.name.value, trial.number);
            let at = folder.join(format!("{}.yaml", spec.name.value));
            let comment = format!("# Trial {} of {}: {}\n", trial.number, shown(study.path()), describe(trial));
            artifacts.push(Artifact { path: at.clone(), bytes: format!("{comment}{}", spec.to_yaml()).into_bytes() });
            if let Some(Some(trainer)) = &trainer {
                let bytes = trainer.weights(&study, &trials, trial)?;
                artifacts.push(Artifact { path: at.with_extension("safetensors"), bytes });
            }
            *path = Some(at);
        }
        fs::create_dir_all(folder).map_err(|error| Error::file("create the folder", folder, &error))?;
        output::write_all(&artifacts)?;
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
            None => text.push_str(&trial.spec.lines().map(|line| format!("  {line}\n")).collect::<String>()),
        }
    }
    output::print(&text)
}

/// A file's name, for comments: where it was does not matter.
fn shown(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Those that nothing beats in both, by latency.
fn front(trials: &[Trial]) -> Vec<&Trial> {
    let done = ranking::finalists(trials).into_iter().map(|at| &trials[at]);
    let done: Vec<&Trial> = done.filter(|trial| trial.point().is_some()).collect();
    let points: Vec<(f64, f64)> = done.iter().filter_map(|trial| trial.point()).collect();
    pareto::front(&points).into_iter().map(|at| done[at]).collect()
}

fn export(args: &StudyExportArgs) -> Result<()> {
    let (study, trials) = open(&args.study)?;
    output::refuse_overwriting(&args.optuna, &[&args.study])?;
    let space = Space::parse(&study.settings().space, "the study's space")?;
    let name = args.study.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let bytes = optuna::journal(&name, study.settings(), &trials, Some(&space)).into_bytes();
    output::write_all(&[Artifact { path: args.optuna.clone(), bytes }])
}
