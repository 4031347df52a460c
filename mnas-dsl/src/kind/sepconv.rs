//! `sepconv`: depthwise convolution, batch norm, activation, then pointwise convolution and batch norm.

use super::{LayerInput, ONLY_BOTTLENECK_REDUCES, ONLY_MBCONV_EXPANDS, Row, TimmType, depthwise, one_window};
use crate::chain::{Chain, ConvUnit, Unit};
use crate::network::{Activation, Layer, LayerOp, Se, Skip};
use crate::spec::{Block, PointwiseActivation};

pub(super) const ROW: Row = Row {
    op: "sepconv",
    title: "SepConv",
    timm: &[
        TimmType { name: "ds", pointwise_activation: false, skip_on_request: false },
        TimmType { name: "dsa", pointwise_activation: true, skip_on_request: false },
    ],
    required: &["filters"],
    refusals: &[ONLY_MBCONV_EXPANDS, ONLY_BOTTLENECK_REDUCES],
    skip: Skip::Identity,
    inner: "the depthwise convolution",
    windows: one_window,
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

pub(super) fn chain(layer: &Layer, activation: Activation, se: Option<Se>, pointwise_activation: Activation) -> Chain {
    let depthwise = depthwise(layer, layer.input.channels, activation).into();
    let project = ConvUnit::pointwise("project", layer.output.channels, pointwise_activation).into();
    Chain::new([depthwise].into_iter().chain(se.map(Unit::SqueezeExcite)).chain([project]))
}
