//! How weights lie in memory: one packed layout that every instruction set of the file reads.
//!
//! A convolution is cut into panels of output channels. A panel is one sequential stream: the biases of its
//! channels, then for each value of the reduction (kernel row, kernel column, input channel) a row of weights,
//! one for each of its channels. A narrower instruction set takes a panel in halves or quarters.

use crate::graph::Conv;

/// Index into the plan's layers.
pub type LayerId = usize;

/// A run of panels of one width.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Panels {
    /// Output channels of each, a multiple of the plan's alignment.
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
        if self.depthwise { taps } else { taps * self.input_channels }
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

/// Lays out `conv` at `offset`, for outputs of `pixels` pixels; panels are made of vectors of `align` channels.
pub fn layer(conv: &Conv, linear: bool, pixels: usize, align: usize, offset: usize) -> PackedLayer {
    let panels = if conv.depthwise {
        vec![Panels { width: align, count: conv.output_channels.div_ceil(align) }]
    } else {
        panels(conv.output_channels.next_multiple_of(align), pixels, align)
    };
    PackedLayer {
        param: conv.param.clone(),
        batch_norm: conv.batch_norm.as_ref().map(|(_, eps)| *eps),
        bias: conv.bias,
        depthwise: conv.depthwise,
        linear,
        input_channels: conv.input_channels,
        output_channels: conv.output_channels,
        kernel_size: conv.kernel_size,
        panels,
        offset,
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
