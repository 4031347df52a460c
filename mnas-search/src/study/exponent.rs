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
    let points: Vec<(f64, f64)> = trials[..=last].iter().filter_map(Trial::point).collect();
    let fitted = settings.target().and_then(|target| fit_exponent(&points, target));
    Some(Exponent { value: fitted.unwrap_or(OTHERWISE), is_fitted: fitted.is_some() })
}

impl Settings {
    /// The reward, and where its exponent is from.
    pub fn reward_in_words(&self, trials: &[Trial]) -> String {
        let WeightExponent::Fitted { first } = self.exponent else { return self.reward.to_string() };
        let Some(Exponent { value, is_fitted }) = exponent(self, trials) else {
            return format!("ACC * (LAT / T)^w; w is fitted from the first {first} trials, which are not there yet");
        };
        let reward = self.reward_with(value);
        if is_fitted {
            return format!("{reward}; w was fitted from the first {first} trials");
        }
        format!(
            "{reward}; w is the MnasNet paper's, for nothing could be fitted: of the first {first} trials those within a \
             factor of two of T are too few, or the slower are no better"
        )
    }
}
