//! What a study holds.

use crate::job::{Budget, Latency};
use crate::reward::{Reward, Target};
use crate::searcher::method;
use serde::{Deserialize, Serialize};

/// What a search was begun with; it goes on with nothing else.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// The text of the space; empty where candidates are no networks.
    pub space: String,
    /// How many alternatives each choice has.
    pub sizes: Vec<usize>,
    /// What searches, a name in [`METHODS`](crate::searcher::METHODS).
    pub method: String,
    /// Seed of the searcher; trials have seeds of their own that follow from it.
    pub seed: u64,
    /// What a trial is worth; of an exponent that is to be fitted, what is fitted first.
    pub reward: Reward,
    /// Where the exponent is to be found in the first trials.
    pub exponent: WeightExponent,
    /// Name of the evaluator.
    pub evaluator: String,
    /// Name of what measures latency, where the evaluator does not.
    pub stopwatch: Option<String>,
    /// How much a trial may spend; with successive halving, one of the lowest rung.
    pub budget: Budget,
    /// How many candidates are asked for and judged at once. What is found depends on it, so it stays as it is.
    #[serde(default = "one")]
    pub jobs: u32,
    /// How the best are trained longer, if they are.
    #[serde(default)]
    pub halving: Option<Halving>,
    /// How many networks are trained with two seeds each, to see whether accuracy ranks them; `None` for evaluators of
    /// which that is known.
    #[serde(default)]
    pub ranking: Option<u32>,
    /// Seconds that an external command may take.
    #[serde(default)]
    pub timeout: Option<u64>,
}

fn one() -> u32 {
    1
}

/// Successive halving: behind every `bracket` candidates the best go on to the next rung, to be trained `eta` times as long,
/// until one in `eta` of all so far has; and of those the best to the rung above.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Halving {
    /// Rungs, the lowest among them.
    pub rungs: u32,
    /// One in how many goes on, and how many times as long it is trained.
    pub eta: u32,
    /// Candidates after which the best go on.
    pub bracket: u64,
}

impl Halving {
    /// What a trial of this rung may spend.
    pub fn budget(&self, lowest: Budget, rung: u32) -> Budget {
        Budget { epochs: lowest.epochs.map(|epochs| epochs.saturating_mul(self.eta.saturating_pow(rung))) }
    }
}

/// Where the exponent of a reward comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WeightExponent {
    /// The reward has it.
    Given,
    /// From so many trials, before which nothing is told to the searcher.
    Fitted {
        /// Trials.
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

    /// Whether trials have to have a latency: for what they are worth, or for a front of both.
    pub fn needs_latency(&self) -> bool {
        self.reward.needs_latency() || method(&self.method).is_some_and(|method| method.needs_latency)
    }

    /// What the reward aims at.
    pub fn target(&self) -> Option<Target> {
        match self.reward {
            Reward::Accuracy => None,
            Reward::Weighted { target, .. } | Reward::Absolute { target, .. } => Some(target),
        }
    }
}

/// How a trial ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It was judged.
    Done,
    /// It could not be.
    Failed,
}

impl State {
    /// In one word.
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
    /// From 0.
    pub number: u64,
    /// How it ended.
    pub state: State,
    /// An index for each choice.
    pub choices: Vec<usize>,
    /// The network, a spec in YAML; empty where candidates are no networks.
    pub spec: String,
    /// Trainable parameters of it.
    pub parameters: u64,
    /// Multiply-accumulates of an inference.
    pub macs: u64,
    /// What its chance was drawn from.
    pub seed: u64,
    /// The earlier trial of an equal network, whose results these are.
    pub same_as: Option<u64>,
    /// Candidates that were asked for before it and are over a limit.
    pub rejected: u64,
    /// A part of 1.
    pub accuracy: Option<f64>,
    /// After each epoch.
    pub epochs: Vec<f64>,
    /// With its interval.
    pub latency: Option<Latency>,
    /// What it was worth; of the trials from which an exponent is fitted, known when that is.
    pub reward: Option<f64>,
    /// Why it failed.
    pub message: Option<String>,
    /// The rung of successive halving, from 0.
    #[serde(default)]
    pub rung: u32,
    /// The trial of a lower rung whose network this one trains longer.
    #[serde(default)]
    pub of: Option<u64>,
    /// What it was allowed to spend.
    #[serde(default)]
    pub budget: Budget,
}

impl Trial {
    /// Accuracy and latency, where both are known.
    pub fn point(&self) -> Option<(f64, f64)> {
        Some((self.accuracy?, self.latency?.ms))
    }
}
