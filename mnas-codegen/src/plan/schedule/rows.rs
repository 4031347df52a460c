//! Which input rows an output row reads, and where they lie.
//!
//! It follows from a step and its kernels; [`crate::plan::Plan::lay_out`] fills it in.

use crate::units::Elements;

/// The input rows under a kernel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WindowRows {
    /// Rows of the kernel.
    pub kernel_size: usize,
    /// Step.
    pub stride: usize,
    /// Rows of zeros above.
    pub pad_top: usize,
    /// Input rows.
    pub height: usize,
    /// From one input row to the next.
    pub row: Elements,
    /// Rows of the line buffer that they lie in, if it does not hold all: row `y` is at `y % line_buffer`.
    pub line_buffer: Option<usize>,
}

/// Where the rows of a block lie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BlockRows {
    /// The input rows of the expansion.
    pub expand: WindowRows,
    /// The rows of the depthwise convolution's input, in the line buffer or the block's input.
    pub depthwise: WindowRows,
    /// Rows of the expanded tensor.
    pub middle_height: usize,
    /// A row of the line buffer, within a block of channels.
    pub middle_row: Elements,
    /// Whether one call of the expansion computes all rows.
    pub expand_whole: bool,
    /// Whether one row block is the whole output.
    pub whole: bool,
    /// Row blocks.
    pub count: usize,
    /// The row behind the last input row that the row block at output row 0 reads.
    pub reach: usize,
    /// Rows that the depthwise convolution moves down for each output row.
    pub stride: usize,
    /// A row of the depthwise output, within a block of channels.
    pub depthwise_row: Elements,
    /// A row of the block's input.
    pub input_row: Elements,
    /// A row of the block's output.
    pub output_row: Elements,
}
