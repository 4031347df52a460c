//! Reads a block: long form here, block strings in [`block_string`].

use super::block_string;
use super::fields::{Fields, expand_ratio, kernel_size, number, one_of, se_ratio, whole, wrong_type};
use crate::diagnostics::Report;
use crate::keywords::{ACTIVATIONS, PADDINGS, SKIPS};
use crate::kind::Row;
use crate::limits;
use crate::nearest::nearest;
use crate::network::{Activation, Skip};
use crate::source::At;
use crate::spec::{Block, BlockKind, Broken, Notation, PointwiseActivation};
use crate::tree::{Kind, Node, shorten};

const KEYS: [&str; 12] = [
    "op",
    "kernel",
    "stride",
    "filters",
    "layers",
    "expand",
    "reduce",
    "se",
    "skip",
    "activation",
    "pointwise_activation",
    "padding",
];
const STEM: [&str; 6] = ["op", "kernel", "stride", "filters", "activation", "padding"];

/// A block, or the stem. `None` when not even its kind is known; other mistakes leave a stand-in.
pub(crate) fn read(node: &Node, is_stem: bool, report: &mut Report) -> Option<Block> {
    match &node.kind {
        Kind::Text(text) if !is_stem => block_string::read(text, node.span, report),
        Kind::Map(_) => long(node, is_stem, report),
        _ => {
            let expected = if is_stem { "a map like {op: conv, ...}" } else { "a block: a map or a block string" };
            let hint = match is_stem {
                true => "write {op: conv, kernel: 3, stride: 2, filters: 32}",
                false => "write {op: sepconv, kernel: 3, filters: 16}, or ds_r1_k3_s1_c16",
            };
            wrong_type(node, expected, hint, report);
            None
        }
    }
}

fn long(node: &Node, is_stem: bool, report: &mut Report) -> Option<Block> {
    let known: &[&'static str] = if is_stem { &STEM } else { &KEYS };
    let fields = Fields::new(node, if is_stem { "the stem" } else { "a block" }, known, report)?;
    let before = report.found.count();
    // Without a kind, what is written is still read, to report what is wrong with it.
    let kind = kind(&fields, is_stem, report);
    let row = kind.map(BlockKind::row);
    if let Some(row) = row {
        refuse(&fields, row, report);
    }
    let kernel = fields.require("kernel", "3", report).and_then(|node| kernel_size(node, report));
    let optional = |key: &str, what: &str, range, report: &mut Report| {
        fields.get(key).and_then(|node| whole(node, what, range, report))
    };
    let stride = optional("stride", "the stride", limits::STRIDE, report);
    let layers = optional("layers", "the number of layers", limits::LAYERS, report);
    let has = |key: &str| fields.get(key).filter(|_| row.is_none_or(|row| row.has(key)));
    let required = row.map_or(&["filters"][..], |row| row.required);
    let missing = required.contains(&"expand") && fields.require("expand", "6", report).is_none();
    let expand_ratio = has("expand").and_then(|node| expand_ratio(node, report));
    let reduce_ratio = has("reduce")
        .and_then(|node| number(node, "the reduction", "above 0 and at most 1", |it| it > 0.0 && it <= 1.0, report));
    let se_ratio = has("se").and_then(|node| se_ratio(node, report));
    let skip = fields.get("skip").and_then(|node| one_of(node, "skip", SKIPS, report));
    let activation = fields.get("activation").and_then(|node| one_of(node, "activation", ACTIVATIONS, report));
    let pointwise_activation = has("pointwise_activation").and_then(|node| pointwise(node, report));
    let padding = fields.get("padding").and_then(|node| one_of(node, "padding", PADDINGS, report));
    let other = report.found.count() > before || kernel.is_none() || missing;
    let needs_filters = required.contains(&"filters");
    let filters = needs_filters.then(|| {
        fields
            .require("filters", "32", report)
            .and_then(|node| whole(node, "the number of filters", limits::CHANNELS, report))
    });
    let block = Block {
        span: fields.span(),
        line: report.source.line(fields.span()),
        notation: Notation::Long,
        kind: kind.unwrap_or(BlockKind::MbConv),
        kernel_size: kernel.unwrap_or(At::new(3, node.span)),
        stride,
        filters: filters.map(|filters| filters.unwrap_or(At::new(8, node.span))),
        input_filters: None,
        layers,
        expand_ratio,
        se_ratio,
        reduce_ratio,
        skip: if is_stem { Some(At::new(Skip::None, node.span)) } else { skip },
        activation,
        padding,
        pointwise_activation,
        broken: Broken { filters: filters == Some(None), other },
    };
    block_string::check_skip(&block, report);
    Some(block)
}

fn kind(fields: &Fields<'_>, is_stem: bool, report: &mut Report) -> Option<BlockKind> {
    let node = fields.require("op", if is_stem { "conv" } else { "mbconv" }, report)?;
    let Kind::Text(op) = &node.kind else {
        wrong_type(node, &format!("one of {}", BlockKind::OPS.join(", ")), "write one of these words", report);
        return None;
    };
    let Some(kind) = BlockKind::from_op(op) else {
        let near = nearest(op, BlockKind::OPS.iter().copied());
        report.error(node.span, format!("unknown op `{}`", shorten(op)), |d| {
            d.label("not known");
            let list = BlockKind::OPS.join(", ");
            match near {
                Some(near) => d.hint(format!("did you mean `{near}`? known: {list}")),
                None => d.hint(format!("known: {list}")),
            };
        });
        return None;
    };
    if is_stem && kind != BlockKind::Conv {
        report.error(node.span, format!("the stem is a `{op}`"), |d| {
            d.label("must be `conv`").hint("make it the first of the blocks, behind a `conv` stem");
        });
        return None;
    }
    Some(kind)
}

/// Reports keys that this kind of block does not have.
fn refuse(fields: &Fields<'_>, row: &Row, report: &mut Report) {
    for (key, why) in row.refusals {
        if let Some(span) = fields.key_span(key) {
            let having: Vec<_> = BlockKind::ALL.iter().filter(|kind| kind.has(key)).map(|kind| kind.op()).collect();
            report.error(span, format!("`{}` has no `{key}`", row.op), |d| {
                d.label(*why).hint(format!("remove it, or use an op that has it: {}", having.join(", ")));
            });
        }
    }
}

fn pointwise(node: &Node, report: &mut Report) -> Option<At<PointwiseActivation>> {
    if matches!(&node.kind, Kind::Text(word) if word == "same") {
        return Some(At::new(PointwiseActivation::Same, node.span));
    }
    let activation: At<Activation> = one_of(node, "activation", ACTIVATIONS, report)?;
    Some(At::new(PointwiseActivation::Is(activation.value), node.span))
}
