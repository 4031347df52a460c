//! How weights lie in memory: one packed layout that every instruction set of the file reads.
//!
//! A convolution is cut into panels of output channels. A panel is one sequential stream: the biases of its
//! channels, then for each value of the reduction (kernel row, kernel column, input channel) a row of weights,
//! one for each of its channels. A narrower instruction set takes a panel in halves or quarters.

use crate::graph::Conv;
use mnas_runtime::{BatchNorm, Layer};

use crate::units::Elements;
pub use mnas_runtime::Panels;

/// Index into the plan's layers.
pub type LayerId = usize;

/// One convolution or fully connected layer in the packed weights.
pub type PackedLayer = Layer<String, Vec<Panels>>;

/// Lays out `conv` at `offset`, for outputs of `pixels` pixels; panels are made of vectors of `align` channels.
pub fn layer(conv: &Conv, linear: bool, pixels: usize, align: usize, offset: Elements) -> PackedLayer {
    let panels = if conv.depthwise {
        vec![Panels { width: align, count: conv.output_channels.div_ceil(align) }]
    } else {
        panels(conv.output_channels.next_multiple_of(align), pixels, align)
    };
    Layer {
        param: conv.param.clone(),
        batch_norm: conv.batch_norm.as_ref().map(|(param, eps)| BatchNorm { param: param.clone(), epsilon: *eps }),
        bias: conv.bias,
        depthwise: conv.depthwise,
        linear,
        input_channels: conv.input_channels,
        output_channels: conv.output_channels,
        kernel_size: conv.kernel_size,
        panels,
        offset: offset.0,
    }
}

/// Cuts `channels` (a multiple of `align`) into panels.
fn panels(channels: usize, pixels: usize, align: usize) -> Vec<Panels> {
    let wide = if pixels == 1 {
        // Matrix times vector: accumulators side by side in one long stream.
        8 * align
    } else {
        2 * align
    };
    let mut cut = Vec::new();
    let mut push = |width: usize, count: usize| {
        if width > 0 && count > 0 {
            cut.push(Panels { width, count });
        }
    };
    if pixels > 1 && channels % wide == align && channels > wide {
        // An odd vector makes three with its neighbours: alone it would leave most of the registers idle.
        push(wide, channels / wide - 1);
        push(3 * align, 1);
    } else {
        push(wide, channels / wide);
        push(channels % wide, 1);
    }
    cut
}
