//! The keys of one map, and reading a value of each type. Every mistake goes into the report.

use std::ops::RangeInclusive;

use crate::diagnostics::Report;
use crate::keywords::{Keywords, show_number};
use crate::limits;
use crate::nearest::nearest;
use crate::source::{At, Span};
use crate::tree::{Entry, Kind, Node, shorten};

/// A map whose keys are known: unknown and repeated ones are reported when it is made.
pub(crate) struct Fields<'a> {
    what: &'static str,
    span: Span,
    entries: Vec<&'a Entry>,
    /// Known keys that unknown ones were taken for: they are not missing too.
    meant: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    /// The map `node`, called `what` in messages, with these `known` keys.
    pub(crate) fn new(node: &'a Node, what: &'static str, known: &[&'static str], report: &mut Report) -> Option<Self> {
        let map = match &node.kind {
            Kind::Map(map) if !is_choice(node) => map,
            _ => {
                let hint = format!("its keys are {}", known.join(", "));
                wrong_type(node, &format!("a map with the keys of {what}"), &hint, report);
                return None;
            }
        };
        let mut entries: Vec<&Entry> = Vec::new();
        let mut meant = Vec::new();
        for entry in map {
            if !known.contains(&entry.key.as_str()) {
                meant.extend(unknown_key(entry, what, known, report));
            } else if let Some(first) = entries.iter().find(|it| it.key == entry.key) {
                let place = report.source.describe(first.key_span);
                report.error(entry.key_span, format!("the key `{}` is written twice", entry.key), |d| {
                    d.label("second time").hint(format!("the first one is in {place}; keep one of them"));
                });
            } else {
                entries.push(entry);
            }
        }
        Some(Self { what, span: node.span, entries, meant })
    }

    /// The value of `key`, if it was written.
    pub(crate) fn get(&self, key: &str) -> Option<&'a Node> {
        self.entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    /// Where `key` stands, if it was written.
    pub(crate) fn key_span(&self, key: &str) -> Option<Span> {
        self.entries.iter().find(|entry| entry.key == key).map(|entry| entry.key_span)
    }

    /// The value of a key that has to be there.
    pub(crate) fn require(&self, key: &str, example: &str, report: &mut Report) -> Option<&'a Node> {
        let value = self.get(key);
        if value.is_none() && !self.meant.contains(&key) {
            let hint = match report.source.is_tokens() {
                true => in_tokens(key),
                false => format!("add `{key}: {example}`"),
            };
            report.error(self.span, format!("{} has no `{key}`", self.what), |d| {
                d.label(format!("no `{key}`")).hint(hint);
            });
        }
        value
    }

    /// The whole map's place.
    pub(crate) fn span(&self) -> Span {
        self.span
    }
}

/// How a missing key is written in tokens.
fn in_tokens(key: &str) -> String {
    match key {
        "classes" => "add the number of classes behind the shape, `<224 x 224 x 3, 1000>`".to_owned(),
        "head" => "add `head c1280;`, or `head none;` for a backbone".to_owned(),
        "stem" => "add `stem conv k3 s2 c32;`".to_owned(),
        "kernel" => "add `k3`".to_owned(),
        "filters" => "add `c16`".to_owned(),
        "expand" => "add `e6`".to_owned(),
        key => format!("add `{key}`"),
    }
}

