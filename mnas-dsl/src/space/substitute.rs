//! Replaces each choice in a space's tree by one alternative.

use super::Choice;
use crate::reader::fields::is_choice;
use crate::source::Span;
use crate::spec::BlockKind;
use crate::tree::{Entry, Kind, Node};

/// The tree of a member. There is one index for each choice.
pub(super) fn substitute(root: &Node, choices: &[Choice], indices: &[usize]) -> Node {
    let mut next = choices.iter().zip(indices).map(|(choice, &index)| &choice.nodes[index]);
    replace(root, &mut next)
}

/// Visits the choices in the order in which they were found.
fn replace<'a>(node: &'a Node, next: &mut impl Iterator<Item = &'a Node>) -> Node {
    if is_choice(node) {
        return next.next().unwrap_or(node).clone();
    }
    let kind = match &node.kind {
        Kind::List(list) => Kind::List(list.iter().map(|item| replace(item, next)).collect()),
        Kind::Map(map) => Kind::Map(entries(map, next)),
        other => other.clone(),
    };
    Node::new(node.span, kind)
}

fn entries<'a>(map: &'a [Entry], next: &mut impl Iterator<Item = &'a Node>) -> Vec<Entry> {
    let mut entries = Vec::with_capacity(map.len() + 1);
    let mut chosen = Vec::new();
    for entry in map {
        let is_chosen = is_choice(&entry.value);
        let value = replace(&entry.value, next);
        match (&*entry.key, &value.kind) {
            // `mbconv e6` is an op with its expansion, as tokens have it: they are chosen together.
            ("op", Kind::Text(text)) if is_chosen && text.contains(' ') => {
                entries.extend(op_and_expansion(entry, text, value.span));
            }
            // `0` and `none` mean no squeeze-excite.
            ("se", Kind::Int(0)) if is_chosen => {}
            ("se", Kind::Float(ratio)) if is_chosen && *ratio == 0.0 => {}
            ("se", Kind::Text(word)) if is_chosen && word == "none" => {}
            _ => {
                if is_chosen {
                    chosen.push(entry.key.as_str());
                }
                entries.push(Entry { value, ..entry.clone() });
            }
        }
    }
    // A chosen key that the chosen op does not have is removed: other alternatives of the op have it.
    let op = entries.iter().find(|entry| entry.key == "op").and_then(|entry| match &entry.value.kind {
        Kind::Text(op) => BlockKind::from_op(op),
        _ => None,
    });
    if let Some(kind) = op {
        let refusals = kind.row().refusals;
        entries.retain(|entry| {
            !(chosen.contains(&entry.key.as_str()) && refusals.iter().any(|(key, _)| *key == entry.key))
        });
    }
    entries
}

/// `mbconv e6` as `op: mbconv` and `expand: 6`. If the ratio is not a number, the text stays as it is and the reader refuses it.
fn op_and_expansion(entry: &Entry, text: &str, span: Span) -> Vec<Entry> {
    let (op, rest) = text.split_once(' ').unwrap_or((text, ""));
    let at =
        |key: &str, kind: Kind| Entry { key: key.to_owned(), key_span: entry.key_span, value: Node::new(span, kind) };
    let ratio = rest.trim().strip_prefix('e').and_then(|digits| digits.parse::<f64>().ok());
    match ratio {
        Some(ratio) => vec![at("op", Kind::Text(op.to_owned())), at("expand", Kind::Float(ratio))],
        None => vec![at("op", Kind::Text(text.to_owned()))],
    }
}
