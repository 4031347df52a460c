//! `fused_mbconv`: a convolution that expands, pointwise projection. The edge residual of EfficientNet-EdgeTPU.

use super::{LayerInput, ONLY_BOTTLENECK_REDUCES, Row, TimmType, dense, one_window};
use crate::chain::{Chain, ConvUnit, Unit};
use crate::network::{Activation, Layer, LayerOp, Se, Skip};
use crate::rounding::round_channels;
use crate::spec::Block;

pub(super) const ROW: Row = Row {
    op: "fused_mbconv",
    title: "FusedMBConv",
    timm: &[TimmType { name: "er", pointwise_activation: false, skip_on_request: false }],
    required: &["expand", "filters"],
    refusals: &[ONLY_BOTTLENECK_REDUCES, ("pointwise_activation", "the projection of `fused_mbconv` is linear")],
    skip: Skip::Identity,
    inner: "the expansion",
    windows: one_window,
    layer,
};

fn layer(block: &Block, input: &LayerInput) -> LayerOp {
    let ratio = block.expand_ratio.map_or(1.0, |ratio| ratio.value);
    let expanded = round_channels(input.shape.channels as f64 * ratio);
    LayerOp::FusedMbConv { expanded, activation: input.activation, se: input.se(block, expanded) }
}

pub(super) fn chain(layer: &Layer, expanded: usize, activation: Activation, se: Option<Se>) -> Chain {
    let expand = dense("expand", layer, expanded, activation).into();
    let project = ConvUnit::pointwise("project", layer.output.channels, Activation::Linear).into();
    Chain::new([expand].into_iter().chain(se.map(Unit::SqueezeExcite)).chain([project]))
}
