//! Errors of files and their texts.

use std::fmt;

/// Problems that are listed; a file with more is not a network of a spec.
const MAX_PROBLEMS: usize = 100;

/// The bytes are not a file of their format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadError {
    format: &'static str,
    at: usize,
    message: String,
}

impl ReadError {
    pub(crate) fn new(at: usize, message: String) -> Self {
        ReadError { format: "ONNX", at, message }
    }

    pub(crate) fn of_tflite(at: usize, message: String) -> Self {
        ReadError { format: "TensorFlow Lite", at, message }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "it is not a valid {} file: at byte {} {}", self.format, self.at, self.message)
    }
}

impl std::error::Error for ReadError {}

/// Something in a file that a spec cannot describe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The node, as `node 17 of 65, Conv `/conv_stem/Conv``; empty where it is about the whole file.
    pub place: String,
    /// What was found.
    pub found: String,
    /// What was expected, or what to do.
    pub expected: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.place.is_empty() {
            write!(f, "{}: ", self.place)?;
        }
        write!(f, "{}", self.found)?;
        if !self.expected.is_empty() {
            write!(f, "; {}", self.expected)?;
        }
        Ok(())
    }
}

/// All problems of a file, in its order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems {
    list: Vec<Problem>,
    hidden: usize,
}

impl Problems {
    pub(crate) fn push(&mut self, place: impl Into<String>, found: impl Into<String>, expected: impl Into<String>) {
        if self.list.len() < MAX_PROBLEMS {
            self.list.push(Problem { place: place.into(), found: found.into(), expected: expected.into() });
        } else {
            self.hidden += 1;
        }
    }

    /// The problems that are kept.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.list.iter()
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.list.len() + self.hidden
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.list.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "  {problem}")?;
        }
        if self.hidden > 0 {
            write!(f, "\n  {} more are not shown", self.hidden)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// Why a file could not be imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImportError {
    /// It is not a file of a known format, or it is damaged.
    Read(ReadError),
    /// It is such a file, but not of a network that a spec can describe.
    Problems(Problems),
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ImportError::Read(error) => error.fmt(f),
            ImportError::Problems(problems) => {
                let s = if problems.count() == 1 { "" } else { "s" };
                write!(f, "{} problem{s}:\n{problems}", problems.count())
            }
        }
    }
}

impl std::error::Error for ImportError {}

impl From<ReadError> for ImportError {
    fn from(error: ReadError) -> Self {
        ImportError::Read(error)
    }
}

impl From<Problems> for ImportError {
    fn from(problems: Problems) -> Self {
        ImportError::Problems(problems)
    }
}

/// A name of the file for a message: escaped, and not longer than a line.
pub(crate) fn shown(name: &str) -> String {
    const LONGEST: usize = 100;
    let mut text: String = name.chars().take(LONGEST).flat_map(char::escape_debug).collect();
    if name.chars().nth(LONGEST).is_some() {
        text.push('…');
    }
    text
}
