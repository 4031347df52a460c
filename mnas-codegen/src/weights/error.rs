//! What can be wrong with weights, and how it is said.

use std::fmt;

/// Why a file could not be read as a container of tensors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormatError(String);

impl FormatError {
    pub(super) fn new(reason: impl Into<String>) -> Self {
        FormatError(reason.into())
    }
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for FormatError {}

/// Why weights could not be loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WeightsError {
    /// The file is no container of tensors that is known, or a damaged or forbidden one.
    Unreadable {
        /// The file's name, as it was given.
        file: String,
        /// What is wrong.
        error: FormatError,
    },
    /// The file was read, but its tensors are not those of the network.
    Unfit {
        /// The file's name, as it was given.
        file: String,
        /// The network's name.
        network: String,
        /// The naming scheme that the file follows most closely.
        scheme: &'static str,
        /// Everything that is wrong: missing tensors first, in the network's order.
        problems: Vec<Problem>,
    },
}

/// One tensor that does not fit. Names are those of the file's scheme.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The network needs it, the file does not have it.
    Missing {
        /// Its name in the file's scheme.
        name: String,
        /// The shape it should have.
        shape: Vec<usize>,
        /// The most similar name among those of the file that the network does not use.
        nearest: Option<String>,
    },
    /// The file has it, the network has no use for it.
    Extra {
        /// Its name.
        name: String,
        /// Its shape.
        shape: Vec<usize>,
        /// The most similar name that the network needs.
        nearest: Option<String>,
    },
    /// It has another shape than the network needs.
    Shape {
        /// Its name.
        name: String,
        /// Its shape in the file.
        found: Vec<usize>,
        /// The shape that the network needs.
        needed: Vec<usize>,
    },
    /// Some of its values are NaN or infinite.
    NotFinite {
        /// Its name.
        name: String,
        /// How many values are.
        count: usize,
        /// Index of the first of them.
        first: usize,
    },
    /// A batch norm's running variance is below zero, so that its root would be NaN.
    NegativeVariance {
        /// Its name.
        name: String,
        /// Index of the first such value.
        first: usize,
    },
}

impl fmt::Display for WeightsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WeightsError::Unreadable { file, error } => write!(f, "cannot read weights from `{file}`: {error}"),
            WeightsError::Unfit { file, network, scheme, problems } => {
                let s = if problems.len() == 1 { "" } else { "s" };
                let count = problems.len();
                write!(f, "weights of `{file}` (names: {scheme}) do not fit network `{network}`: {count} problem{s}")?;
                problems.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
            }
        }
    }
}

impl std::error::Error for WeightsError {}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Missing { name, shape, nearest } => {
                write!(f, "missing: `{name}` {shape:?}")?;
                nearest.as_ref().map_or(Ok(()), |nearest| write!(f, "; the file has `{nearest}`"))
            }
            Problem::Extra { name, shape, nearest } => {
                write!(f, "extra: `{name}` {shape:?}")?;
                nearest.as_ref().map_or(Ok(()), |nearest| write!(f, "; the network has `{nearest}`"))
            }
            Problem::Shape { name, found, needed } => {
                write!(f, "wrong shape: `{name}` is {found:?}, the network needs {needed:?}")
            }
            Problem::NotFinite { name, count, first } => {
                write!(f, "not finite: `{name}` has {count} NaN or infinite values, the first at index {first}")
            }
            Problem::NegativeVariance { name, first } => {
                write!(f, "negative variance: `{name}` at index {first}")
            }
        }
    }
}
