//! Errors of studies and searches, with hints.

use crate::error::Error;
use mnas_search::search::SearchError;
use mnas_search::study::StudyError;

/// The error of a study that cannot be used.
pub(crate) fn study_error(error: StudyError) -> Error {
    let text = error.to_string();
    match error {
        StudyError::Exists(_) => Error::input(text).hint("add `--resume` to continue it"),
        StudyError::InUse(_) => Error::system(text).hint("wait for it, or stop it; nothing is lost"),
        StudyError::Foreign(_) => Error::input(text),
        StudyError::Damaged(_) => Error::input(text).hint("restore a backup, or start another study"),
        StudyError::System(_) => Error::system(text),
    }
}

/// The error of a search that stopped.
pub(crate) fn search_error(error: SearchError) -> Error {
    match error {
        SearchError::Study(error) => study_error(error),
        SearchError::Input(text) => Error::input(text),
        SearchError::NoLatency(_) => Error::input(error.to_string()).hint(
            "start another study with `--measure`, which times networks by their generated code, or let the command return \
             `latency_ms` too",
        ),
        SearchError::Evaluator(text) => {
            Error::system(text).hint("every finished trial is in the study; `--resume` continues it")
        }
    }
}
