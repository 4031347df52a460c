//! `sepconv`: depthwise convolution, batch norm, activation, then pointwise convolution and batch norm.

use super::{BlockKind, LayerInput, ONLY_BOTTLENECK_REDUCES, ONLY_MBCONV_EXPANDS, Row, TimmType};
use crate::network::{Activation, LayerOp, Skip};
use crate::spec::{Block, PointwiseActivation};

pub(super) const ROW: Row = Row {
    kind: BlockKind::SepConv,
    op: "sepconv",
    timm: &[
        TimmType { name: "ds", pointwise_activation: false, skip_on_request: false },
        TimmType { name: "dsa", pointwise_activation: true, skip_on_request: false },
    ],
    required: &["filters"],
    refusals: &[ONLY_MBCONV_EXPANDS, ONLY_BOTTLENECK_REDUCES],
    skip: Skip::Identity,
    layer,
};

fn layer(block: &Block, input: &LayerInput) -> LayerOp {
    LayerOp::SepConv {
        activation: input.activation,
        se: input.se(block, input.shape.channels),
        pointwise_activation: match block.pointwise_activation.map(|it| it.value) {
            None => Activation::Linear,
            Some(PointwiseActivation::Same) => input.activation,
            Some(PointwiseActivation::Is(activation)) => activation,
        },
    }
}
