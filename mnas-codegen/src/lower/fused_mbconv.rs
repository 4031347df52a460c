//! `op: fused_mbconv`: convolution that expands, \[squeeze-excite\], linear projection.

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
    let mut x = builder.conv_bn_activation(&ConvSpec::dense("expand", layer, expanded, activation), input);
    if let Some(se) = se {
        x = squeeze_excite::lower(builder, se, x);
    }
    let project = ConvSpec::pointwise("project", layer.output.channels, Activation::Linear);
    builder.conv_bn_activation(&project, x)
}
