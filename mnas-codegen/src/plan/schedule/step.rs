//! How one thread does a step.

use super::rows::BlockRows;
use crate::plan::kernel::{ConvKernel, DepthwiseKernel, Source};

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
    SqueezeExcite(SqueezeExciteSchedule),
    /// A block.
    Block(Box<BlockSchedule>),
}

/// How a block is fused.
#[derive(Clone, Debug, PartialEq)]
pub struct BlockSchedule {
    /// Output rows between two projections; all of them means layer by layer.
    pub strip: usize,
    /// Why.
    pub reason: String,
    /// Rows of the expanded tensor that are kept; row `y` lies at `y % ring`.
    pub ring: usize,
    /// Makes expanded rows.
    pub expand: Option<ConvKernel>,
    /// Rows that a call of `expand` makes: one, or all.
    pub expand_rows: usize,
    /// Makes a strip.
    pub depthwise: DepthwiseKernel,
    /// The gate.
    pub squeeze_excite: Option<SqueezeExciteSchedule>,
    /// Projects a strip; after squeeze-excite the whole tensor.
    pub project: ConvKernel,
    /// Floats of each part of the scratch buffer.
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
            Source::Nhwc { stride } => stride,
            Source::Blocked { .. } => 0,
        };
        let mean = reads(&self.reduce);
        Scratch { mean, reduced: reads(&self.expand), gate: mean, ..Scratch::default() }
    }
}

/// Parts of a scratch buffer, in floats.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scratch {
    /// Rows of the expanded tensor.
    pub ring: usize,
    /// Output of the depthwise convolution: a strip, or all of it.
    pub depthwise: usize,
    /// Sums of each row, a channel each: who adds them up does so in the order of the rows, whoever made them.
    pub pooled: usize,
    /// Means a channel.
    pub mean: usize,
    /// Between reduce and expand.
    pub reduced: usize,
    /// The gate.
    pub gate: usize,
    /// A panel of gated weights.
    pub panel: usize,
}

impl Scratch {
    /// Names and lengths of the parts in the order in which they follow each other, each rounded up to 64 bytes.
    pub fn parts(&self) -> [(&'static str, usize); 7] {
        [
            ("ring", self.ring),
            ("depthwise", self.depthwise),
            ("pooled", self.pooled),
            ("mean", self.mean),
            ("reduced", self.reduced),
            ("gate", self.gate),
            ("panel", self.panel),
        ]
        .map(|(name, len)| (name, len.next_multiple_of(16)))
    }

    /// Floats in all.
    pub fn len(&self) -> usize {
        self.parts().iter().map(|(_, len)| len).sum()
    }

    /// Whether no scratch is needed.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl StepSchedule {
    /// Floats of scratch that it needs.
    pub fn scratch_len(&self) -> usize {
        match self {
            StepSchedule::Block(b) => b.scratch.len(),
            StepSchedule::SqueezeExcite(se) => se.scratch().len(),
            StepSchedule::Plain | StepSchedule::Conv { .. } | StepSchedule::Depthwise(_) => 0,
        }
    }
}
