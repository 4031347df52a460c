//! The rows of a block.

use crate::plan::kernel::Source;
use crate::plan::schedule::{BlockRows, BlockSchedule, WindowRows};
use crate::plan::steps::{Block, Step};
use crate::units::Elements;

impl BlockRows {
    /// The rows of a block whose input and output have rows of lengths `input_row` and `output_row`.
    pub(super) fn of(
        step: &Step,
        block: &Block,
        s: &BlockSchedule,
        lanes: usize,
        [input_row, output_row]: [Elements; 2],
    ) -> Self {
        let (input, middle, out) = (step.input_shape, block.middle(step), block.depthwise.output);
        let pixel = |source: &Source| match source {
            Source::Nhwc { stride } => *stride,
            Source::Blocked { .. } => Elements(lanes),
        };
        let expand = block.expand.as_ref().zip(s.expand.as_ref()).map(|(planned, kernel)| WindowRows {
            kernel_size: kernel.kernel_size,
            stride: kernel.stride,
            pad_top: planned.conv.pads.top,
            height: input.height,
            row: pixel(&kernel.source) * input.width,
            ring: None,
        });
        let conv = &block.depthwise.conv;
        let depthwise = WindowRows {
            kernel_size: s.depthwise.kernel_size,
            stride: s.depthwise.stride,
            pad_top: conv.pads.top,
            height: middle.height,
            row: pixel(&s.depthwise.source) * middle.width,
            ring: (s.expand.is_some() && s.ring < middle.height).then_some(s.ring),
        };
        let pointwise = s.expand.as_ref().is_some_and(|kernel| kernel.kernel_size == 1);
        BlockRows {
            expand: expand.unwrap_or_default(),
            depthwise,
            middle_height: middle.height,
            middle_row: Elements(middle.width * lanes),
            expand_whole: pointwise && s.expand_rows == middle.height,
            whole: s.strip == out.height,
            count: out.height / s.strip,
            reach: (s.strip - 1) * conv.stride + conv.kernel_size - conv.pads.top,
            stride: conv.stride,
            depthwise_row: Elements(s.depthwise.output_width * lanes),
            input_row,
            output_row,
        }
    }
}
