//! `bottleneck`: pointwise reduction, convolution, pointwise projection, activation behind the sum. ResNet's block.

use super::{BlockKind, LayerInput, ONLY_MBCONV_EXPANDS, ONLY_SEPCONV_ENDS_ACTIVE, Row};
use crate::network::{LayerOp, Skip};
use crate::spec::Block;

/// ResNet's convolutions between have a quarter of the filters.
const REDUCE: f64 = 0.25;

pub(super) const ROW: Row = Row {
    kind: BlockKind::Bottleneck,
    op: "bottleneck",
    timm: &[],
    required: &["filters"],
    refusals: &[
        ONLY_MBCONV_EXPANDS,
        ("se", "`bottleneck` is ResNet's, which has no squeeze-excite"),
        ONLY_SEPCONV_ENDS_ACTIVE,
    ],
    skip: Skip::Projection,
    layer,
};

fn layer(block: &Block, input: &LayerInput) -> LayerOp {
    let ratio = block.reduce_ratio.map_or(REDUCE, |ratio| ratio.value);
    let reduced = ((input.filters as f64 * ratio).round_ties_even() as usize).max(1);
    LayerOp::Bottleneck { reduced, activation: input.activation }
}
