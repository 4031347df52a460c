//! Errors in what a user wrote. They are collected, so that all of a file are reported at once.

use crate::source::{Source, Span};

/// Errors that are kept. A file with more is not a spec with typing errors.
const MAX_DIAGNOSTICS: usize = 200;

/// Characters of a source line that are kept on each side of a mistake.
const CONTEXT: usize = 120;

/// Where a mistake is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a text file.
    Text {
        /// The file's name as it was handed in.
        file: String,
        /// Line, from 1.
        line: usize,
        /// Column, from 1, counted in characters.
        column: usize,
        /// Length in characters, at least 1.
        length: usize,
        /// The source line; of a long one, the part around the mistake.
        line_text: String,
        /// Characters of the line that are missing before `line_text`.
        cut: usize,
    },
    /// The whole file.
    File {
        /// The file's name as it was handed in.
        file: String,
    },
    /// In the tokens of a macro. [`Diagnostic::token_span`] finds the span.
    Tokens {
        /// First token, counted as [`Span`] says.
        start: usize,
        /// One past the last token.
        end: usize,
        /// Line of the first token, 0 where it is not known.
        line: usize,
        /// Column of the first token, from 1.
        column: usize,
    },
}

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// Where.
    pub place: Place,
    /// The text beside the caret.
    pub label: Option<String>,
    /// How to fix it.
    pub hint: Option<String>,
}

impl Diagnostic {
    pub(crate) fn new(source: &Source, span: Span, message: String) -> Self {
        Self { message, place: place(source, span), label: None, hint: None }
    }

    pub(crate) fn label(&mut self, label: impl Into<String>) -> &mut Self {
        self.label = Some(label.into());
        self
    }

    pub(crate) fn hint(&mut self, hint: impl Into<String>) -> &mut Self {
        self.hint = Some(hint.into());
        self
    }

    /// Message, label and hint as one text, for where nothing can be drawn (a compiler error on a token).
    pub fn text(&self) -> String {
        let mut text = self.message.clone();
        if let Some(label) = &self.label {
            text.push_str(&format!(": {label}"));
        }
        if let Some(hint) = &self.hint {
            text.push_str(&format!("\nhelp: {hint}"));
        }
        text
    }
}

fn place(source: &Source, span: Span) -> Place {
    if let Some(place) = source.text_place(span) {
        let cut = (place.column - 1).saturating_sub(CONTEXT);
        let length = place.length.min(CONTEXT);
        return Place::Text {
            file: place.file.to_owned(),
            line: place.line,
            column: place.column,
            length,
            line_text: place.line_text.chars().skip(cut).take(3 * CONTEXT).collect(),
            cut,
        };
    }
    let (line, column) = source.token_place(span).unwrap_or((0, 0));
    Place::Tokens { start: span.start, end: span.end, line, column: column + 1 }
}

/// Every mistake found, in the order of the text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
    /// Number of mistakes beyond those.
    pub(crate) hidden: usize,
}

impl Diagnostics {
    /// No mistake yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The mistakes.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.list.iter()
    }

    /// Number of mistakes that are kept.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Adds a mistake. Past the first 200 they are only counted.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        if self.list.len() < MAX_DIAGNOSTICS {
            self.list.push(diagnostic);
        } else {
            self.hidden += 1;
        }
    }

    /// Adds the errors of another stage.
    pub fn extend(&mut self, other: Self) {
        self.hidden += other.hidden;
        for diagnostic in other.list {
            self.push(diagnostic);
        }
    }

    /// Number of errors that were found, including those that are not kept.
    pub(crate) fn count(&self) -> usize {
        self.list.len() + self.hidden
    }

    pub(crate) fn sort(&mut self) {
        self.list.sort_by_key(|diagnostic| match &diagnostic.place {
            Place::Text { line, column, .. } => (*line, *column),
            Place::File { .. } => (0, 0),
            Place::Tokens { start, .. } => (*start, 0),
        });
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.list.iter()
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        let mut diagnostics = Self::new();
        diagnostics.push(diagnostic);
        diagnostics
    }
}

impl std::error::Error for Diagnostics {}

/// A collector of errors, with the source that their spans point into.
pub(crate) struct Report {
    pub(crate) source: Source,
    pub(crate) found: Diagnostics,
}

impl Report {
    pub(crate) fn new(source: &Source) -> Self {
        Self { source: source.clone(), found: Diagnostics::new() }
    }

    /// Adds a mistake; `finish` may give it a label and a hint.
    pub(crate) fn error(&mut self, span: Span, message: impl Into<String>, finish: impl FnOnce(&mut Diagnostic)) {
        // Looking up a place takes time in a long line, once for each error.
        if self.found.list.len() >= MAX_DIAGNOSTICS {
            self.found.hidden += 1;
            return;
        }
        let mut diagnostic = Diagnostic::new(&self.source, span, message.into());
        finish(&mut diagnostic);
        self.found.push(diagnostic);
    }

    /// `value`, or every error in the order of the text.
    pub(crate) fn finish<T>(mut self, value: Option<T>) -> Result<T, Diagnostics> {
        self.found.sort();
        match value {
            Some(value) if self.found.is_empty() => Ok(value),
            _ => Err(self.found),
        }
    }
}
