//! `xception`: two separable convolutions, then a max pool where there is a stride. The module of Xception.

use super::{
    LayerInput, ONLY_BOTTLENECK_REDUCES, ONLY_MBCONV_EXPANDS, ONLY_SEPCONV_ENDS_ACTIVE, Row, Windows, depthwise,
};
use crate::chain::{Chain, ConvUnit, Unit};
use crate::network::{Activation, Layer, LayerOp, Padding, Pads, Se, Shape, Skip, XCEPTION_POOL, slide};
use crate::spec::Block;

pub(super) const ROW: Row = Row {
    op: "xception",
    title: "Xception",
    timm: &[],
    required: &["filters"],
    refusals: &[ONLY_MBCONV_EXPANDS, ONLY_BOTTLENECK_REDUCES, ONLY_SEPCONV_ENDS_ACTIVE],
    skip: Skip::Projection,
    inner: "the convolution",
    windows,
    layer,
};

fn windows(block: &Block, padding: Padding, input: Shape, stride: usize) -> Option<Windows> {
    let kernel_size = block.kernel_size.value;
    // With stride 1 padding does not depend on sizes, so both convolutions have the same.
    let pads = Pads::of(padding, input, kernel_size, 1);
    let once = slide(input, kernel_size, 1, pads)?;
    let twice = slide(once, kernel_size, 1, pads)?;
    let pool = (stride > 1).then(|| Pads::of(padding, twice, XCEPTION_POOL, stride));
    let output = match pool {
        Some(pads) => slide(twice, XCEPTION_POOL, stride, pads)?,
        None => twice,
    };
    Some(Windows { output, pads, pool })
}

fn layer(block: &Block, input: &LayerInput) -> LayerOp {
    LayerOp::Xception { activation: input.activation, se: input.se(block, input.filters), pool: input.pool }
}

pub(super) fn chain(layer: &Layer, activation: Activation, se: Option<Se>, pool: Option<Pads>) -> Chain {
    let filters = layer.output.channels;
    // The stride is the pool's, and nothing is between a depthwise convolution and its pointwise one.
    let bare = |name, channels| {
        let conv = depthwise(layer, channels, Activation::Linear);
        Unit::Conv(ConvUnit { name, stride: 1, batch_norm: false, ..conv })
    };
    let units = [
        bare("depthwise1", layer.input.channels),
        ConvUnit::pointwise("pointwise1", filters, activation).into(),
        bare("depthwise2", filters),
        ConvUnit::pointwise("pointwise2", filters, Activation::Linear).into(),
    ];
    let pool = pool.map(|pads| Unit::MaxPool { kernel_size: XCEPTION_POOL, stride: layer.stride, pads });
    Chain::new(units.into_iter().chain(se.map(Unit::SqueezeExcite)).chain(pool))
}
