//! Kinds of blocks: one file with one row for each. The row holds everything that the language knows about its kind.
//!
//! A new kind is a variant of [`BlockKind`] and of [`LayerOp`], a file here, and its entry in the list below.

mod bottleneck;
mod conv;
mod fused_mbconv;
mod max_pool;
mod mbconv;
mod sepconv;
mod xception;

use crate::chain::{Chain, ConvUnit};
use crate::network::{Activation, Layer, LayerOp, Padding, Pads, Se, Shape, Skip, slide};
use crate::rounding::se_channels;
use crate::spec::{Block, BlockKind, SeBase, SeRounding, SqueezeExciteSpec};

/// The list of kinds: a file, its variant of [`BlockKind`], and what the variant of [`LayerOp`] with that name holds.
macro_rules! kinds {
    ($($file:ident $kind:ident { $($field:ident),* })*) => {
        impl BlockKind {
            /// Every kind.
            pub const ALL: &[BlockKind] = &[$(BlockKind::$kind),*];

            /// The words of all kinds in long form, in the order of [`BlockKind::ALL`].
            pub const OPS: &[&str] = &[$($file::ROW.op),*];

            pub(crate) fn row(self) -> &'static Row {
                match self {
                    $(BlockKind::$kind => const { &$file::ROW }),*
                }
            }
        }

        impl LayerOp {
            /// The kind of block that has such layers.
            pub fn kind(&self) -> BlockKind {
                match self {
                    $(LayerOp::$kind { .. } => BlockKind::$kind),*
                }
            }
        }

        impl Layer {
            /// What the layer computes, operator by operator.
            pub fn chain(&self) -> Chain {
                match self.op {
                    $(LayerOp::$kind { $($field),* } => $file::chain(self, $($field),*)),*
                }
            }
        }
    };
}

kinds! {
    conv Conv { activation }
    sepconv SepConv { activation, se, pointwise_activation }
    mbconv MbConv { expanded, activation, se }
    fused_mbconv FusedMbConv { expanded, activation, se }
    bottleneck Bottleneck { reduced, activation }
    xception Xception { activation, se, pool }
    max_pool MaxPool {}
}

/// Everything that the language knows about a kind.
pub(crate) struct Row {
    /// The word in long form.
    pub(crate) op: &'static str,
    /// The name in papers.
    pub(crate) title: &'static str,
    /// The types of timm's block strings that mean it.
    pub(crate) timm: &'static [TimmType],
    /// Of the keys that not all kinds need, the ones that must be written.
    pub(crate) required: &'static [&'static str],
    /// The keys that it does not have, and why.
    pub(crate) refusals: &'static [(&'static str, &'static str)],
    /// The skip where none is written.
    pub(crate) skip: Skip,
    /// What the widest tensor inside of a layer is called in messages.
    pub(crate) inner: &'static str,
    /// Where the windows of one of its layers are; `None` where one does not fit.
    pub(crate) windows: fn(&Block, Padding, Shape, usize) -> Option<Windows>,
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
    /// There is a skip only where the string says `skip` (`cn`).
    pub(crate) skip_on_request: bool,
}

/// Where the windows of a layer are.
pub(crate) struct Windows {
    /// Rows and columns of the layer's output; the channels are the input's.
    pub(crate) output: Shape,
    /// Padding of the layer's convolution, depthwise convolution or pool.
    pub(crate) pads: Pads,
    /// Padding of the pool that follows convolutions of the layer, where one does.
    pub(crate) pool: Option<Pads>,
}

/// One window in the layer, with the block's kernel size and stride.
fn one_window(block: &Block, padding: Padding, input: Shape, stride: usize) -> Option<Windows> {
    let kernel_size = block.kernel_size.value;
    let pads = Pads::of(padding, input, kernel_size, stride);
    Some(Windows { output: slide(input, kernel_size, stride, pads)?, pads, pool: None })
}

/// The convolution over all channels that has the layer's window.
fn dense(name: &'static str, layer: &Layer, filters: usize, activation: Activation) -> ConvUnit {
    let (kernel_size, stride, pads) = (layer.kernel_size, layer.stride, layer.pads);
    ConvUnit { name, depthwise: false, filters, kernel_size, stride, pads, batch_norm: true, activation }
}

/// The depthwise convolution with the layer's window over `channels` channels.
fn depthwise(layer: &Layer, channels: usize, activation: Activation) -> ConvUnit {
    ConvUnit { depthwise: true, ..dense("depthwise", layer, channels, activation) }
}

/// What a layer is built from.
pub(crate) struct LayerInput<'a> {
    pub(crate) shape: Shape,
    /// The block's own activation, or the network's.
    pub(crate) activation: Activation,
    /// Channels of its output.
    pub(crate) filters: usize,
    /// Padding of the pool that follows convolutions of the block, where one does.
    pub(crate) pool: Option<Pads>,
    /// What the squeeze-excites of the network have in common.
    pub(crate) squeeze_excite: Option<&'a SqueezeExciteSpec>,
}

impl LayerInput<'_> {
    /// The block's squeeze-excite, over `expanded` channels. Keys that the network does not have are as in MnasNet.
    fn se(&self, block: &Block, expanded: usize) -> Option<Se> {
        let written = self.squeeze_excite;
        let base = match written.and_then(|it| it.of).map_or(SeBase::Input, |it| it.value) {
            SeBase::Input => self.shape.channels,
            SeBase::Expanded => expanded,
        };
        let rounding = written.and_then(|it| it.rounding).map_or(SeRounding::Nearest, |it| it.value);
        block.se_ratio.map(|ratio| Se {
            channels: se_channels(base, ratio.value, rounding),
            activation: written.and_then(|it| it.activation).map_or(self.activation, |it| it.value),
            gate: written.and_then(|it| it.gate).map_or(Activation::Sigmoid, |it| it.value),
        })
    }
}

impl BlockKind {
    /// The word in long form: `conv`, `sepconv`, `mbconv`.
    pub fn op(self) -> &'static str {
        self.row().op
    }

    /// The name in papers: `Conv`, `SepConv`, `MBConv`.
    pub fn title(self) -> &'static str {
        self.row().title
    }

    /// Whether blocks of this kind can have a key, such as `se`.
    pub fn has(self, key: &str) -> bool {
        self.row().has(key)
    }

    /// The skip of a block that has no `skip`.
    pub fn default_skip(self) -> Skip {
        self.row().skip
    }

    /// The kind with this word in long form.
    pub fn from_op(op: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.op() == op)
    }
}
