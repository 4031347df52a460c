//! How one thread does a step.

use super::rows::BlockRows;
use crate::plan::kernel::{ConvKernel, DepthwiseKernel, InputLayout};
use crate::plan::layout::aligned;
use crate::units::Elements;

/// How one step is done.
#[derive(Clone, Debug, PartialEq)]
pub enum StepSchedule {
    /// Nothing to choose.
    Plain,
    /// A convolution, all of it or some rows a call.
    Conv {
        /// The kernel of a call.
        kernel: ConvKernel,
    },
    /// A depthwise convolution, an output row a call.
    Depthwise(DepthwiseKernel),
    /// Squeeze-excite of a tensor.
    SqueezeExcite(Box<SqueezeExciteSchedule>),
    /// A block.
    Block(Box<BlockSchedule>),
}

/// How a block is fused.
#[derive(Clone, Debug, PartialEq)]
pub struct BlockSchedule {
    /// Output rows of a row block; all of them means layer by layer.
    pub row_block: usize,
    /// Why.
    pub reason: String,
    /// Rows of the line buffer, which holds rows of the expanded tensor: row `y` is at `y % line_buffer`.
    pub line_buffer: usize,
    /// Computes rows of the expanded tensor.
    pub expand: Option<ConvKernel>,
    /// Rows that a call of `expand` computes: one, or all.
    pub expand_rows: usize,
    /// Computes a row block.
    pub depthwise: DepthwiseKernel,
    /// The gate.
    pub squeeze_excite: Option<SqueezeExciteSchedule>,
    /// Projects a row block; after squeeze-excite the whole tensor.
    pub project: ConvKernel,
    /// Its scratch.
    pub scratch: Scratch,
    /// Where its rows lie.
    pub rows: BlockRows,
}

/// How squeeze-excite is done.
#[derive(Clone, Debug, PartialEq)]
pub struct SqueezeExciteSchedule {
    /// Pooled vector to reduced vector.
    pub reduce: ConvKernel,
    /// Reduced vector to gate.
    pub expand: ConvKernel,
    /// Whether the gate scales the projection's weights rather than the tensor.
    pub gate_weights: bool,
}

impl SqueezeExciteSchedule {
    /// Room for means, reduced vector and gate: what the two kernels read and write.
    pub fn scratch(&self) -> Scratch {
        let reads = |kernel: &ConvKernel| match kernel.source {
            InputLayout::Nhwc { stride } => stride,
            InputLayout::Nchwc { .. } => Elements::ZERO,
        };
        let mean = reads(&self.reduce);
        Scratch { mean, reduced: reads(&self.expand), gate: mean, ..Scratch::default() }
    }
}

/// Lengths of the parts of a scratch buffer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scratch {
    /// The line buffer: rows of the expanded tensor.
    pub line_buffer: Elements,
    /// Output of the depthwise convolution: a row block, or all of it.
    pub depthwise: Elements,
    /// Per-channel sums of each row. They are reduced in row order whichever thread produced them, so results are
    /// deterministic.
    pub pooled: Elements,
    /// The mean of each channel.
    pub mean: Elements,
    /// Between reduce and expand.
    pub reduced: Elements,
    /// The gate.
    pub gate: Elements,
    /// A panel of gated weights.
    pub panel: Elements,
}

impl Scratch {
    /// Names and lengths of the parts in the order in which they follow each other, each in whole cache lines.
    pub fn parts(&self) -> [(&'static str, Elements); 7] {
        [
            ("line_buffer", self.line_buffer),
            ("depthwise", self.depthwise),
            ("pooled", self.pooled),
            ("mean", self.mean),
            ("reduced", self.reduced),
            ("gate", self.gate),
            ("panel", self.panel),
        ]
        .map(|(name, len)| (name, aligned(len)))
    }

    /// Length of all parts.
    pub fn len(&self) -> Elements {
        self.parts().iter().map(|(_, len)| *len).sum()
    }

    /// Whether no scratch is needed.
    pub fn is_empty(&self) -> bool {
        self.len() == Elements::ZERO
    }
}

impl StepSchedule {
    /// Length of its scratch.
    pub fn scratch_len(&self) -> Elements {
        match self {
            StepSchedule::Block(b) => b.scratch.len(),
            StepSchedule::SqueezeExcite(se) => se.scratch().len(),
            StepSchedule::Plain | StepSchedule::Conv { .. } | StepSchedule::Depthwise(_) => Elements::ZERO,
        }
    }
}
