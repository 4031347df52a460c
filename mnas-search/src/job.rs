//! A trial as a self-contained record, and its result: an evaluator needs nothing else, on this machine or another.
//!
//! ```
//! use mnas_search::job::{Evaluation, Job};
//!
//! let job = r#"{"id": "trial-7", "trial": 7, "purpose": "trial", "rung": 1, "spec": "name: net\ninput: 8x8x1\n...", "choices": [0, 2],
//!     "seed": 6033165018735171236, "evaluator": "command python3 train.py", "budget": {"epochs": 6},
//!     "needs": {"latency": false}}"#;
//! let job: Job = serde_json::from_str(job)?;
//! assert_eq!((job.budget.epochs, job.seed), (Some(6), 6033165018735171236));
//! let result = r#"{"accuracy": 0.91, "epochs": [0.62, 0.8, 0.85, 0.88, 0.9, 0.91]}"#;
//! assert_eq!(serde_json::from_str::<Evaluation>(result)?.epochs.len(), 6);
//! # Ok::<(), serde_json::Error>(())
//! ```

use crate::reward::Target;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What is to be evaluated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// A name that is unique in the study: letters, digits and `-`, valid as a file name. Empty in records from before
    /// jobs had names.
    #[serde(default)]
    pub id: String,
    /// The number of the trial in its study, from 0; for another purpose, the number among the jobs of that purpose.
    pub trial: u64,
    /// The purpose of the job.
    #[serde(default)]
    pub purpose: Purpose,
    /// The rung of successive halving, from 0.
    #[serde(default)]
    pub rung: u32,
    /// The network, a spec in YAML; empty where candidates are no networks (tables).
    pub spec: String,
    /// The index of the alternative of each choice.
    pub choices: Vec<usize>,
    /// Seed of everything random: initial weights, order of samples.
    pub seed: u64,
    /// The name of the evaluator.
    pub evaluator: String,
    /// The budget.
    pub budget: Budget,
    /// What the result must have.
    pub needs: Needs,
}

/// The purpose of a job. Evaluators may ignore it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// A trial.
    #[default]
    Trial,
    /// Checks whether accuracy ranks networks, before the first trial.
    Ranking,
    /// Measures how far two seeds of a network differ on the highest rung.
    Noise,
    /// A baseline: a network that the search is compared with, and that is no candidate.
    Baseline,
}

impl Purpose {
    /// The name of job `number` of this purpose.
    pub fn id(self, number: u64) -> String {
        match self {
            Self::Trial => format!("trial-{number}"),
            Self::Ranking => format!("ranking-{number}"),
            Self::Noise => format!("noise-{number}"),
            Self::Baseline => format!("baseline-{number}"),
        }
    }
}

/// The budget of a trial.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// Epochs of training; without a number, the evaluator decides.
    pub epochs: Option<u32>,
}

/// What a result must have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Needs {
    /// A latency: nothing else measures it.
    pub latency: bool,
}

/// How good a network is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// From 0 to 1.
    pub accuracy: f64,
    /// The accuracy after each epoch, where there are epochs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub epochs: Vec<f64>,
    /// The latency, where the evaluator measures it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<Latency>,
}

impl Evaluation {
    /// Whether all numbers are finite.
    pub fn is_finite(&self) -> bool {
        self.accuracy.is_finite()
            && self.epochs.iter().all(|it| it.is_finite())
            && self.latency.is_none_or(|it| it.is_finite())
    }
}

/// The latency of an inference, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// The median.
    pub ms: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
    /// Whether the measurement converged.
    pub is_stable: bool,
}

impl Latency {
    /// An exact figure, or one of unknown error.
    pub fn exact(ms: f64) -> Self {
        Self { ms, low: ms, high: ms, is_stable: true }
    }

    /// Whether all numbers are finite.
    pub fn is_finite(&self) -> bool {
        [self.ms, self.low, self.high].iter().all(|ms| ms.is_finite())
    }
}

/// `5.27 us (5.25 to 5.28)`; from a tenth of a millisecond on, `3.2041 ms (3.1987 to 3.2102, unstable)`.
impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ms, low, high, is_stable } = *self;
        let note = if is_stable { "" } else { ", unstable" };
        if ms < Target::MICROSECONDS_BELOW {
            return write!(f, "{:.2} us ({:.2} to {:.2}{note})", ms * 1e3, low * 1e3, high * 1e3);
        }
        write!(f, "{ms:.4} ms ({low:.4} to {high:.4}{note})")
    }
}

/// Why there is no evaluation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// This network could not be evaluated; others may succeed.
    Trial(String),
    /// No network can be evaluated.
    Stop(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_latencies_are_microseconds() {
        let latency = |ms: f64, is_stable| Latency { ms, low: 0.99 * ms, high: 1.01 * ms, is_stable }.to_string();
        assert_eq!(latency(0.00527, true), "5.27 us (5.22 to 5.32)");
        assert_eq!(latency(0.099, false), "99.00 us (98.01 to 99.99, unstable)");
        assert_eq!(latency(0.1, true), "0.1000 ms (0.0990 to 0.1010)");
        assert_eq!(latency(3.2, false), "3.2000 ms (3.1680 to 3.2320, unstable)");
    }

    /// Jobs and results are read back as they were written, including the largest seed and the last bit of a number.
    #[test]
    fn jobs_and_results_survive_being_written() {
        let job = Job {
            id: Purpose::Ranking.id(u64::MAX),
            trial: u64::MAX,
            purpose: Purpose::Ranking,
            rung: 2,
            spec: "name: \"net\"\ninput: 8x8x1\n".to_owned(),
            choices: vec![0, 5, 2],
            seed: u64::MAX - 1,
            evaluator: "command python3 'train me.py'".to_owned(),
            budget: Budget { epochs: Some(18) },
            needs: Needs { latency: true },
        };
        let text = serde_json::to_string(&job).unwrap();
        assert!(!text.contains('\n'), "a job is a line: {text}");
        assert_eq!(serde_json::from_str::<Job>(&text).unwrap(), job);
        let latency = Some(Latency { ms: 0.1 + 0.2, low: 1.0 / 3.0, high: 5e-324, is_stable: false });
        let evaluation = Evaluation { accuracy: 0.7 + 0.1, epochs: vec![1.0 / 7.0, 0.8], latency };
        let text = serde_json::to_string(&evaluation).unwrap();
        assert_eq!(serde_json::from_str::<Evaluation>(&text).unwrap(), evaluation);
        assert_eq!(job.id, "ranking-18446744073709551615");
        // A job from before jobs had names.
        let older =
            serde_json::to_string(&Job { id: String::new(), ..job.clone() }).unwrap().replace("\"id\":\"\",", "");
        assert!(!older.contains("\"id\""));
        assert_eq!(serde_json::from_str::<Job>(&older).unwrap(), Job { id: String::new(), ..job });
        // The control: an incomplete job is refused.
        assert!(serde_json::from_str::<Job>(r#"{"trial": 0, "spec": ""}"#).is_err());
    }
}
