//! `limits` of a space: what a device can hold, checked before a network is trained.

use crate::diagnostics::Report;
use crate::reader::fields::{Fields, number};
use crate::tree::{Kind, Node};

/// Upper bounds of a space's members; `None` is no bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Trainable parameters.
    pub parameters: Option<u64>,
    /// Multiply-accumulates of an inference.
    pub macs: Option<u64>,
    /// Bytes of the arena, where feature maps lie.
    pub arena_bytes: Option<u64>,
    /// Bytes of the weights with batch norms folded, without padding.
    pub weight_bytes: Option<u64>,
}

const KEYS: [&str; 4] = ["parameters", "macs", "arena_bytes", "weight_bytes"];

/// Takes the value of a key that only spaces have out of the tree.
pub(super) fn take_key(root: &mut Node, key: &str) -> Option<Node> {
    let Kind::Map(map) = &mut root.kind else { return None };
    let at = map.iter().position(|entry| entry.key == key)?;
    Some(map.remove(at).value)
}

/// Takes `limits` out of the tree, because a spec does not have that key.
pub(super) fn take(root: &mut Node, report: &mut Report) -> Limits {
    let Some(node) = take_key(root, "limits") else { return Limits::default() };
    let Some(fields) = Fields::new(&node, "limits", &KEYS, report) else { return Limits::default() };
    let mut limit = |key: &'static str| {
        let node = fields.get(key)?;
        let fits = |value: f64| (1.0..=1e15).contains(&value) && value.fract() == 0.0;
        let value = number(node, &format!("the limit of {key}"), "a whole number from 1 to 1e15", fits, report)?;
        // Whole and small enough, as was just seen.
        Some(value.value as u64)
    };
    Limits {
        parameters: limit("parameters"),
        macs: limit("macs"),
        arena_bytes: limit("arena_bytes"),
        weight_bytes: limit("weight_bytes"),
    }
}
