//! The records of a study: its settings and its trials.

use crate::job::{Budget, Latency};
use crate::reward::{Reward, Target};
use crate::searcher::method;
use serde::{Deserialize, Serialize};

/// The settings of a search, which never change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// The text of the space; empty where candidates are not networks.
    pub space: String,
    /// The number of alternatives of each choice.
    pub sizes: Vec<usize>,
    /// The search method, a name in [`METHODS`](crate::searcher::METHODS).
    pub method: String,
    /// The seed of the searcher, from which the seeds of trials follow.
    pub seed: u64,
    /// The reward of a trial. If its exponent is fitted, the exponent here is replaced.
    pub reward: Reward,
    /// The origin of the exponent.
    pub exponent: WeightExponent,
    /// The name of the evaluator.
    pub evaluator: String,
    /// The name of the stopwatch, where the evaluator does not measure latency.
    pub stopwatch: Option<String>,
    /// The budget of a trial; with successive halving, on the lowest rung.
    pub budget: Budget,
    /// The number of candidates that are requested and evaluated at once. The results depend on it, so it never
    /// changes.
    #[serde(default = "one")]
    pub jobs: u32,
    /// Successive halving, if it is used.
    #[serde(default)]
    pub halving: Option<Halving>,
    /// The number of networks that are trained with two seeds each to check whether accuracy ranks them; `None` for
    /// evaluators without noise.
    #[serde(default)]
    pub ranking: Option<u32>,
    /// The time limit of an external command in seconds.
    #[serde(default)]
    pub timeout: Option<u64>,
}

fn one() -> u32 {
    1
}

/// Successive halving: after every `bracket` candidates the best are promoted to the next rung, where they are trained
/// `eta` times as long, until one in `eta` of all candidates has been promoted; and so on from rung to rung.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Halving {
    /// Number of rungs.
    pub rungs: u32,
    /// One in `eta` is promoted, and trained `eta` times as long.
    pub eta: u32,
    /// Number of candidates between promotions.
    pub bracket: u64,
}

impl Halving {
    /// The budget of a trial on this rung.
    pub fn budget(&self, lowest: Budget, rung: u32) -> Budget {
        Budget { epochs: lowest.epochs.map(|epochs| epochs.saturating_mul(self.eta.saturating_pow(rung))) }
    }
}

/// The origin of the exponent of a reward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WeightExponent {
    /// The reward has it.
    Given,
    /// It is fitted to the first trials, before which the searcher gets no rewards.
    Fitted {
        /// Number of trials.
        first: u64,
    },
}

impl Settings {
    /// The reward with a fitted exponent in it.
    pub fn reward_with(&self, exponent: f64) -> Reward {
        match self.reward {
            Reward::Weighted { target, .. } => Reward::Weighted { target, alpha: exponent, beta: exponent },
            other => other,
        }
    }

    /// Whether trials need a latency: for the reward, or for a Pareto front.
    pub fn needs_latency(&self) -> bool {
        self.reward.needs_latency() || method(&self.method).is_some_and(|method| method.needs_latency)
    }

    /// The target of the reward.
    pub fn target(&self) -> Option<Target> {
        match self.reward {
            Reward::Accuracy => None,
            Reward::Weighted { target, .. } | Reward::Absolute { target, .. } => Some(target),
        }
    }
}

/// The outcome of a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It was evaluated.
    Done,
    /// It could not be evaluated.
    Failed,
}

impl State {
    /// The name, one word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

/// A finished trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// The number, from 0.
    pub number: u64,
    /// The outcome.
    pub state: State,
    /// The index of the alternative of each choice.
    pub choices: Vec<usize>,
    /// The network, a spec in YAML; empty where candidates are not networks.
    pub spec: String,
    /// Trainable parameters.
    pub parameters: u64,
    /// Multiply-accumulates of an inference.
    pub macs: u64,
    /// The seed.
    pub seed: u64,
    /// The earlier trial of an equal network, whose results were copied.
    pub same_as: Option<u64>,
    /// The number of candidates before it that exceeded a limit.
    pub rejected: u64,
    /// From 0 to 1.
    pub accuracy: Option<f64>,
    /// The accuracy after each epoch.
    pub epochs: Vec<f64>,
    /// The latency with its interval.
    pub latency: Option<Latency>,
    /// The reward; for the trials to which an exponent is fitted, once that is known.
    pub reward: Option<f64>,
    /// The reason of a failure.
    pub message: Option<String>,
    /// The rung of successive halving, from 0.
    #[serde(default)]
    pub rung: u32,
    /// The trial of a lower rung whose network this one trains longer.
    #[serde(default)]
    pub of: Option<u64>,
    /// The budget.
    #[serde(default)]
    pub budget: Budget,
}

impl Trial {
    /// Accuracy and latency, where both are known.
    pub fn point(&self) -> Option<(f64, f64)> {
        Some((self.accuracy?, self.latency?.ms))
    }
}
