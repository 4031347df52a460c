//! `xception`: two separable convolutions, then a max pool where there is a stride. The module of Xception.

use super::{BlockKind, LayerInput, ONLY_BOTTLENECK_REDUCES, ONLY_MBCONV_EXPANDS, ONLY_SEPCONV_ENDS_ACTIVE, Row};
use crate::network::{LayerOp, Skip};
use crate::spec::Block;

pub(super) const ROW: Row = Row {
    kind: BlockKind::Xception,
    op: "xception",
    timm: &[],
    required: &["filters"],
    refusals: &[ONLY_MBCONV_EXPANDS, ONLY_BOTTLENECK_REDUCES, ONLY_SEPCONV_ENDS_ACTIVE],
    skip: Skip::Projection,
    layer,
};

fn layer(block: &Block, input: &LayerInput) -> LayerOp {
    LayerOp::Xception { activation: input.activation, se: input.se(block, input.filters), pool: input.pool }
}
