//! `op: conv` and the stem: convolution, batch norm, activation.

use mnas_dsl::network::{Activation, Layer};

use super::{Builder, ConvSpec};
use crate::graph::TensorId;

pub(super) fn lower(builder: &mut Builder, layer: &Layer, activation: Activation, input: TensorId) -> TensorId {
    let conv = ConvSpec {
        name: "conv",
        output_channels: layer.output.channels,
        kernel_size: layer.kernel_size,
        stride: layer.stride,
        pads: layer.pads,
        depthwise: false,
        activation,
    };
    builder.conv_bn_activation(&conv, input)
}
