//! Squeeze-excite: a gate for each channel, computed from the means of all channels.

use mnas_dsl::chain::ConvUnit;
use mnas_dsl::network::{Se, Shape};

use super::Builder;
use crate::graph::{Op, TensorId};

pub(super) fn lower(builder: &mut Builder, se: &Se, input: TensorId) -> TensorId {
    let shape = builder.graph.shape(input);
    let means = Shape { height: 1, width: 1, channels: shape.channels };
    let x = builder.node("se/pool", Op::GlobalAveragePool, vec![input], means);
    let reduce = ConvUnit::pointwise("reduce", se.channels, se.activation);
    let x = builder.conv_bias_activation("se/reduce", "se.reduce", &reduce, x);
    let expand = ConvUnit::pointwise("expand", shape.channels, se.gate);
    let gate = builder.conv_bias_activation("se/expand", "se.expand", &expand, x);
    builder.node("se/multiply", Op::Multiply, vec![input, gate], shape)
}
