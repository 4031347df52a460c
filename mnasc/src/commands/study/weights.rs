//! Weights of networks that mnasc trained in a search: each is trained again like its trial, which gives the same
//! weights on the same machine.

use crate::error::{Error, Result};
use crate::output;
use mnas_codegen::weights::Weights;
use mnas_dsl::Network;
use mnas_search::evaluator::TRAINS;
use mnas_search::study::{Study, Trial};
use std::path::Path;

/// Trains the networks of a study again.
pub(in crate::commands) struct Trainer {
    #[cfg(feature = "train")]
    evaluator: mnas_train::TrainingEvaluator,
}

impl Trainer {
    /// The trainer of a study, if its networks were trained by mnasc and the data are known; else `None`.
    #[cfg(feature = "train")]
    pub(in crate::commands) fn of(data: Option<&Path>, study: &Study, network: &Network) -> Result<Option<Self>> {
        use crate::commands::train::judge;
        use mnas_search::evaluator::Evaluator as _;
        let name = &study.settings().evaluator;
        if !is_wanted(data, name)? {
            return Ok(None);
        }
        let how = crate::cli::RecipeArgs::default();
        let evaluator = judge::evaluator(data, &how, network, Some(name))?;
        if evaluator.name() != *name {
            return Err(Error::input("the networks of the study were trained on other data")
                .hint("give the same data by `--data`"));
        }
        Ok(Some(Self { evaluator }))
    }

    /// Always `None`: this mnasc does not train.
    #[cfg(not(feature = "train"))]
    pub(in crate::commands) fn of(data: Option<&Path>, study: &Study, _: &Network) -> Result<Option<Self>> {
        if is_wanted(data, &study.settings().evaluator)? {
            if data.is_some() {
                return Err(crate::commands::train::absent());
            }
            output::progress("no weights are written: they need a mnasc that is built with `--features train`");
        }
        Ok(None)
    }

    /// Weights of a trial.
    #[cfg(feature = "train")]
    pub(in crate::commands) fn weights(&self, study: &Study, trials: &[Trial], trial: &Trial) -> Result<Weights> {
        use mnas_search::job::{Failure, Job, Needs, Purpose};
        // Of equal networks only the first was trained.
        let mut first = trial;
        while let Some(earlier) = first.same_as.and_then(|number| trials.get(usize::try_from(number).ok()?)) {
            first = earlier;
        }
        let job = Job {
            id: Purpose::Trial.id(first.number),
            trial: first.number,
            purpose: Purpose::Trial,
            rung: first.rung,
            spec: first.spec.clone(),
            choices: first.choices.clone(),
            seed: first.seed,
            evaluator: study.settings().evaluator.clone(),
            budget: first.budget,
            needs: Needs::default(),
        };
        output::status(&format!("training trial {} again", trial.number));
        let trained = self.evaluator.train(&job);
        output::status("");
        let trained = trained.map_err(|failure| {
            let (Failure::Trial(message) | Failure::Stop(message)) = failure;
            Error::system(format!("trial {} cannot be trained again: {message}", trial.number))
        })?;
        if trained.epochs.last() != first.accuracy.as_ref() {
            let now = trained.epochs.last().copied().unwrap_or(0.0);
            output::progress(&format!(
                "warning: trial {} has an accuracy of {now:.4} here: the study comes from another machine or version",
                trial.number
            ));
        }
        Ok(trained.weights)
    }

    /// Never called: `of` returns no trainer.
    #[cfg(not(feature = "train"))]
    pub(in crate::commands) fn weights(&self, _: &Study, _: &[Trial], _: &Trial) -> Result<Weights> {
        Err(crate::commands::train::absent())
    }
}

/// Whether the networks of a study were trained by mnasc, on data that are given or built in.
fn is_wanted(data: Option<&Path>, evaluator: &str) -> Result<bool> {
    let Some(setup) = evaluator.strip_prefix(TRAINS) else {
        return match data {
            None => Ok(false),
            Some(_) => Err(Error::input("the study's networks were not trained by mnasc")
                .hint("remove `--data`: the evaluator of the study has their weights")),
        };
    };
    let is_built_in = setup.starts_with("{\"data\":\"digits ");
    if data.is_none() && !is_built_in {
        output::progress("no weights are written: add `--data FOLDER`, as in the search");
    }
    Ok(data.is_some() || is_built_in)
}
