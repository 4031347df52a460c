//! `squeeze_excite`: what the squeeze-excites of all blocks have in common.

use crate::diagnostics::Report;
use crate::keywords::{ACTIVATIONS, SE_BASES, SE_GATES, SE_ROUNDINGS};
use crate::reader::fields::{Fields, one_of};
use crate::spec::SqueezeExciteSpec;
use crate::tree::Node;

const KEYS: [&str; 4] = ["of", "rounding", "activation", "gate"];

pub(super) fn read(node: &Node, report: &mut Report) -> Option<SqueezeExciteSpec> {
    let fields = Fields::new(node, "squeeze_excite", &KEYS, report)?;
    Some(SqueezeExciteSpec {
        of: fields.get("of").and_then(|node| one_of(node, "base", SE_BASES, report)),
        rounding: fields.get("rounding").and_then(|node| one_of(node, "rounding", SE_ROUNDINGS, report)),
        activation: fields.get("activation").and_then(|node| one_of(node, "activation", ACTIVATIONS, report)),
        gate: fields.get("gate").and_then(|node| one_of(node, "gate", SE_GATES, report)),
    })
}
