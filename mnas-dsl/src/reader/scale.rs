//! `scale`: width and depth multipliers, and what they leave alone.

use crate::diagnostics::Report;
use crate::keywords::{HEAD_SCALINGS, STEM_SCALINGS};
use crate::limits;
use crate::reader::fields::{Fields, number, one_of};
use crate::spec::ScaleSpec;
use crate::tree::Node;

pub(crate) const KEYS: [&str; 5] = ["width", "depth", "stem", "head", "ends"];

pub(super) fn read(node: &Node, report: &mut Report) -> Option<ScaleSpec> {
    let fields = Fields::new(node, "scale", &KEYS, report)?;
    let before = report.found.count();
    let multiplier = |key: &str, what: &str, report: &mut Report| {
        fields.get(key).and_then(|node| {
            number(node, what, "above 0 and at most 64", |it| it > 0.0 && it <= limits::MULTIPLIER, report)
        })
    };
    let scale = ScaleSpec {
        width: multiplier("width", "the width multiplier", report),
        depth: multiplier("depth", "the depth multiplier", report),
        stem: fields.get("stem").and_then(|node| one_of(node, "scaling", STEM_SCALINGS, report)),
        head: fields.get("head").and_then(|node| one_of(node, "scaling", HEAD_SCALINGS, report)),
        ends: fields.get("ends").and_then(|node| one_of(node, "scaling", STEM_SCALINGS, report)),
    };
    (report.found.count() == before).then_some(scale)
}
