//! `max_pool`: the largest value under a window, channel by channel.

use super::{LayerInput, ONLY_BOTTLENECK_REDUCES, ONLY_MBCONV_EXPANDS, ONLY_SEPCONV_ENDS_ACTIVE, Row, one_window};
use crate::chain::{Chain, Unit};
use crate::network::{Layer, LayerOp, Skip};
use crate::spec::Block;

pub(super) const ROW: Row = Row {
    op: "max_pool",
    title: "MaxPool",
    timm: &[],
    required: &[],
    refusals: &[
        ("filters", "a pool keeps the channels that come in"),
        ("layers", "a pool stands alone"),
        ONLY_MBCONV_EXPANDS,
        ONLY_BOTTLENECK_REDUCES,
        ("se", "squeeze-excite follows a convolution, and `max_pool` has none"),
        ("skip", "nothing is added to a pool"),
        ("activation", "an activation follows a convolution, and `max_pool` has none"),
        ONLY_SEPCONV_ENDS_ACTIVE,
    ],
    skip: Skip::None,
    inner: "the pool",
    windows: one_window,
    layer,
};

fn layer(_: &Block, _: &LayerInput) -> LayerOp {
    LayerOp::MaxPool
}

pub(super) fn chain(layer: &Layer) -> Chain {
    Chain::new([Unit::MaxPool { kernel_size: layer.kernel_size, stride: layer.stride, pads: layer.pads }])
}
