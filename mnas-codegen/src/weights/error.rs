//! Errors of weights and their texts.

use std::fmt;

/// Problems that are listed. A network has fewer tensors, but a file can have millions.
const MAX_SHOWN: usize = 500;

/// Characters of a reason.
const MAX_REASON: usize = 2000;

/// Characters of a name that are shown.
const MAX_LETTERS: usize = 100;

/// Dimensions of a shape that are shown.
const MAX_DIMENSIONS: usize = 8;

/// A name from a file for messages: without control characters, and cut where it is long.
pub(super) fn shown(name: &str) -> String {
    let cut = name.char_indices().nth(MAX_LETTERS).map_or(name.len(), |(at, _)| at);
    let rest = if cut < name.len() { "..." } else { "" };
    format!("{}{rest}", name[..cut].escape_debug())
}

/// A shape from a file for messages.
struct Shown<'a>(&'a [usize]);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.len() <= MAX_DIMENSIONS {
            return write!(f, "{:?}", self.0);
        }
        write!(f, "of {} dimensions", self.0.len())
    }
}

/// Why a file could not be read as a container of tensors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormatError(String);

impl FormatError {
    /// A reason. It may hold names from the file: endless text is cut, and control characters are shown as escapes.
    pub fn new(reason: impl Into<String>) -> Self {
        let visible = |c: char| match c {
            '\n' | '"' | '\'' | '\\' => c.to_string(),
            c => c.escape_debug().to_string(),
        };
        let mut reason: String = reason.into().chars().map(visible).collect();
        if let Some((cut, _)) = reason.char_indices().nth(MAX_REASON) {
            reason.truncate(cut);
            reason.push_str("...");
        }
        FormatError(reason)
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
    /// The file's format is not known, or the file is damaged or forbidden.
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
    /// Neither the names nor, whatever the names, the layers of a file are those of the network.
    UnfitLayers {
        /// What is wrong with the names.
        by_name: Box<WeightsError>,
        /// What is wrong with the layers.
        by_layers: String,
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
    /// The file has something under its name that is no weight.
    NoWeight {
        /// Its name.
        name: String,
        /// What it is: "has elements of type int64".
        reason: String,
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
                problems.iter().take(MAX_SHOWN).try_for_each(|problem| write!(f, "\n  {problem}"))?;
                let hidden = problems.len().saturating_sub(MAX_SHOWN);
                if hidden == 0 { Ok(()) } else { write!(f, "\n  {hidden} further problems are not shown") }
            }
            WeightsError::UnfitLayers { by_name, by_layers } => {
                write!(f, "{by_name}\nnor do its layers fit, whatever their names: {by_layers}")
            }
        }
    }
}

impl std::error::Error for WeightsError {}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Missing { name, shape, nearest } => {
                write!(f, "missing: `{}` {}", shown(name), Shown(shape))?;
                nearest.as_ref().map_or(Ok(()), |nearest| write!(f, "; the file has `{}`", shown(nearest)))
            }
            Problem::Extra { name, shape, nearest } => {
                write!(f, "extra: `{}` {}", shown(name), Shown(shape))?;
                nearest.as_ref().map_or(Ok(()), |nearest| write!(f, "; the network has `{}`", shown(nearest)))
            }
            Problem::NoWeight { name, reason } => write!(f, "no weight: `{}` {}", shown(name), shown(reason)),
            Problem::Shape { name, found, needed } => {
                write!(f, "wrong shape: `{}` is {}, the network needs {needed:?}", shown(name), Shown(found))
            }
            Problem::NotFinite { name, count, first } => {
                let name = shown(name);
                write!(f, "not finite: `{name}` has {count} NaN or infinite values, the first at index {first}")
            }
            Problem::NegativeVariance { name, first } => {
                write!(f, "negative variance: `{}` at index {first}", shown(name))
            }
        }
    }
}
