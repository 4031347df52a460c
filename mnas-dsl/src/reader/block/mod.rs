//! Blocks: one file and one row in [`ROWS`] for each kind.

mod conv;
pub(crate) mod long;
mod mbconv;
mod sepconv;

use crate::network::{Activation, LayerOp, Se, Shape};
use crate::rounding::se_channels;
use crate::spec::{Block, SeBase, SeRounding, SqueezeExciteSpec};

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
pub(crate) struct LayerInput<'a> {
    pub(crate) shape: Shape,
    /// The block's own activation, or the network's.
    pub(crate) activation: Activation,
    /// What the squeeze-excites of the network have in common.
    pub(crate) squeeze_excite: Option<&'a SqueezeExciteSpec>,
}

impl LayerInput<'_> {
    /// The block's squeeze-excite, over `expanded` channels. What the network does not say is as in MnasNet.
    fn se(&self, block: &Block, expanded: usize) -> Option<Se> {
        let said = self.squeeze_excite;
        let base = match said.and_then(|it| it.of).map_or(SeBase::Input, |it| it.value) {
            SeBase::Input => self.shape.channels,
            SeBase::Expanded => expanded,
        };
        let rounding = said.and_then(|it| it.rounding).map_or(SeRounding::Nearest, |it| it.value);
        block.se_ratio.map(|ratio| Se {
            channels: se_channels(base, ratio.value, rounding),
            activation: said.and_then(|it| it.activation).map_or(self.activation, |it| it.value),
            gate: said.and_then(|it| it.gate).map_or(Activation::Sigmoid, |it| it.value),
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
