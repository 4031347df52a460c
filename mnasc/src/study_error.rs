//! Errors of studies and searches, with what helps.

use crate::error::Error;
use mnas_search::search::SearchError;
use mnas_search::study::StudyError;

/// A study that cannot be used.
pub(crate) fn study_error(error: StudyError) -> Error {
    let text = error.to_string();
    match error {
        StudyError::Exists(_) => Error::input(text).hint("add `--resume` to go on with it"),
        StudyError::InUse(_) => Error::system(text).hint("wait until it is done, or stop it; nothing of it is lost"),
        StudyError::Foreign(_) => Error::input(text),
        StudyError::Damaged(_) => Error::input(text).hint("take a copy of it from before, or begin another study"),
        StudyError::System(_) => Error::system(text),
    }
}

/// A search that stopped.
pub(crate) fn search_error(error: SearchError) -> Error {
    match error {
        SearchError::Study(error) => study_error(error),
        SearchError::Input(text) => Error::input(text),
        SearchError::NoLatency(_) => Error::input(error.to_string()).hint(
            "begin another study with `--measure`, which times networks by their generated code, or let the command answer \
             `latency_ms` too",
        ),
        SearchError::Evaluator(text) => {
            Error::system(text).hint("every finished trial is in the study; `--resume` goes on with it")
        }
    }
}