/// Reports a key, and says which one was meant.
fn unknown_key(entry: &Entry, what: &str, known: &[&'static str], report: &mut Report) -> Option<&'static str> {
    let message = format!("unknown key `{}` in {what}", shorten(&entry.key));
    let near = nearest(&entry.key, known.iter().copied());
    report.error(entry.key_span, message, |d| {
        match near {
            Some(near) => d.label("not a key of this map").hint(format!("did you mean `{near}`?")),
            None => d.label("not a key of this map").hint(format!("known keys: {}", known.join(", "))),
        };
    });
    near
}

/// Reports that `node` is not what is expected; `hint` says what to write.
pub(crate) fn wrong_type(node: &Node, expected: &str, hint: &str, report: &mut Report) {
    if matches!(node.kind, Kind::Wrong) {
        return;
    }
    if is_choice(node) {
        report.error(node.span, "a choice stands where a network needs one value", |d| {
            d.label("a choice")
                .hint(format!("a spec with choices is a search space, not a network: write {expected} in its place"));
        });
        return;
    }
    report.error(node.span, format!("expected {expected}, found {}", node.kind.describe()), |d| {
        d.label(match node.kind {
            Kind::Null => "nothing written",
            _ => "wrong type",
        })
        .hint(hint);
    });
}

/// `{choose: [..]}`, which search spaces have.
pub(crate) fn is_choice(node: &Node) -> bool {
    matches!(&node.kind, Kind::Map(map) if matches!(map.as_slice(), [entry] if entry.key == "choose"))
}

/// A whole number within `range`.
pub(crate) fn whole(node: &Node, what: &str, range: RangeInclusive<usize>, report: &mut Report) -> Option<At<usize>> {
    let Kind::Int(value) = node.kind else {
        let hint = match node.kind {
            Kind::Text(ref text) if text.parse::<usize>().is_ok() => "remove the quotes".to_owned(),
            _ => format!("write a whole number from {} to {}", range.start(), range.end()),
        };
        wrong_type(node, &format!("a whole number for {what}"), &hint, report);
        return None;
    };
    match usize::try_from(value) {
        Ok(value) if range.contains(&value) => Some(At::new(value, node.span)),
        _ => {
            report.error(node.span, format!("{what} is {value}"), |d| {
                d.label("out of range").hint(format!("{what} is from {} to {}", range.start(), range.end()));
            });
            None
        }
    }
}

/// A number that `fits`; `bounds` says in words what fits.
pub(crate) fn number(
    node: &Node,
    what: &str,
    bounds: &str,
    fits: impl Fn(f64) -> bool,
    report: &mut Report,
) -> Option<At<f64>> {
    let value = match node.kind {
        Kind::Int(value) => value as f64,
        Kind::Float(value) => value,
        _ => {
            let hint = match node.kind {
                Kind::Text(ref text) if text.parse::<f64>().is_ok() => "remove the quotes".to_owned(),
                _ => format!("write a number {bounds}"),
            };
            wrong_type(node, &format!("a number for {what}"), &hint, report);
            return None;
        }
    };
    if value.is_finite() && fits(value) {
        // Minus zero would not be printed as it is read.
        return Some(At::new(value + 0.0, node.span));
    }
    report.error(node.span, format!("{what} is {}", show_number(value)), |d| {
        d.label("out of range").hint(format!("{what} is {bounds}"));
    });
    None
}

/// A text.
pub(crate) fn text<'a>(node: &'a Node, what: &str, report: &mut Report) -> Option<&'a str> {
    match &node.kind {
        Kind::Text(text) => Some(text),
        Kind::Null | Kind::Bool(_) if report.source.slice(node.span).is_some_and(|it| !it.is_empty()) => {
            report.error(node.span, format!("expected a text for {what}, found {}", node.kind.describe()), |d| {
                d.label("YAML reads this word as a value").hint("put it in quotes");
            });
            None
        }
        _ => {
            wrong_type(
                node,
                &format!("a text for {what}"),
                "write a word, in quotes if it looks like a number",
                report,
            );
            None
        }
    }
}

/// One of the `words`.
pub(crate) fn one_of<T: Copy>(node: &Node, what: &str, words: Keywords<T>, report: &mut Report) -> Option<At<T>> {
    let list = || words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ");
    let word = match &node.kind {
        Kind::Text(word) => word.as_str(),
        _ => {
            wrong_type(node, &format!("one of {}", list()), "write one of these words", report);
            return None;
        }
    };
    if let Some((_, value)) = words.iter().find(|(it, _)| *it == word) {
        return Some(At::new(*value, node.span));
    }
    let near = nearest(word, words.iter().map(|(word, _)| *word));
    report.error(node.span, format!("unknown {what} `{}`", shorten(word)), |d| {
        d.label("not known");
        match near {
            Some(near) => d.hint(format!("did you mean `{near}`? known: {}", list())),
            None => d.hint(format!("known: {}", list())),
        };
    });
    None
}

/// A kernel size: odd, so that the kernel has a middle.
pub(crate) fn kernel_size(node: &Node, report: &mut Report) -> Option<At<usize>> {
    let size = whole(node, "the kernel size", limits::KERNEL, report)?;
    if size.value % 2 == 1 {
        return Some(size);
    }
    report.error(node.span, format!("the kernel size {} is even", size.value), |d| {
        d.label("must be odd").hint(format!("write {} or {}", size.value - 1, size.value + 1));
    });
    None
}

/// An expansion ratio.
pub(crate) fn expand_ratio(node: &Node, report: &mut Report) -> Option<At<f64>> {
    number(node, "the expansion", "above 0 and at most 64", |it| it > 0.0 && it <= limits::MULTIPLIER, report)
}

/// A squeeze-excite ratio.
pub(crate) fn se_ratio(node: &Node, report: &mut Report) -> Option<At<f64>> {
    number(node, "the squeeze-excite ratio", "above 0 and at most 1", |it| it > 0.0 && it <= 1.0, report)
}
