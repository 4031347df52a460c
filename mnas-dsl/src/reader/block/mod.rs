//! Blocks: one file and one row in [`ROWS`] for each kind.

mod conv;
pub(crate) mod long;
mod mbconv;
mod sepconv;

use crate::network::{Activation, LayerOp, Se, Shape};
use crate::rounding::se_channels;
use crate::spec::Block;

pub(crate) use long::read;

/// The kinds of blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum BlockKind {
    /// Convolution, batch norm, activation.
    Conv,
    /// Depthwise convolution, then a pointwise one (MobileNetV1's separable convolution).
    SepConv,
    /// Expansion, depthwise convolution, projection (MobileNetV2's inverted residual).
    MbConv,
}

/// Everything that the language knows about a kind.
pub(crate) struct Row {
    pub(crate) kind: BlockKind,
    /// The word in long form.
    pub(crate) op: &'static str,
    /// The types of timm's block strings that mean it.
    pub(crate) timm: &'static [TimmType],
    /// Keys that only some kinds have, which this one has.
    pub(crate) keys: &'static [&'static str],
    /// Of those keys, the ones that must be written.
    pub(crate) required: &'static [&'static str],
    /// Why it does not have the others.
    pub(crate) refusals: &'static [(&'static str, &'static str)],
    /// What one of its layers computes.
    pub(crate) layer: fn(&Block, &LayerInput) -> LayerOp,
}

/// A type at the start of a timm block string.
pub(crate) struct TimmType {
    pub(crate) name: &'static str,
    /// An activation follows the pointwise half, so there is never a skip (`dsa`).
    pub(crate) pointwise_activation: bool,
    /// There is a skip only where `skip` asks for it (`cn`).
    pub(crate) skip_on_request: bool,
}

/// What a layer is built from.
pub(crate) struct LayerInput {
    pub(crate) shape: Shape,
    /// The block's own activation, or the network's.
    pub(crate) activation: Activation,
}

impl LayerInput {
    /// MnasNet's squeeze-excite: its width from the layer's input channels, the block's activation between.
    fn se(&self, block: &Block) -> Option<Se> {
        block.se_ratio.map(|ratio| Se {
            channels: se_channels(self.shape.channels, ratio.value),
            activation: self.activation,
            gate: Activation::Sigmoid,
        })
    }
}

/// The kinds, one row each.
pub(crate) const ROWS: &[Row] = &[conv::ROW, sepconv::ROW, mbconv::ROW];

impl BlockKind {
    /// The word in long form: `conv`, `sepconv`, `mbconv`.
    pub fn op(self) -> &'static str {
        self.row().op
    }

    pub(crate) fn row(self) -> &'static Row {
        match self {
            Self::Conv => &conv::ROW,
            Self::SepConv => &sepconv::ROW,
            Self::MbConv => &mbconv::ROW,
        }
    }

    pub(crate) fn from_op(op: &str) -> Option<Self> {
        ROWS.iter().find(|row| row.op == op).map(|row| row.kind)
    }
}

/// The words in long form.
pub(crate) fn ops() -> impl Iterator<Item = &'static str> {
    ROWS.iter().map(|row| row.op)
}
