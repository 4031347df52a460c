//! YAML text to the tree. Knows YAML, not the language.

use std::fmt;

use serde_core::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_yaml::options::{DuplicateKeyPolicy, MergeKeyPolicy, NonFiniteFloatPolicy};
use serde_yaml::{Location, Spanned};

use crate::diagnostics::{Diagnostic, Diagnostics, Place};
use crate::source::{Source, Span};
use crate::tree::{Entry, Kind, Node};

/// A spec is some kilobytes; a larger file is refused before it is parsed.
const MAX_BYTES: usize = 1 << 20;

/// Deeper nesting than any spec has (list, block, list of choices), and shallow enough for any stack.
const MAX_DEPTH: usize = 16;

/// Values in a file. Aliases count each time they are used, so this also stops alias bombs.
const MAX_NODES: usize = 100_000;

/// Parses `text`, or reports why it is not YAML.
pub(crate) fn parse(text: &str, file: &str) -> Result<(Node, Source), Diagnostics> {
    if text.len() > MAX_BYTES {
        return Err(Diagnostics::from(Diagnostic {
            message: format!("the file has {} bytes, a spec at most {MAX_BYTES}", text.len()),
            place: Place::File { file: file.to_owned() },
            label: None,
            hint: Some("expected a spec; this looks like weights or data".to_owned()),
        }));
    }
    let source = Source::text(file, text);
    let options = serde_yaml::options! {
        budget: serde_yaml::budget! {
            max_depth: MAX_DEPTH,
            max_nodes: MAX_NODES,
            max_documents: 1,
        },
        alias_limits: serde_yaml::alias_limits! {
            max_total_replayed_events: MAX_NODES,
            max_replay_stack_depth: MAX_DEPTH,
        },
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        merge_keys: MergeKeyPolicy::AsOrdinary,
        non_finite_float_policy: NonFiniteFloatPolicy::PassThrough,
        strict_booleans: true,
        with_snippet: false,
    };
    match serde_yaml::from_str_with_options::<Spanned<Raw>>(text, options) {
        Ok(raw) => Ok((node(raw, text), source)),
        Err(error) => Err(syntax_error(&error, text, &source)),
    }
}

fn syntax_error(error: &serde_yaml::Error, text: &str, source: &Source) -> Diagnostics {
    let error = error.without_snippet();
    let message = error.to_string();
    let span = error.location().map_or(Span::default(), |location| span(location, text));
    let mut diagnostic = Diagnostic::new(source, span, String::new());
    // The library's error enum may grow, so errors are distinguished by their text.
    let about = message.to_lowercase();
    if about.contains("document") {
        diagnostic.message = "a file holds one spec".to_owned();
        diagnostic.label("a second document").hint("put the second spec into a file of its own");
    } else if about.contains("budget") || about.contains("limit") || about.contains("depth") {
        diagnostic.message = "nested too deeply, too large, or aliases repeated too often".to_owned();
        diagnostic.label("too much here").hint(format!(
            "a spec nests at most {MAX_DEPTH} levels and has at most {MAX_NODES} values, counted at each use of an alias"
        ));
    } else {
        // The parser's own message ends with the place, which is drawn anyway.
        let end = message.find(" at line ").unwrap_or(message.len());
        diagnostic.message = format!("not valid YAML: {}", message.get(..end).unwrap_or(&message).trim());
        diagnostic
            .label("the reader stops here")
            .hint("fix the YAML first; until then nothing else in the file can be checked");
    }
    Diagnostics::from(diagnostic)
}

fn span(location: Location, text: &str) -> Span {
    let span = location.span();
    if let (Some(start), Some(length)) = (span.byte_offset(), span.byte_len()) {
        let start = usize::try_from(start).unwrap_or(text.len()).min(text.len());
        let length = usize::try_from(length).unwrap_or(0);
        return Span::new(start, start.saturating_add(length).min(text.len()));
    }
    // Errors of the scanner have a line and a column only.
    let line = usize::try_from(location.line()).unwrap_or(1).max(1);
    let column = usize::try_from(location.column()).unwrap_or(1).max(1);
    let mut start = 0;
    for _ in 1..line {
        let rest = text.get(start..).unwrap_or("");
        start += rest.find('\n').map_or(rest.len(), |at| at + 1);
    }
    let rest = text.get(start..).unwrap_or("");
    start += rest.chars().take(column - 1).map(char::len_utf8).sum::<usize>();
    Span::new(start, start)
}

/// What a deserializer says about a value, before its span is taken over.
enum Raw {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<Raw>, Spanned<Raw>)>),
}

fn node(raw: Spanned<Raw>, text: &str) -> Node {
    let mut span = span(raw.referenced, text);
    let kind = match raw.value {
        Raw::Null => Kind::Null,
        Raw::Bool(value) => Kind::Bool(value),
        Raw::Int(value) => Kind::Int(value),
        Raw::Float(value) => Kind::Float(value),
        Raw::Text(value) => Kind::Text(value),
        Raw::List(list) => Kind::List(list.into_iter().map(|raw| node(raw, text)).collect()),
        Raw::Map(map) => Kind::Map(map.into_iter().map(|(key, value)| entry(key, value, text)).collect()),
    };
    // A collection has the span of its first character only; its end follows from its content.
    let last = match &kind {
        Kind::List(list) => list.last().map(|node| node.span),
        Kind::Map(map) => map.last().map(|entry| entry.value.span),
        _ => None,
    };
    if let Some(last) = last {
        span = Span::new(span.start, span.end.max(last.end));
        if matches!(text.as_bytes().get(span.start), Some(b'{' | b'[')) {
            let rest = text.get(span.end..).unwrap_or("");
            let trimmed = rest.trim_start();
            if trimmed.starts_with(['}', ']']) {
                span.end += rest.len() - trimmed.len() + 1;
            }
        }
    }
    Node::new(span, kind)
}

fn entry(key: Spanned<Raw>, value: Spanned<Raw>, text: &str) -> Entry {
    let key = node(key, text);
    let name = match key.kind {
        Kind::Text(name) => name,
        // `no: 1`, `3: 1`: a key of another type is an unknown key, named as it is written.
        _ => text.get(key.span.start..key.span.end).unwrap_or("").to_owned(),
    };
    Entry { key: name, key_span: key.span, value: node(value, text) }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::Int(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
        Ok(i64::try_from(value).map_or(Raw::Float(value as f64), Raw::Int))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Raw, E> {
        Ok(Raw::Float(value as f64))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Raw, E> {
        Ok(Raw::Float(value as f64))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Raw, E> {
        Ok(Raw::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
        Ok(Raw::Text(value.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Raw, D::Error> {
        Raw::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Raw, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = access.next_element()? {
            list.push(value);
        }
        Ok(Raw::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Raw, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = access.next_entry()? {
            map.push(entry);
        }
        Ok(Raw::Map(map))
    }
}
