//! `op: mbconv`: pointwise expansion, depthwise convolution, \[squeeze-excite\], linear projection.

use mnas_dsl::network::{Activation, Layer, Se};

use super::{Builder, ConvSpec, squeeze_excite};
use crate::graph::TensorId;

pub(super) fn lower(
    builder: &mut Builder,
    layer: &Layer,
    expanded: usize,
    activation: Activation,
    se: Option<&Se>,
    input: TensorId,
) -> TensorId {
    // The expansion stays even where it does not widen: only a sepconv has none.
    let x = builder.conv_bn_activation(&ConvSpec::pointwise("expand", expanded, activation), input);
    let mut x = builder.conv_bn_activation(&ConvSpec::depthwise(layer, expanded, activation), x);
    if let Some(se) = se {
        x = squeeze_excite::lower(builder, se, x);
    }
    let project = ConvSpec::pointwise("project", layer.output.channels, Activation::Linear);
    builder.conv_bn_activation(&project, x)
}
