//! Why a search stops.

use crate::job::Failure;
use crate::study::StudyError;
use std::fmt;

/// Why a search stopped before it was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SearchError {
    /// The study.
    Study(StudyError),
    /// Settings or space: another input would do.
    Input(String),
    /// What evaluates or measures.
    Evaluator(String),
    /// A latency is needed, and the evaluator of this name tells none.
    NoLatency(String),
}

/// What stops a search where another network would fare no better.
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
