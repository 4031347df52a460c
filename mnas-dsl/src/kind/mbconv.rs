//! `mbconv`: pointwise expansion (kept even when it is 1), depthwise convolution, pointwise projection.

use super::{LayerInput, ONLY_BOTTLENECK_REDUCES, Row, TimmType, depthwise, one_window};
use crate::chain::{Chain, ConvUnit, Unit};
use crate::network::{Activation, Layer, LayerOp, Se, Skip};
use crate::rounding::round_channels;
use crate::spec::{Block, Notation};

pub(super) const ROW: Row = Row {
    op: "mbconv",
    title: "MBConv",
    timm: &[TimmType { name: "ir", pointwise_activation: false, skip_on_request: false }],
    required: &["expand", "filters"],
    refusals: &[ONLY_BOTTLENECK_REDUCES, ("pointwise_activation", "the projection of `mbconv` is linear")],
    skip: Skip::Identity,
    inner: "the expansion",
    windows: one_window,
    layer,
};

fn layer(block: &Block, input: &LayerInput) -> LayerOp {
    let ratio = block.expand_ratio.map_or(1.0, |ratio| ratio.value);
    let channels = input.shape.channels as f64 * ratio;
    // TensorFlow's code takes the product as it is. Where channels are multiples of 8 so is the product.
    let expanded = match block.notation {
        Notation::TensorFlow => (channels.round() as usize).max(1),
        Notation::Long | Notation::Timm => round_channels(channels),
    };
    LayerOp::MbConv { expanded, activation: input.activation, se: input.se(block, expanded) }
}

pub(super) fn chain(layer: &Layer, expanded: usize, activation: Activation, se: Option<Se>) -> Chain {
    // The expansion stays even where it does not widen: only a sepconv has none.
    let wide =
        [ConvUnit::pointwise("expand", expanded, activation).into(), depthwise(layer, expanded, activation).into()];
    let project = ConvUnit::pointwise("project", layer.output.channels, Activation::Linear).into();
    Chain::new(wide.into_iter().chain(se.map(Unit::SqueezeExcite)).chain([project]))
}
