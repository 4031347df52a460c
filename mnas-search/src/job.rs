//! A trial as something that can be written down whole, and what comes back: whoever has the job needs nothing else, on
//! this machine or another.
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

/// What is to be done for a trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// What no other job of its study is called: letters, digits and `-`, fit for a file's name. Empty in what was written
    /// before jobs had names.
    #[serde(default)]
    pub id: String,
    /// The trial's number in its study, from 0; of a job for another purpose, its number among those.
    pub trial: u64,
    /// What it is for.
    #[serde(default)]
    pub purpose: Purpose,
    /// The rung of successive halving that it is on, from 0.
    #[serde(default)]
    pub rung: u32,
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

/// What a job is for. Evaluators need not care.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// A trial.
    #[default]
    Trial,
    /// To see whether accuracy ranks networks, before there are trials.
    Ranking,
    /// To see how far two seeds of a network differ on the highest rung.
    Noise,
    /// A network that the search is compared with, which is no candidate.
    Baseline,
}

impl Purpose {
    /// What the job of this number among those of this purpose is called.
    pub fn id(self, number: u64) -> String {
        match self {
            Self::Trial => format!("trial-{number}"),
            Self::Ranking => format!("ranking-{number}"),
            Self::Noise => format!("noise-{number}"),
            Self::Baseline => format!("baseline-{number}"),
        }
    }
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

impl Evaluation {
    /// Whether all of its numbers are numbers.
    pub fn is_finite(&self) -> bool {
        self.accuracy.is_finite()
            && self.epochs.iter().all(|it| it.is_finite())
            && self.latency.is_none_or(|it| it.is_finite())
    }
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

    /// Whether all of its numbers are numbers.
    pub fn is_finite(&self) -> bool {
        [self.ms, self.low, self.high].iter().all(|ms| ms.is_finite())
    }
}

/// `5.27 us (5.25 to 5.28)`, of a tenth of a millisecond and more `3.2041 ms (3.1987 to 3.2102, unstable)`.
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
    /// This network could not be judged; others may be.
    Trial(String),
    /// None can be.
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

    /// Whatever a job has comes back from its text, the highest seed and the last bit of a number too.
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
        // One from before there were names.
        let older =
            serde_json::to_string(&Job { id: String::new(), ..job.clone() }).unwrap().replace("\"id\":\"\",", "");
        assert!(!older.contains("\"id\""));
        assert_eq!(serde_json::from_str::<Job>(&older).unwrap(), Job { id: String::new(), ..job });
        // The control: a job that lacks what it needs is none.
        assert!(serde_json::from_str::<Job>(r#"{"trial": 0, "spec": ""}"#).is_err());
    }
}
