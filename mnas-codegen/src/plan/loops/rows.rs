//! The rows of a block.

use crate::plan::kernel::InputLayout;
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
        let pixel = |source: &InputLayout| match source {
            InputLayout::Nhwc { stride } => *stride,
            InputLayout::Nchwc { .. } => Elements(lanes),
        };
        let expand = block.expand.as_ref().zip(s.expand.as_ref()).map(|(planned, kernel)| WindowRows {
            kernel_size: kernel.kernel_size,
            stride: kernel.stride,
            pad_top: planned.conv.pads.top,
            height: input.height,
            row: pixel(&kernel.source) * input.width,
            line_buffer: None,
        });
        let conv = &block.depthwise.conv;
        let depthwise = WindowRows {
            kernel_size: s.depthwise.kernel_size,
            stride: s.depthwise.stride,
            pad_top: conv.pads.top,
            height: middle.height,
            row: pixel(&s.depthwise.source) * middle.width,
            line_buffer: (s.expand.is_some() && s.line_buffer < middle.height).then_some(s.line_buffer),
        };
        let pointwise = s.expand.as_ref().is_some_and(|kernel| kernel.kernel_size == 1);
        BlockRows {
            expand: expand.unwrap_or_default(),
            depthwise,
            middle_height: middle.height,
            middle_row: Elements(middle.width * lanes),
            expand_whole: pointwise && s.expand_rows == middle.height,
            whole: s.row_block == out.height,
            count: out.height / s.row_block,
            reach: (s.row_block - 1) * conv.stride + conv.kernel_size - conv.pads.top,
            stride: conv.stride,
            depthwise_row: Elements(s.depthwise.output_width * lanes),
            input_row,
            output_row,
        }
    }
}
