//! `mnasc study list|best|export STUDY`

pub(super) mod best;
mod weights;

use crate::cli::{StudyCommand, StudyExportArgs, StudyListArgs};
use crate::describe::describe;
use crate::error::{Error, Result};
use crate::output::{self, Artifact};
use crate::study_error::study_error;
use mnas_dsl::Space;
use mnas_dsl::printable;
use mnas_search::findings::{NOISE, RANKING, Ranking, RungNoise};
use mnas_search::optuna;
use mnas_search::study::{Access, Study, Trial};
use serde_json::json;
use std::path::Path;

/// Commands that read a study, also while another process searches.
pub(crate) fn run(command: &StudyCommand) -> Result<()> {
    match command {
        StudyCommand::List(args) => list(args),
        StudyCommand::Best(args) => best::run(args),
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
    let reward = settings.reward_in_words(&trials);
    let mut text = format!(
        "{} trials by {}, seed {}, evaluated by `{}`\nreward: {reward}\n",
        trials.len(),
        settings.method,
        settings.seed,
        printable(&settings.evaluator)
    );
    if let Some(noise) = study.finding::<RungNoise>(NOISE).map_err(study_error)? {
        text = format!("{noise}\n{text}");
    }
    if let Some(ranking) = study.finding::<Ranking>(RANKING).map_err(study_error)? {
        text = format!("{ranking}\n{text}");
    }
    for trial in &trials {
        text.push_str(&format!("{:>6} {:<6} {}\n", trial.number, trial.state.name(), describe(trial)));
    }
    output::print(&text)
}

/// All findings of the study, by name.
fn findings(study: &Study) -> Result<serde_json::Value> {
    let mut all = serde_json::Map::new();
    for name in study.finding_names() {
        if let Some(finding) = study.finding(name).map_err(study_error)? {
            all.insert(name.to_owned(), finding);
        }
    }
    Ok(all.into())
}

fn export(args: &StudyExportArgs) -> Result<()> {
    let (study, trials) = open(&args.study)?;
    output::refuse_overwriting(&args.optuna, &[&args.study])?;
    let space = Space::parse(&study.settings().space, "the study's space")?;
    let name = args.study.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let bytes = optuna::journal(&name, study.settings(), &trials, Some(&space)).into_bytes();
    output::write_all(&[Artifact { path: args.optuna.clone(), bytes }])
}
