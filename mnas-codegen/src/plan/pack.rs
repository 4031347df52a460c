//! How weights lie in memory: one packed layout that every instruction set of the file reads.
//!
//! A convolution is cut into panels of output channels. A panel is one sequential stream: the biases of its
//! channels, then for each value of the reduction (kernel row, kernel column, input channel) a row of weights,
//! one for each of its channels. A narrower instruction set takes a panel in halves or quarters.

use super::isa::Isa;
use super::padded;
use crate::graph::Conv;

/// Index into the plan's layers.
pub type LayerId = usize;

/// Channels of a depthwise panel.
pub const DEPTHWISE_PANEL: usize = 8;

/// A run of panels of one width.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Panels {
    /// Output channels of each, a multiple of eight.
    pub width: usize,
    /// How many.
    pub count: usize,
}

/// One convolution or fully connected layer in the packed weights.
#[derive(Clone, Debug, PartialEq)]
pub struct PackedLayer {
    /// Prefix of its parameters.
    pub param: String,
    /// Epsilon of the batch norm folded in.
    pub batch_norm: Option<f64>,
    /// Whether it has a bias of its own.
    pub bias: bool,
    /// One filter a channel.
    pub depthwise: bool,
    /// Fully connected: the weight has two dimensions.
    pub linear: bool,
    /// Input channels.
    pub input_channels: usize,
    /// Rows of the reduction for each kernel tap: `input_channels`, or more where padding of the input is multiplied by zero.
    pub input_stride: usize,
    /// Output channels.
    pub output_channels: usize,
    /// Rows and columns of the kernel.
    pub kernel_size: usize,
    /// How the output channels are cut.
    pub panels: Vec<Panels>,
    /// Where it starts, in floats.
    pub offset: usize,
}

impl PackedLayer {
    /// Rows of the reduction.
    pub fn rows(&self) -> usize {
        let taps = self.kernel_size * self.kernel_size;
        if self.depthwise { taps } else { taps * self.input_stride }
    }

    /// Floats of the packed layer.
    pub fn len(&self) -> usize {
        (self.rows() + 1) * self.panels.iter().map(|p| p.width * p.count).sum::<usize>()
    }

    /// Whether there is nothing; never for a real layer.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Lays out `conv` at `offset`, for outputs of `pixels` pixels, its input's pixels `input_stride` floats apart.
pub fn layer(conv: &Conv, linear: bool, pixels: usize, input_stride: usize, isa: Isa, offset: usize) -> PackedLayer {
    let panels = if conv.depthwise {
        vec![Panels { width: DEPTHWISE_PANEL, count: padded(conv.output_channels) / DEPTHWISE_PANEL }]
    } else {
        panels(padded(conv.output_channels), pixels, isa)
    };
    // A larger kernel reads a whole row of taps as one run, so that what lies between the channels is part of it.
    let input_stride = if conv.kernel_size == 1 { conv.input_channels } else { input_stride };
    PackedLayer {
        param: conv.param.clone(),
        batch_norm: conv.batch_norm.as_ref().map(|(_, eps)| *eps),
        bias: conv.bias,
        depthwise: conv.depthwise,
        linear,
        input_channels: conv.input_channels,
        input_stride,
        output_channels: conv.output_channels,
        kernel_size: conv.kernel_size,
        panels,
        offset,
    }
}

/// Cuts `channels` (a multiple of eight) into panels that suit the tiles of `isa`.
fn panels(channels: usize, pixels: usize, isa: Isa) -> Vec<Panels> {
    let lane_group = isa.lanes.max(8);
    let wide = if pixels == 1 {
        // Matrix times vector: accumulators side by side in one long stream.
        8 * lane_group
    } else {
        2 * lane_group
    };
    let mut cut = Vec::new();
    let mut push = |width: usize, count: usize| {
        if width > 0 && count > 0 {
            cut.push(Panels { width, count });
        }
    };
    if pixels > 1 && channels % wide == lane_group && channels > wide {
        // An odd vector makes three with its neighbours: alone it would leave most of the registers idle.
        push(wide, channels / wide - 1);
        push(3 * lane_group, 1);
    } else {
        push(wide, channels / wide);
        push(channels % wide, 1);
    }
    cut
}
