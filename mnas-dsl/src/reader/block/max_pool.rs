//! `max_pool`: the largest value under a window, channel by channel.

use super::{BlockKind, LayerInput, ONLY_BOTTLENECK_REDUCES, ONLY_MBCONV_EXPANDS, ONLY_SEPCONV_ENDS_ACTIVE, Row};
use crate::network::{LayerOp, Skip};
use crate::spec::Block;

pub(super) const ROW: Row = Row {
    kind: BlockKind::MaxPool,
    op: "max_pool",
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
    layer,
};

fn layer(_: &Block, _: &LayerInput) -> LayerOp {
    LayerOp::MaxPool
}
