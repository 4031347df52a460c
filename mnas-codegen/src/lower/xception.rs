//! `op: xception`: two separable convolutions, \[squeeze-excite,\] \[max pool\].

use mnas_dsl::network::{Activation, Layer, Pads, Se, XCEPTION_POOL};

use super::{Builder, ConvSpec, max_pool, squeeze_excite};
use crate::graph::TensorId;

pub(super) fn lower(
    builder: &mut Builder,
    layer: &Layer,
    activation: Activation,
    se: Option<&Se>,
    pool: Option<Pads>,
    input: TensorId,
) -> TensorId {
    let x = separable(builder, ["depthwise1", "pointwise1"], layer, activation, input);
    let mut x = separable(builder, ["depthwise2", "pointwise2"], layer, Activation::Linear, x);
    if let Some(se) = se {
        x = squeeze_excite::lower(builder, se, x);
    }
    match pool {
        Some(pads) => max_pool::lower(builder, XCEPTION_POOL, layer.stride, pads, x),
        None => x,
    }
}

/// A depthwise convolution that nothing follows, and a pointwise one.
fn separable(
    builder: &mut Builder,
    [depthwise, pointwise]: [&'static str; 2],
    layer: &Layer,
    activation: Activation,
    input: TensorId,
) -> TensorId {
    let channels = builder.graph.shape(input).channels;
    // The stride is the pool's.
    let spec = ConvSpec { name: depthwise, stride: 1, ..ConvSpec::depthwise(layer, channels, Activation::Linear) };
    let x = builder.conv_alone(&spec, input);
    builder.conv_bn_activation(&ConvSpec::pointwise(pointwise, layer.output.channels, activation), x)
}
