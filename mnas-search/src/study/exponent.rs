//! The exponent of a reward that is fitted to the first trials of a search.

use super::{Settings, Trial, WeightExponent};
use crate::reward::{Reward, Target, fit_exponent};

/// The exponent where none can be fitted, that of the paper: where no slower network is better, every exponent finds
/// the fastest network.
const OTHERWISE: f64 = Reward::SOFT.0;

/// The smallest number of different networks near T for a provisional fit.
const ENOUGH: usize = 10;

/// The steepest provisional exponent.
const STEEPEST: f64 = -20.0;

/// The exponent after the last of the trials from which it is fitted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Exponent {
    /// The exponent.
    pub(crate) value: f64,
    /// Whether it was fitted.
    is_fitted: bool,
}

/// The exponent of these trials: `None` where none is fitted, or where some of the first trials are missing.
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

/// The provisional exponent, before the first trials are complete: a fit to very few networks would be a fit to two
/// that chance put beside each other.
fn for_now(settings: &Settings, trials: &[Trial]) -> Exponent {
    let is_near = |ms: f64, target: Target| (target.ms / 2.0..=target.ms * 2.0).contains(&ms);
    let near = trials.iter().filter(|trial| trial.same_as.is_none()).filter_map(Trial::point);
    let near = near.filter(|&(_, ms)| settings.target().is_some_and(|target| is_near(ms, target))).count();
    match fitted(settings, trials) {
        Exponent { value, is_fitted: true } if near >= ENOUGH => {
            Exponent { value: value.max(STEEPEST), is_fitted: true }
        }
        _ => Exponent { value: OTHERWISE, is_fitted: false },
    }
}

impl Settings {
    /// The reward that is shown: before its exponent is fitted, with the exponent of the trials so far, or that of the
    /// paper where they are too few. (The searcher gets no rewards before.) `None` before the first trial.
    pub fn reward_so_far(&self, trials: &[Trial]) -> Option<Reward> {
        match self.exponent {
            WeightExponent::Given => Some(self.reward),
            WeightExponent::Fitted { .. } if trials.is_empty() => None,
            WeightExponent::Fitted { .. } => {
                let exponent = exponent(self, trials).unwrap_or_else(|| for_now(self, trials));
                Some(self.reward_with(exponent.value))
            }
        }
    }

    /// The reward, and the origin of its exponent.
    pub fn reward_in_words(&self, trials: &[Trial]) -> String {
        let WeightExponent::Fitted { first } = self.exponent else { return self.reward.to_string() };
        if trials.is_empty() {
            return format!("ACC * (LAT / T)^w; w will be fitted to the first {first} trials");
        }
        let Some(Exponent { value, is_fitted }) = exponent(self, trials) else {
            let Exponent { value, is_fitted } = for_now(self, trials);
            let from = if is_fitted { "fitted to the trials so far" } else { "that of the MnasNet paper" };
            let (reward, count) = (self.reward_with(value), trials.len());
            return format!(
                "{reward}; w is {from} for now: it will be fitted to the first {first} trials, of which there are {count}"
            );
        };
        let reward = self.reward_with(value);
        if is_fitted {
            return format!("{reward}; w was fitted to the first {first} trials");
        }
        format!(
            "{reward}; w is the MnasNet paper's, for nothing could be fitted: of the first {first} trials those within a \
             factor of two of T are too few, or the slower are no better"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn settings() -> Settings {
        serde_json::from_value(json!({
            "space": "", "sizes": [2], "method": "random", "seed": 0, "evaluator": "synthetic", "stopwatch": null,
            "reward": {"weighted": {"target": {"ms": 1.0}, "alpha": -0.07, "beta": -0.07}},
            "exponent": {"fitted": {"first": 50}}, "budget": {"epochs": null}, "jobs": 1,
        }))
        .unwrap()
    }

    /// ACC = .9 * LAT^slope, from half of T on.
    fn trials(count: u64, step: f64, slope: f64) -> Vec<Trial> {
        let one = |number: u64| {
            let ms = 0.5 + step * number as f64;
            json!({
                "number": number, "state": "done", "choices": [0], "spec": "", "parameters": 1, "macs": 1, "seed": 0,
                "same_as": null, "rejected": 0, "accuracy": 0.9 * ms.powf(slope), "epochs": [],
                "latency": {"ms": ms, "low": ms, "high": ms, "is_stable": true}, "reward": null, "message": null,
            })
        };
        (0..count).map(|number| serde_json::from_value(one(number)).unwrap()).collect()
    }

    #[track_caller]
    fn w(trials: &[Trial]) -> f64 {
        match settings().reward_so_far(trials) {
            Some(Reward::Weighted { alpha, .. }) => alpha,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn few_trials_are_shown_by_the_papers_exponent_and_more_by_theirs() {
        assert_eq!(settings().reward_so_far(&[]), None);
        assert_eq!(w(&trials(9, 0.1, 0.2)), OTHERWISE);
        let ten = trials(10, 0.1, 0.2);
        assert!((w(&ten) + 0.2).abs() < 1e-9, "{}", w(&ten));
        // Ten trials of one network give no fit, and ten of networks that are nearly as fast hardly any.
        let mut equal = ten;
        equal.iter_mut().skip(1).for_each(|trial| trial.same_as = Some(0));
        assert_eq!(w(&equal), OTHERWISE);
        assert_eq!(w(&trials(10, 1e-4, 100.0)), STEEPEST);
        // The first fifty decide, whatever follows.
        let mut all = trials(60, 0.01, 0.2);
        all.iter_mut().skip(50).for_each(|trial| trial.accuracy = Some(1.0));
        assert!((w(&all) + 0.2).abs() < 1e-9, "{}", w(&all));
    }
}
