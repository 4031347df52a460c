//! `conv`: a full convolution, batch norm, activation.

use super::{BlockKind, LayerInput, Row, TimmType};
use crate::network::LayerOp;
use crate::spec::Block;

pub(super) const ROW: Row = Row {
    kind: BlockKind::Conv,
    op: "conv",
    timm: &[TimmType { name: "cn", pointwise_activation: false, skip_on_request: true }],
    keys: &[],
    required: &[],
    refusals: &[
        ("expand", "only `mbconv` has an expansion"),
        ("se", "squeeze-excite follows a depthwise convolution, and `conv` has none"),
        ("pointwise_activation", "only `sepconv` ends in a pointwise convolution of its own"),
    ],
    layer,
};

fn layer(_: &Block, input: &LayerInput) -> LayerOp {
    LayerOp::Conv { activation: input.activation }
}
