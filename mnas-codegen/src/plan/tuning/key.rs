//! The shape of a step: what decides how fast a schedule of it is.

use crate::plan::steps::{Step, StepKind};
use mnas_dsl::network::Shape;

/// Rows, columns, channels.
pub type Size = [usize; 3];

/// The shape of a step in any network. Activations, residuals and pads do not matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ShapeKey {
    /// `block`: every block that has no entry of its own.
    AnyBlock,
    /// `block 112x112x16 expand 96 depthwise k3 s2 se 4 to 56x56x24`
    Block {
        /// What it reads.
        input: Size,
        /// What comes before the depthwise convolution.
        first: BlockEntry,
        /// Rows and columns of the depthwise kernel.
        kernel_size: usize,
        /// Step of the depthwise convolution.
        stride: usize,
        /// Channels between the two layers of squeeze-excite; 0 without.
        reduced: usize,
        /// What it writes.
        output: Size,
    },
    /// `conv 224x224x3 k3 s2 to 112x112x32`, or `conv 7x7x320 k1 s1 to 7x7x1280 pool`
    Conv {
        /// What it reads.
        input: Size,
        /// Rows and columns of the kernel.
        kernel_size: usize,
        /// Step.
        stride: usize,
        /// What it computes, before pooling.
        output: Size,
        /// Whether only the mean over all pixels is kept.
        pool: bool,
    },
    /// `linear 1280 to 1000`
    Linear {
        /// Values read.
        inputs: usize,
        /// Values written.
        outputs: usize,
    },
}

/// What comes before the depthwise convolution of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BlockEntry {
    /// Nothing.
    Nothing,
    /// `expand 96`: a 1x1 convolution to this number of channels.
    Expand(usize),
    /// `stem 32 k3 s2`: another convolution.
    Stem {
        /// Output channels.
        channels: usize,
        /// Rows and columns of the kernel.
        kernel_size: usize,
        /// Step.
        stride: usize,
    },
}

impl ShapeKey {
    /// The shape of a step; `None` for steps without a choice.
    pub fn of(step: &Step) -> Option<ShapeKey> {
        let size = |shape: Shape| [shape.height, shape.width, shape.channels];
        Some(match &step.kind {
            StepKind::Block(block) => ShapeKey::Block {
                input: size(step.input_shape),
                first: match block.expand.as_ref().map(|expand| &expand.conv) {
                    None => BlockEntry::Nothing,
                    Some(conv) if conv.kernel_size == 1 && conv.stride == 1 => BlockEntry::Expand(conv.output_channels),
                    Some(conv) => BlockEntry::Stem {
                        channels: conv.output_channels,
                        kernel_size: conv.kernel_size,
                        stride: conv.stride,
                    },
                },
                kernel_size: block.depthwise.conv.kernel_size,
                stride: block.depthwise.conv.stride,
                reduced: block.squeeze_excite.as_ref().map_or(0, |(reduce, _)| reduce.conv.output_channels),
                output: size(step.output_shape),
            },
            StepKind::Conv { conv, pool } => ShapeKey::Conv {
                input: size(step.input_shape),
                kernel_size: conv.conv.kernel_size,
                stride: conv.conv.stride,
                output: size(conv.output),
                pool: *pool,
            },
            StepKind::Linear { conv } => {
                ShapeKey::Linear { inputs: conv.conv.input_channels, outputs: conv.conv.output_channels }
            }
            _ => return None,
        })
    }
}
