//! `conv`: a full convolution, batch norm, activation.

use super::{
    LayerInput, ONLY_BOTTLENECK_REDUCES, ONLY_MBCONV_EXPANDS, ONLY_SEPCONV_ENDS_ACTIVE, Row, TimmType, dense,
    one_window,
};
use crate::chain::Chain;
use crate::network::{Activation, Layer, LayerOp, Skip};
use crate::spec::Block;

pub(super) const ROW: Row = Row {
    op: "conv",
    title: "Conv",
    timm: &[TimmType { name: "cn", pointwise_activation: false, skip_on_request: true }],
    required: &["filters"],
    refusals: &[
        ONLY_MBCONV_EXPANDS,
        ONLY_BOTTLENECK_REDUCES,
        ("se", "squeeze-excite stands before a projection, and `conv` has none"),
        ONLY_SEPCONV_ENDS_ACTIVE,
    ],
    skip: Skip::Identity,
    inner: "the convolution",
    windows: one_window,
    layer,
};

fn layer(_: &Block, input: &LayerInput) -> LayerOp {
    LayerOp::Conv { activation: input.activation }
}

pub(super) fn chain(layer: &Layer, activation: Activation) -> Chain {
    Chain::new([dense("conv", layer, layer.output.channels, activation).into()])
}
