//! How far two seeds of a network differ on the highest rung, where the last word is said about the best.
//!
//! The check of the ranking trains as long as the lowest rung does; noise falls with the epochs, and by that of the lowest
//! rung networks would count as equal that are not. So a few of those that came to the highest rung are trained there once
//! more: as soon as there are enough of them, which follows from the trials alone.

use super::kept::{Seen, seed};
use super::{Search, SearchError};
use crate::findings::{NOISE, RANKING, RungNoise, TrainedTwice};
use crate::job::{Job, Needs, Purpose};
use crate::noise::Noise;
use crate::study::{Settings, State, Trial};

/// At most so many are trained again.
const MOST: usize = 4;

/// Of fewer the mean difference says next to nothing.
const FEWEST: usize = 2;

/// Makes seeds of this other than those of trials.
const SALT: u64 = 0x4e4f_4953_4520_3130;

impl Search<'_> {
    /// Looks how far seeds differ on the highest rung, where the first `told` trials, all of whose batches are complete, say
    /// that it is time to, and it is not known yet.
    pub(super) fn check_noise(&mut self, told: usize) -> Result<(), SearchError> {
        let settings = self.study.settings().clone();
        let Some((rung, trials)) = due(&settings, &self.trials[..told]) else { return Ok(()) };
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
        let results = self.judge_once(&jobs, &|number| format!("{NOISE}/{number}"), &mut |_, _| ())?;
        let twice = |(trial, result): (&Trial, Seen)| match (trial.accuracy, result) {
            (Some(first), Seen::Done(second)) => {
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

    /// What was found about the noise on the highest rung, if anything was.
    ///
    /// # Errors
    ///
    /// A study that cannot be read.
    pub fn rung_noise(&self) -> Result<Option<RungNoise>, SearchError> {
        Ok(self.study.finding(NOISE)?)
    }
}

/// The highest rung and the trials of it that are to be trained again: at most half of them, so that the search takes not
/// much longer, from the first to the last. The best of them would not do: they are so in part because their seeds were
/// lucky, and would seem to differ more from others than seeds do.
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
