//! Steps: each is one call in the generated code; a whole block is one step.

use super::arena::BufferId;
use super::pack::LayerId;
use crate::graph::{Conv, TensorId};
use mnas_dsl::network::{Activation, Pads, Shape};
use std::sync::Arc;

/// One call of the generated `infer`.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The layer it belongs to, `blocks.2.0`; two joined by `+` where the stem runs into the first block.
    pub name: String,
    /// The layer as the spec writes it.
    pub source: String,
    /// Shape of what it reads.
    pub input_shape: Shape,
    /// Shape of what it writes.
    pub output_shape: Shape,
    /// Where it reads; `None` is the image that the caller passes, whose channels are not padded.
    pub input: Option<BufferId>,
    /// Where it writes.
    pub output: BufferId,
    /// Its second input: a tensor to add, or a gate to multiply by.
    pub residual: Option<BufferId>,
    /// Workspace of its own.
    pub scratch: Option<BufferId>,
    /// What it computes.
    pub kind: StepKind,
    /// Multiply-accumulates.
    pub macs: u64,
    /// The graph's tensor that it makes.
    pub tensor: TensorId,
}

/// A convolution of the graph and where its weights lie.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedConv {
    /// The convolution, shared with the graph.
    pub conv: Arc<Conv>,
    /// Its packed weights.
    pub layer: LayerId,
    /// Shape of what it makes.
    pub output: Shape,
}

/// What a step computes.
#[derive(Clone, Debug, PartialEq)]
pub enum StepKind {
    /// The image with its channels padded, for networks whose first layer cannot read it as it is.
    PadImage,
    /// A convolution; with `pool` only the mean of its output is kept.
    Conv {
        /// The convolution.
        conv: PlannedConv,
        /// Followed by a global average pool.
        pool: bool,
    },
    /// \[Expand,\] depthwise, \[squeeze-excite,\] project.
    Block(Box<Block>),
    /// A depthwise convolution that is in no block.
    Depthwise {
        /// The convolution.
        conv: PlannedConv,
    },
    /// Squeeze-excite that is in no block: the input times the gate made of its means.
    SqueezeExcite {
        /// Means to reduced vector.
        reduce: PlannedConv,
        /// Reduced vector to gate.
        expand: PlannedConv,
    },
    /// The largest or the mean of a window; padding neither wins nor counts.
    Pool {
        /// Which of the two.
        kind: PoolKind,
        /// Rows and columns of the window.
        kernel_size: usize,
        /// Step.
        stride: usize,
        /// Edges.
        pads: Pads,
    },
    /// An activation of the input and the second operand.
    Elementwise {
        /// What the second operand does.
        with: With,
        /// Applied last.
        activation: Activation,
    },
    /// Mean over all pixels.
    GlobalAveragePool,
    /// Fully connected.
    Linear {
        /// As a 1x1 convolution of one pixel.
        conv: PlannedConv,
    },
}

impl StepKind {
    /// Its convolutions, in the order in which their weights lie.
    pub fn convs(&self) -> Vec<&PlannedConv> {
        match self {
            StepKind::PadImage | StepKind::Pool { .. } | StepKind::GlobalAveragePool | StepKind::Elementwise { .. } => {
                Vec::new()
            }
            StepKind::Conv { conv, .. } | StepKind::Depthwise { conv } | StepKind::Linear { conv } => vec![conv],
            StepKind::SqueezeExcite { reduce, expand } => vec![reduce, expand],
            StepKind::Block(block) => {
                let gate = block.squeeze_excite.iter().flat_map(|(reduce, expand)| [reduce, expand]);
                block.expand.iter().chain([&block.depthwise]).chain(gate).chain([&block.project]).collect()
            }
        }
    }
}

/// What a pool takes from a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolKind {
    /// The mean.
    Average,
    /// The largest.
    Max,
}

/// What an elementwise step does with its second operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum With {
    /// There is no second operand.
    Nothing,
    /// It is added.
    Sum,
    /// It multiplies, a value a channel.
    Gate,
}

/// The convolutions of a block.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// The convolution that computes the depthwise convolution's input: the expansion, or the stem.
    pub expand: Option<PlannedConv>,
    /// The depthwise convolution.
    pub depthwise: PlannedConv,
    /// Reduce and expand of squeeze-excite.
    pub squeeze_excite: Option<(PlannedConv, PlannedConv)>,
    /// The projection.
    pub project: PlannedConv,
}

impl Block {
    /// Shape of what the depthwise convolution reads.
    pub fn middle(&self, step: &Step) -> Shape {
        self.expand.as_ref().map_or(step.input_shape, |expand| expand.output)
    }
}

/// Why a graph has no plan.
#[derive(Clone, Debug, PartialEq)]
pub enum PlanError {
    /// The graph is not fused far enough, or in a way that no step covers.
    NotFused {
        /// The node in question.
        node: String,
    },
    /// The arena does not fit into the limit of [`super::Objective::Memory`].
    Memory {
        /// Bytes that it may have.
        limit: usize,
        /// Bytes that it has at least.
        least: usize,
    },
    /// An instruction set whose kernels read no packed layout that the others of the file read.
    Packing {
        /// Its name.
        isa: &'static str,
    },
}

impl core::fmt::Display for PlanError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            PlanError::NotFused { node } => {
                write!(f, "no step covers `{node}`; expected a graph after all passes")
            }
            PlanError::Memory { limit, least } => {
                write!(f, "the arena does not fit into {limit} bytes; this network needs at least {least}")
            }
            PlanError::Packing { isa } => {
                write!(
                    f,
                    "`{isa}` cannot read the weights of the other instruction sets; expected sets that share them"
                )
            }
        }
    }
}

impl core::error::Error for PlanError {}
