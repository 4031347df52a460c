//! Spans, and the text or tokens that they point into.

use std::sync::Arc;

/// A piece of the [`Source`]: bytes `start..end` of a text, or tokens `start..end` of a macro's input.
///
/// Tokens are counted from 0 in the order of the text; a delimited group counts one for itself and then its
/// content. (A number instead of a `proc_macro2::Span` keeps specs and diagnostics `Send`.)
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// First byte or token.
    pub start: usize,
    /// One past the last byte or token.
    pub end: usize,
}

impl Span {
    /// The span from `start` up to `end`.
    pub fn new(start: usize, end: usize) -> Self {
        Self { start, end: end.max(start) }
    }

    /// From the start of `self` to the end of `other`.
    pub fn to(self, other: Self) -> Self {
        Self::new(self.start, other.end)
    }
}

/// A value and where it was written. Two are equal when their values are: a spec that is printed and read
/// back is the same spec, although its spans differ.
#[derive(Clone, Copy, Debug)]
pub struct At<T> {
    /// What was written.
    pub value: T,
    /// Where.
    pub span: Span,
}

impl<T> At<T> {
    /// `value`, written at `span`.
    pub fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }
}

impl<T: PartialEq> PartialEq for At<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

/// What spans point into.
#[derive(Clone, Debug)]
pub struct Source(Arc<Inner>);

#[derive(Debug)]
enum Inner {
    Text {
        file: String,
        text: String,
        /// Byte offset of the start of each line.
        lines: Vec<usize>,
    },
    /// Line (from 1) and column (from 0) of each token, as far as known.
    Tokens(Vec<(usize, usize)>),
}

/// A place in a text for messages: lines and columns count from 1, columns and lengths count characters.
pub(crate) struct TextPlace<'a> {
    pub(crate) file: &'a str,
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) length: usize,
    pub(crate) line_text: &'a str,
}

impl Source {
    /// The text of `file`.
    pub fn text(file: &str, text: &str) -> Self {
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self(Arc::new(Inner::Text { file: file.to_owned(), text: text.to_owned(), lines }))
    }

    /// The input of a macro, given the place of each token.
    pub(crate) fn tokens(places: Vec<(usize, usize)>) -> Self {
        Self(Arc::new(Inner::Tokens(places)))
    }

    /// Whether spans count tokens.
    pub fn is_tokens(&self) -> bool {
        matches!(*self.0, Inner::Tokens(_))
    }

    /// Line of a span, from 1; 0 where it is not known.
    pub fn line(&self, span: Span) -> usize {
        match &*self.0 {
            Inner::Text { lines, .. } => lines.partition_point(|&start| start <= span.start),
            Inner::Tokens(places) => places.get(span.start).map_or(0, |place| place.0),
        }
    }

    /// Line and column of a span, for messages.
    pub(crate) fn describe(&self, span: Span) -> String {
        let (line, column) = match (self.text_place(span), self.token_place(span)) {
            (Some(place), _) => (place.line, place.column),
            (None, Some((line, column))) => (line, column + 1),
            (None, None) => (0, 0),
        };
        format!("line {line}, column {column}")
    }

    /// The written text of a span, where the source is a text.
    pub(crate) fn slice(&self, span: Span) -> Option<&str> {
        match &*self.0 {
            Inner::Text { text, .. } => text.get(span.start..span.end),
            Inner::Tokens(_) => None,
        }
    }

    pub(crate) fn token_place(&self, span: Span) -> Option<(usize, usize)> {
        match &*self.0 {
            Inner::Text { .. } => None,
            Inner::Tokens(places) => places.get(span.start).copied(),
        }
    }

    pub(crate) fn text_place(&self, span: Span) -> Option<TextPlace<'_>> {
        let Inner::Text { file, text, lines } = &*self.0 else {
            return None;
        };
        let line = lines.partition_point(|&start| start <= span.start).max(1);
        let line_start = lines.get(line - 1).copied().unwrap_or(0);
        let rest = text.get(line_start..).unwrap_or("");
        let line_text = rest.split('\n').next().unwrap_or("");
        let line_text = line_text.strip_suffix('\r').unwrap_or(line_text);
        let before = span.start.saturating_sub(line_start);
        let column = count_chars(line_text, before) + 1;
        // A span over several lines is drawn to the end of its first.
        let length = count_chars(line_text, span.end.saturating_sub(line_start)) + 1 - column;
        Some(TextPlace { file, line, column, length: length.max(1), line_text })
    }
}

/// Characters of `text` that start before byte `end`.
fn count_chars(text: &str, end: usize) -> usize {
    text.char_indices().take_while(|&(at, _)| at < end).count()
}
