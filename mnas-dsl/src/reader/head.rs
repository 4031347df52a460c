//! `head`: what stands behind the blocks.

use crate::diagnostics::Report;
use crate::keywords::{ACTIVATIONS, Keywords};
use crate::limits;
use crate::reader::fields::{Fields, kernel_size, number, one_of, whole, wrong_type};
use crate::spec::HeadSpec;
use crate::tree::{Kind, Node};

pub(crate) const KEYS: [&str; 7] = ["filters", "pool", "hidden", "dropout", "kernel", "classes", "activation"];

const POOLS: Keywords<()> = &[("average", ())];

/// `Some(None)` is `head: none`.
pub(super) fn read(node: &Node, report: &mut Report) -> Option<Option<HeadSpec>> {
    match &node.kind {
        Kind::Text(word) if word == "none" => return Some(None),
        Kind::Map(_) => {}
        _ => {
            wrong_type(node, "a head", "write {filters: 1280, classes: 1000}, or none for a backbone", report);
            return None;
        }
    }
    let fields = Fields::new(node, "the head", &KEYS, report)?;
    let before = report.found.count();
    let filters = fields.get("filters").and_then(|node| whole(node, "the number of filters", limits::CHANNELS, report));
    let pool = fields.get("pool").and_then(|node| one_of(node, "pool", POOLS, report));
    let hidden =
        fields.get("hidden").and_then(|node| whole(node, "the width of the hidden layer", limits::CHANNELS, report));
    let dropout = fields
        .get("dropout")
        .and_then(|node| number(node, "the dropout rate", "from 0 to below 1", |it| (0.0..1.0).contains(&it), report));
    let kernel_size = fields.get("kernel").and_then(|node| kernel_size(node, report));
    if let (Some(span), Some(_)) = (fields.key_span("hidden"), fields.get("kernel")) {
        report.error(span, "the head has a hidden layer and a classifier that is a convolution", |d| {
            d.label("stands behind the pool, and the convolution before it").hint("remove `hidden` or `kernel`");
        });
    }
    let classes = fields
        .require("classes", "1000", report)
        .and_then(|node| whole(node, "the number of classes", limits::CLASSES, report));
    let activation = fields.get("activation").and_then(|node| one_of(node, "activation", ACTIVATIONS, report));
    let active = ["filters", "hidden"].iter().any(|key| fields.get(key).is_some());
    if let (Some(span), false) = (fields.key_span("activation"), active) {
        report.error(span, "the head has an activation but no convolution and no hidden layer", |d| {
            d.label("of what?").hint("add `filters` or `hidden`, or remove `activation`");
        });
    }
    // The blocks before a wrong head can still be checked.
    let (Some(classes), true) = (classes, report.found.count() == before) else {
        return Some(None);
    };
    Some(Some(HeadSpec { filters, pool: pool.is_some(), hidden, dropout, kernel_size, classes, activation }))
}
