//! What can go wrong, as exit codes and words.

use crate::text::without_controls;
use mnas_dsl::Diagnostics;
use mnas_files::{PublishError, Reason};
use std::fmt::Display;
use std::io::{self, Write as _};
use std::path::Path;

/// Why a command stopped.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    message: String,
    hint: Option<String>,
    /// Whether the message is drawn completely, with a heading of its own.
    drawn: bool,
}

/// Ordered by gravity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// The reader of standard output has closed the pipe: the program ends without a message.
    NoReader,
    /// A check found a difference: the message is a finding, not a failure of the tool.
    Difference,
    /// The user's input is wrong.
    Input,
    /// The system refused: a file, a process.
    System,
}

/// The result of everything that can go wrong here.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// A check found a difference: exit code 1.
    pub fn difference(message: impl Into<String>) -> Self {
        Self::new(Kind::Difference, message.into())
    }

    /// Bad input: exit code 2.
    pub fn input(message: impl Into<String>) -> Self {
        Self::new(Kind::Input, message.into())
    }

    /// The system refused: exit code 3.
    pub fn system(message: impl Into<String>) -> Self {
        Self::new(Kind::System, message.into())
    }

    /// A file could not be read, written or found: exit code 3.
    pub fn file(action: &str, path: &Path, error: &dyn Display) -> Self {
        Self::system(format!("cannot {action} `{}`: {error}", path.display()))
    }

    /// Standard output cannot be written.
    pub fn stdout(error: &io::Error) -> Self {
        let kind = if error.kind() == io::ErrorKind::BrokenPipe { Kind::NoReader } else { Kind::System };
        Self::new(kind, format!("cannot write to standard output: {error}"))
    }

    /// Adds how to mend it.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Prints the error; the same error without words is left, for the exit code.
    pub fn say(self) -> Self {
        if self.kind != Kind::NoReader {
            // Where not even this can be written, the exit code has to do.
            let _ = anstream::stderr().write_all(self.text().as_bytes());
        }
        Error { message: String::new(), hint: None, drawn: true, ..self }
    }

    /// What went wrong, in words.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What went wrong and how to mend it, for where there is no room for more.
    pub fn in_a_line(&self) -> String {
        let hint = self.hint.as_ref().map_or(String::new(), |hint| format!("; {hint}"));
        format!("{}{hint}", self.message)
    }

    /// The graver of two.
    pub fn graver(self, other: Self) -> Self {
        if other.kind > self.kind { other } else { self }
    }

    /// The exit code.
    pub fn code(&self) -> u8 {
        match self.kind {
            Kind::NoReader => 0,
            Kind::Difference => 1,
            Kind::Input => 2,
            Kind::System => 3,
        }
    }

    fn new(kind: Kind, message: String) -> Self {
        Error { kind, message, hint: None, drawn: false }
    }

    fn text(&self) -> String {
        let message = without_controls(&self.message);
        let mut text = match self.kind {
            _ if self.drawn => self.message.clone(),
            Kind::Difference => format!("\x1b[1;33mdifferent\x1b[0m: {message}\n"),
            _ => format!("\x1b[1;31merror\x1b[0m: {message}\n"),
        };
        if let Some(hint) = &self.hint {
            text.push_str(&format!("\x1b[1;36mhelp\x1b[0m: {}\n", without_controls(hint)));
        }
        text
    }
}

impl From<PublishError> for Error {
    fn from(error: PublishError) -> Self {
        match &error.reason {
            Reason::SameFile(_) => Self::input(error.to_string()).hint("give each output its own name"),
            Reason::ReadOnly => Self::system(error.to_string()).hint("make it writable, or write to another file"),
            _ => Self::system(error.to_string()),
        }
    }
}

impl From<Diagnostics> for Error {
    /// Drawn with carets; the colours go where standard error is no terminal.
    fn from(diagnostics: Diagnostics) -> Self {
        Error { drawn: true, ..Self::input(diagnostics.render(true)) }
    }
}
