//! The noise between two seeds of a network on the highest rung, which decides the best network.
//!
//! The check of the ranking trains as long as the lowest rung does. Noise falls with the epochs, so its figure would
//! make networks of higher rungs equal that are not. A few networks that reached the highest rung are therefore trained
//! there a second time, as soon as there are enough of them, which follows from the trials alone.

use super::result_cache::{JobResult, seed};
use super::{Search, SearchError};
use crate::findings::{NOISE, RANKING, RungNoise, TrainedTwice};
use crate::job::{Job, Needs, Purpose};
use crate::noise::Noise;
use crate::study::{Settings, State, Trial};

/// The largest number of networks that are trained again.
const MOST: usize = 4;

/// The mean difference of fewer networks is meaningless.
const FEWEST: usize = 2;

/// Separates these seeds from those of trials.
const SALT: u64 = 0x4e4f_4953_4520_3130;

impl Search<'_> {
    /// Measures the noise between seeds on the highest rung, once the first `observed` trials, all of whose batches are
    /// complete, have enough networks there. Does nothing where it is known.
    pub(super) fn check_noise(&mut self, observed: usize) -> Result<(), SearchError> {
        let settings = self.study.settings().clone();
        let Some((rung, trials)) = due(&settings, &self.trials[..observed]) else { return Ok(()) };
        if self.study.finding_names().any(|name| name == NOISE) {
            return Ok(());
        }
        let trials: Vec<Trial> = trials.into_iter().cloned().collect();
        let job = |(number, trial): (usize, &Trial)| Job {
            id: Purpose::Noise.id(number as u64),
            trial: number as u64,
            purpose: Purpose::Noise,
            rung,
            spec: trial.spec.clone(),
            choices: trial.choices.clone(),
            seed: seed(settings.seed, SALT, number),
            evaluator: settings.evaluator.clone(),
            budget: trial.budget,
            needs: Needs::default(),
        };
        let jobs: Vec<Job> = trials.iter().enumerate().map(job).collect();
        let results = self.evaluate_cached(&jobs, &|number| format!("{NOISE}/{number}"), &mut |_, _| ())?;
        let twice = |(trial, result): (&Trial, JobResult)| match (trial.accuracy, result) {
            (Some(first), JobResult::Done(second)) => {
                Some(TrainedTwice { trial: trial.number, accuracies: [first, second.accuracy] })
            }
            _ => None,
        };
        let epochs = trials.first().and_then(|trial| trial.budget.epochs);
        let networks = trials.iter().zip(results).filter_map(twice).collect();
        let noise = RungNoise { rung, epochs, networks };
        self.study.set_finding(NOISE, &noise)?;
        self.noise = Noise::of(self.study.finding(RANKING)?.as_ref(), Some(&noise));
        Ok(())
    }

    /// The noise on the highest rung, where it was measured.
    ///
    /// # Errors
    ///
    /// The study cannot be read.
    pub fn rung_noise(&self) -> Result<Option<RungNoise>, SearchError> {
        Ok(self.study.finding(NOISE)?)
    }
}

/// The highest rung and its trials that are to be trained again: at most half of them, so that the search does not take
/// much longer, evenly from the first to the last. The best would not do: they are the best in part because of lucky
/// seeds, so the difference of their seeds would be overestimated.
fn due<'t>(settings: &Settings, trials: &'t [Trial]) -> Option<(u32, Vec<&'t Trial>)> {
    let halving = settings.halving.filter(|halving| halving.rungs > 1 && settings.ranking.is_some())?;
    let rung = halving.rungs - 1;
    let is_usable = |trial: &&Trial| trial.rung == rung && trial.state == State::Done && trial.accuracy.is_some();
    let all: Vec<&Trial> = trials.iter().filter(is_usable).collect();
    let count = (all.len() / 2).min(MOST);
    if count < FEWEST {
        return None;
    }
    Some((rung, (0..count).map(|at| all[at * (all.len() - 1) / (count - 1)]).collect()))
}
