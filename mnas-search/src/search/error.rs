//! Why a search stops.

use crate::job::Failure;
use crate::study::StudyError;
use std::fmt;

/// Why a search stopped before it was complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SearchError {
    /// The study cannot be used.
    Study(StudyError),
    /// Settings or space are invalid: another input is needed.
    Input(String),
    /// The evaluator or the stopwatch failed.
    Evaluator(String),
    /// A latency is needed, and the evaluator of this name gives none.
    NoLatency(String),
}

/// A failure that another network would not avoid.
impl From<Failure> for SearchError {
    fn from(failure: Failure) -> Self {
        let (Failure::Trial(message) | Failure::Stop(message)) = failure;
        Self::Evaluator(message)
    }
}

impl From<StudyError> for SearchError {
    fn from(error: StudyError) -> Self {
        Self::Study(error)
    }
}

impl fmt::Display for SearchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Study(error) => error.fmt(f),
            Self::Input(text) | Self::Evaluator(text) => f.write_str(text),
            Self::NoLatency(evaluator) => write!(f, "the search needs latencies, and `{evaluator}` gives none"),
        }
    }
}

impl std::error::Error for SearchError {}
