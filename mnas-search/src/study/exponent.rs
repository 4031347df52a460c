//! The exponent of a reward that is fitted from a search's own first trials, and how it came to be, in words.

use super::{Settings, Trial, WeightExponent};
use crate::reward::{Reward, fit_exponent};

/// The exponent where nothing can be fitted, the paper's: where no slower network is better any would find the fastest.
const OTHERWISE: f64 = Reward::SOFT.0;

/// What is known once the last trial is there from which an exponent is fitted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Exponent {
    /// It.
    pub(crate) value: f64,
    /// Whether the trials told it.
    is_fitted: bool,
}

/// The exponent that these trials give: `None` where none is to be fitted, or some of the first are not there yet.
pub(crate) fn exponent(settings: &Settings, trials: &[Trial]) -> Option<Exponent> {
    let WeightExponent::Fitted { first } = settings.exponent else { return None };
    let last = trials.iter().position(|trial| trial.rung == 0 && trial.number + 1 >= first)?;
    Some(fitted(settings, &trials[..=last]))
}

fn fitted(settings: &Settings, trials: &[Trial]) -> Exponent {
    let points: Vec<(f64, f64)> = trials.iter().filter_map(Trial::point).collect();
    let fitted = settings.target().and_then(|target| fit_exponent(&points, target));
    Exponent { value: fitted.unwrap_or(OTHERWISE), is_fitted: fitted.is_some() }
}

impl Settings {
    /// The reward by which trials are shown: before all are there from which its exponent is to be fitted, with the one that
    /// those give which are. (A searcher is told nothing before.) `None` before the first.
    pub fn reward_so_far(&self, trials: &[Trial]) -> Option<Reward> {
        match self.exponent {
            WeightExponent::Given => Some(self.reward),
            WeightExponent::Fitted { .. } if trials.is_empty() => None,
            WeightExponent::Fitted { .. } => {
                let exponent = exponent(self, trials).unwrap_or_else(|| fitted(self, trials));
                Some(self.reward_with(exponent.value))
            }
        }
    }

    /// The reward, and where its exponent is from.
    pub fn reward_in_words(&self, trials: &[Trial]) -> String {
        let WeightExponent::Fitted { first } = self.exponent else { return self.reward.to_string() };
        if trials.is_empty() {
            return format!("ACC * (LAT / T)^w; w will be fitted from the first {first} trials");
        }
        let known = exponent(self, trials);
        let Exponent { value, is_fitted } = known.unwrap_or_else(|| fitted(self, trials));
        let reward = self.reward_with(value);
        let from = match known {
            Some(_) => format!("the first {first} trials"),
            None => format!("the trials so far, for now: the first {first} decide, and there are {}", trials.len()),
        };
        if is_fitted {
            return format!("{reward}; w was fitted from {from}");
        }
        format!(
            "{reward}; w is the MnasNet paper's, for nothing could be fitted from {from}; those within a factor of two of T \
             are too few, or the slower are no better"
        )
    }
}
