//! Finds the choices of a space and their alternatives.

use super::{Choice, show};
use crate::diagnostics::Report;
use crate::reader::fields::{Fields, is_choice, number, whole, wrong_type};
use crate::tree::{Entry, Kind, Node};
use std::collections::BTreeSet;

/// Alternatives of all choices together: each is checked as a spec of its own.
const MAX_ALTERNATIVES: usize = 2048;

/// Values of all specs that are read to check a space.
const MAX_VALUES: usize = 4_000_000;

/// The choices in the order of the text; errors go into the report.
pub(super) fn find(root: &Node, report: &mut Report) -> Vec<Choice> {
    let mut found = Vec::new();
    walk(root, &mut Vec::new(), &mut found, report);
    let total: usize = found.iter().map(|choice| choice.nodes.len()).sum();
    // Each alternative is checked as a spec, so the number of values bounds the time for any file.
    let values = count(root);
    if total.saturating_mul(values) > MAX_VALUES {
        report.error(root.span, format!("{total} alternatives in a file of {values} values"), |d| {
            d.label("too much to check").hint("offer less, or make a space of a part of it");
        });
        found.clear();
    } else if total > MAX_ALTERNATIVES {
        report.error(root.span, format!("the choices have {total} alternatives together"), |d| {
            d.label("too many").hint(format!("a space has at most {MAX_ALTERNATIVES} alternatives"));
        });
        found.clear();
    }
    found
}

fn walk(node: &Node, path: &mut Vec<String>, found: &mut Vec<Choice>, report: &mut Report) {
    if is_choice(node) {
        let Kind::Map(map) = &node.kind else { return };
        let nodes = map.first().map(|entry| alternatives(entry, report)).unwrap_or_default();
        let block = match path.as_slice() {
            [first, index, ..] if first == "blocks" => index.parse().ok(),
            _ => None,
        };
        found.push(Choice {
            path: path.join("."),
            block,
            line: report.source.line(node.span),
            alternatives: nodes.iter().map(|node| show(node, &report.source)).collect(),
            span: node.span,
            nodes,
        });
        return;
    }
    match &node.kind {
        Kind::List(list) => {
            for (index, item) in list.iter().enumerate() {
                path.push(index.to_string());
                walk(item, path, found, report);
                path.pop();
            }
        }
        Kind::Map(map) => {
            for entry in map {
                path.push(entry.key.clone());
                walk(&entry.value, path, found, report);
                path.pop();
            }
        }
        _ => {}
    }
}

/// What `choose:` offers: a list of values, or values around a base.
fn alternatives(entry: &Entry, report: &mut Report) -> Vec<Node> {
    let before = report.found.count();
    let nodes = match &entry.value.kind {
        Kind::List(list) => list.clone(),
        Kind::Map(_) => around(&entry.value, report),
        _ => {
            let hint = "write {choose: [3, 5]}, {choose: {base: 24, times: [0.75, 1, 1.25]}} or {choose: {base: 2, plus: [-1, 0, 1]}}";
            wrong_type(&entry.value, "a list of values, or values around a base", hint, report);
            return Vec::new();
        }
    };
    if nodes.is_empty() && report.found.count() == before {
        report.error(entry.value.span, "a choice has no alternative", |d| {
            d.label("no value").hint("write at least one value, such as {choose: [3, 5]}");
        });
    }
    let mut seen = BTreeSet::new();
    for node in &nodes {
        if has_choice(node) {
            report.error(node.span, "a choice is nested in a choice", |d| {
                d.label("an inner choice").hint("write every combination as a value of the outer one");
            });
        }
        let text = show(node, &report.source);
        if seen.contains(&text) {
            report.error(node.span, format!("the choice offers `{}` twice", crate::tree::shorten(&text)), |d| {
                d.label("second time")
                    .hint("remove it, or write another value (products are rounded to whole numbers)");
            });
        }
        seen.insert(text);
    }
    nodes
}

/// `{base: 24, times: [0.75, 1], plus: [8], or: [112]}`: products (rounded), sums, and further values.
fn around(node: &Node, report: &mut Report) -> Vec<Node> {
    let Some(fields) = Fields::new(node, "a choice", &["base", "times", "plus", "or"], report) else {
        return Vec::new();
    };
    let Some(base) =
        fields.require("base", "24", report).and_then(|node| whole(node, "the base of a choice", 1..=65_536, report))
    else {
        return Vec::new();
    };
    let mut nodes = Vec::new();
    for (key, what) in [("times", "a factor"), ("plus", "a difference"), ("or", "a further value")] {
        let Some(list) = fields.get(key) else { continue };
        let Kind::List(list) = &list.kind else {
            wrong_type(list, &format!("a list for `{key}`"), "write values between `[` and `]`", report);
            continue;
        };
        for item in list {
            if key == "or" {
                nodes.push(item.clone());
                continue;
            }
            let (bounds, most) =
                if key == "times" { ("above 0 and at most 64", 64.0) } else { ("a whole number", 65_536.0) };
            let fits = |value: f64| match key {
                "times" => value > 0.0 && value <= most,
                _ => value.abs() <= most && value.fract() == 0.0,
            };
            if let Some(value) = number(item, what, bounds, fits, report) {
                let base = base.value as f64;
                let result = if key == "times" { (base * value.value).round() } else { base + value.value };
                // At most 65,536 * 65: the reader judges whether it is a value of its key.
                nodes.push(Node::new(item.span, Kind::Int(result as i64)));
            }
        }
    }
    nodes
}

/// Choices in a tree, whatever is wrong with them.
pub(super) fn how_many(node: &Node) -> usize {
    if is_choice(node) {
        return 1;
    }
    match &node.kind {
        Kind::List(list) => list.iter().map(how_many).sum(),
        Kind::Map(map) => map.iter().map(|entry| how_many(&entry.value)).sum(),
        _ => 0,
    }
}

/// Values in a tree.
fn count(node: &Node) -> usize {
    1 + match &node.kind {
        Kind::List(list) => list.iter().map(count).sum::<usize>(),
        Kind::Map(map) => map.iter().map(|entry| count(&entry.value)).sum(),
        _ => 0,
    }
}

fn has_choice(node: &Node) -> bool {
    is_choice(node)
        || match &node.kind {
            Kind::List(list) => list.iter().any(has_choice),
            Kind::Map(map) => map.iter().any(|entry| has_choice(&entry.value)),
            _ => false,
        }
}
