//! A study: every trial of a search and the state of its searcher, in one SQLite file.
//!
//! A trial and the state that follows from it are written in one transaction: whatever happens to the process, the file
//! has a search that could have been stopped there. Each trial has a checksum that continues the one before, and the
//! state has their number: a study that has lost something is refused, never shortened.

mod checks;
mod connection;
mod exponent;
mod findings;
mod schema;
mod store;
mod trial;
mod untrusted;

pub(crate) use checks::pending_name;
pub(crate) use exponent::exponent;
pub use schema::Progress;
pub use store::{Access, After, Study};
pub use trial::{Halving, Settings, State, Trial, WeightExponent};

use std::fmt;

/// Why a study cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StudyError {
    /// The file exists already.
    Exists(String),
    /// Another process searches with it.
    InUse(String),
    /// The file is not a study, or one of a later version.
    Foreign(String),
    /// A part is missing or was changed.
    Damaged(String),
    /// The file cannot be read or written.
    System(String),
}

impl fmt::Display for StudyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exists(it) | Self::InUse(it) | Self::Foreign(it) | Self::Damaged(it) | Self::System(it) => {
                f.write_str(it)
            }
        }
    }
}

impl std::error::Error for StudyError {}
