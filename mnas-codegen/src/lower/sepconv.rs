//! `op: sepconv`: depthwise convolution, \[squeeze-excite\], pointwise convolution.

use mnas_dsl::network::{Activation, Layer, Se};

use super::{Builder, ConvSpec, squeeze_excite};
use crate::graph::TensorId;

pub(super) fn lower(
    builder: &mut Builder,
    layer: &Layer,
    activation: Activation,
    se: Option<&Se>,
    pointwise_activation: Activation,
    input: TensorId,
) -> TensorId {
    let depthwise = ConvSpec::depthwise(layer, layer.input.channels, activation);
    let mut x = builder.conv_bn_activation(&depthwise, input);
    if let Some(se) = se {
        x = squeeze_excite::lower(builder, se, x);
    }
    let project = ConvSpec::pointwise("project", layer.output.channels, pointwise_activation);
    builder.conv_bn_activation(&project, x)
}
