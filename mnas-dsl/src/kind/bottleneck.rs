//! `bottleneck`: pointwise reduction, convolution, pointwise projection, activation after the sum. ResNet's block.

use super::{LayerInput, ONLY_MBCONV_EXPANDS, ONLY_SEPCONV_ENDS_ACTIVE, Row, dense, one_window};
use crate::chain::{Chain, ConvUnit};
use crate::network::{Activation, Layer, LayerOp, Skip};
use crate::spec::Block;

/// In ResNet the convolution between has a quarter of the filters.
const REDUCE: f64 = 0.25;

pub(super) const ROW: Row = Row {
    op: "bottleneck",
    title: "Bottleneck",
    timm: &[],
    required: &["filters"],
    refusals: &[
        ONLY_MBCONV_EXPANDS,
        ("se", "`bottleneck` is ResNet's, which has no squeeze-excite"),
        ONLY_SEPCONV_ENDS_ACTIVE,
    ],
    skip: Skip::Projection,
    inner: "the reduction",
    windows: one_window,
    layer,
};

fn layer(block: &Block, input: &LayerInput) -> LayerOp {
    let ratio = block.reduce_ratio.map_or(REDUCE, |ratio| ratio.value);
    let reduced = ((input.filters as f64 * ratio).round_ties_even() as usize).max(1);
    LayerOp::Bottleneck { reduced, activation: input.activation }
}

pub(super) fn chain(layer: &Layer, reduced: usize, activation: Activation) -> Chain {
    let units = [
        ConvUnit::pointwise("reduce", reduced, activation).into(),
        dense("conv", layer, reduced, activation).into(),
        ConvUnit::pointwise("project", layer.output.channels, Activation::Linear).into(),
    ];
    Chain { after_sum: Some(activation), ..Chain::new(units) }
}
