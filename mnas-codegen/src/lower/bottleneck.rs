//! `op: bottleneck`: pointwise reduction, convolution, linear projection. The activation follows the sum.

use mnas_dsl::network::{Activation, Layer};

use super::{Builder, ConvSpec};
use crate::graph::TensorId;

pub(super) fn lower(
    builder: &mut Builder,
    layer: &Layer,
    reduced: usize,
    activation: Activation,
    input: TensorId,
) -> TensorId {
    let x = builder.conv_bn_activation(&ConvSpec::pointwise("reduce", reduced, activation), input);
    let x = builder.conv_bn_activation(&ConvSpec::dense("conv", layer, reduced, activation), x);
    let project = ConvSpec::pointwise("project", layer.output.channels, Activation::Linear);
    builder.conv_bn_activation(&project, x)
}
