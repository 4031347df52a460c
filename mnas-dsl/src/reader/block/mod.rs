//! Blocks: one file and one row in [`ROWS`] for each kind.

mod bottleneck;
mod conv;
mod fused_mbconv;
pub(crate) mod long;
mod max_pool;
mod mbconv;
mod sepconv;
mod xception;

use crate::network::{Activation, LayerOp, Pads, Se, Shape, Skip};
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
    /// Expansion by a full convolution, projection (EfficientNet-EdgeTPU).
    FusedMbConv,
    /// Reduction, convolution, projection (ResNet).
    Bottleneck,
    /// Two separable convolutions and a max pool (Xception).
    Xception,
    /// Max pool.
    MaxPool,
}

/// Everything that the language knows about a kind.
pub(crate) struct Row {
    pub(crate) kind: BlockKind,
    /// The word in long form.
    pub(crate) op: &'static str,
    /// The types of timm's block strings that mean it.
    pub(crate) timm: &'static [TimmType],
    /// Of the keys that not all kinds need, the ones that must be written.
    pub(crate) required: &'static [&'static str],
    /// The keys that it does not have, and why.
    pub(crate) refusals: &'static [(&'static str, &'static str)],
    /// The skip where none is written.
    pub(crate) skip: Skip,
    /// What one of its layers computes.
    pub(crate) layer: fn(&Block, &LayerInput) -> LayerOp,
}

impl Row {
    pub(crate) fn has(&self, key: &str) -> bool {
        self.refusals.iter().all(|(refused, _)| *refused != key)
    }
}

/// Why most kinds do not have a key.
const ONLY_MBCONV_EXPANDS: (&str, &str) = ("expand", "only `mbconv` and `fused_mbconv` have an expansion");
const ONLY_BOTTLENECK_REDUCES: (&str, &str) = ("reduce", "only `bottleneck` has a reduction");
const ONLY_SEPCONV_ENDS_ACTIVE: (&str, &str) =
    ("pointwise_activation", "only `sepconv` ends in a pointwise convolution of its own");

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
    /// Channels of its output.
    pub(crate) filters: usize,
    /// Pads of the pool that follows convolutions of the block, where one does.
    pub(crate) pool: Option<Pads>,
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
pub(crate) const ROWS: &[Row] =
    &[conv::ROW, sepconv::ROW, mbconv::ROW, fused_mbconv::ROW, bottleneck::ROW, xception::ROW, max_pool::ROW];

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
            Self::FusedMbConv => &fused_mbconv::ROW,
            Self::Bottleneck => &bottleneck::ROW,
            Self::Xception => &xception::ROW,
            Self::MaxPool => &max_pool::ROW,
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
