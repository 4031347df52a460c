//! `op: conv` and the stem: convolution, batch norm, activation.

use mnas_dsl::network::{Activation, Layer};

use super::{Builder, ConvSpec};
use crate::graph::TensorId;

pub(super) fn lower(builder: &mut Builder, layer: &Layer, activation: Activation, input: TensorId) -> TensorId {
    builder.conv_bn_activation(&ConvSpec::dense("conv", layer, layer.output.channels, activation), input)
}
