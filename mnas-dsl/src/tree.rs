//! The one form that both notations become before they are read: values with spans.

use crate::render::visible;
use crate::source::Span;

/// A value and where it is written.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// Where.
    pub(crate) span: Span,
    /// What.
    pub(crate) kind: Kind,
}

/// A value.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// Nothing was written.
    Null,
    /// A value with an error that is already reported.
    Wrong,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number, perhaps not finite.
    Float(f64),
    /// A word or a quoted text.
    Text(String),
    /// Values in order.
    List(Vec<Node>),
    /// Keys and values in the order of the text. A key may occur twice: the reader reports it.
    Map(Vec<Entry>),
}

/// A key and its value.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// The key.
    pub(crate) key: String,
    /// Where the key is written.
    pub(crate) key_span: Span,
    /// Its value.
    pub(crate) value: Node,
}

impl Node {
    /// `kind` at `span`.
    pub(crate) fn new(span: Span, kind: Kind) -> Self {
        Self { span, kind }
    }
}

impl Kind {
    /// A description of the value for messages, with the value itself where it is short.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Null | Self::Wrong => "nothing".to_owned(),
            Self::Bool(value) => format!("`{value}`"),
            Self::Int(value) => format!("the number {value}"),
            // 3.0 is shown with its decimal point: it is not a whole number.
            Self::Float(value) => format!("the number {value:?}"),
            Self::Text(text) if text.is_empty() => "an empty text".to_owned(),
            Self::Text(text) => format!("the text `{}`", shorten(text)),
            Self::List(_) => "a list".to_owned(),
            Self::Map(_) => "a map".to_owned(),
        }
    }
}

/// A word of the user as it fits into a message: cut when long, control characters replaced.
pub(crate) fn shorten(text: &str) -> String {
    let mut short: String = text.chars().take(40).map(visible).collect();
    if text.chars().nth(40).is_some() {
        short.push_str("...");
    }
    short
}
