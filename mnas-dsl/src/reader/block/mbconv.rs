//! `mbconv`: pointwise expansion (kept even when it is 1), depthwise convolution, pointwise projection.

use super::{BlockKind, LayerInput, ONLY_BOTTLENECK_REDUCES, Row, TimmType};
use crate::network::{LayerOp, Skip};
use crate::rounding::round_channels;
use crate::spec::{Block, Notation};

pub(super) const ROW: Row = Row {
    kind: BlockKind::MbConv,
    op: "mbconv",
    timm: &[TimmType { name: "ir", pointwise_activation: false, skip_on_request: false }],
    required: &["expand", "filters"],
    refusals: &[ONLY_BOTTLENECK_REDUCES, ("pointwise_activation", "the projection of `mbconv` is linear")],
    skip: Skip::Identity,
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
