//! A trial as something that can be written down whole, and what comes back: whoever has the job needs nothing else, on
//! this machine or another.

use serde::{Deserialize, Serialize};

/// What is to be done for a trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// The trial's number in its study, from 0.
    pub trial: u64,
    /// The network, a spec in YAML; empty where candidates are no networks (tables).
    pub spec: String,
    /// The alternatives that it was made of, an index for each choice.
    pub choices: Vec<usize>,
    /// For everything that is drawn at random: initial weights, order of samples.
    pub seed: u64,
    /// What evaluates, by name.
    pub evaluator: String,
    /// How much may be spent.
    pub budget: Budget,
    /// What the result has to have.
    pub needs: Needs,
}

/// How much may be spent on a trial.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// Epochs of training; the evaluator's own number without.
    pub epochs: Option<u32>,
}

/// What a result has to have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Needs {
    /// A latency: nothing else measures one.
    pub latency: bool,
}

/// How good a network is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// A part of 1.
    pub accuracy: f64,
    /// After each epoch, where there were any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub epochs: Vec<f64>,
    /// Where the evaluator knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<Latency>,
}

/// Milliseconds of an inference.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// The median.
    pub ms: f64,
    /// Lower end of its interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Whether the measurement settled.
    pub is_stable: bool,
}

impl Latency {
    /// A figure that is exact, or that says nothing of its error.
    pub fn exact(ms: f64) -> Self {
        Self { ms, low: ms, high: ms, is_stable: true }
    }
}

/// Why there is no evaluation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// This network could not be judged; others may be.
    Trial(String),
    /// None can be.
    Stop(String),
}
