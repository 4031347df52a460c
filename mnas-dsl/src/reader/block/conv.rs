//! `conv`: a full convolution, batch norm, activation.

use super::{
    BlockKind, LayerInput, ONLY_BOTTLENECK_REDUCES, ONLY_MBCONV_EXPANDS, ONLY_SEPCONV_ENDS_ACTIVE, Row, TimmType,
};
use crate::network::{LayerOp, Skip};
use crate::spec::Block;

pub(super) const ROW: Row = Row {
    kind: BlockKind::Conv,
    op: "conv",
    timm: &[TimmType { name: "cn", pointwise_activation: false, skip_on_request: true }],
    required: &["filters"],
    refusals: &[
        ONLY_MBCONV_EXPANDS,
        ONLY_BOTTLENECK_REDUCES,
        ("se", "squeeze-excite stands before a projection, and `conv` has none"),
        ONLY_SEPCONV_ENDS_ACTIVE,
    ],
    skip: Skip::Identity,
    layer,
};

fn layer(_: &Block, input: &LayerInput) -> LayerOp {
    LayerOp::Conv { activation: input.activation }
}
