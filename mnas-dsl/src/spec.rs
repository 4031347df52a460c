//! What was written: the spec with its own grouping and notation, defaults not filled in.

use crate::network::{Activation, Interpolation, Padding, Shape, Skip};
use crate::source::{At, Source, Span};

/// A spec as it was written. `None` means that the key was not written and its default holds.
///
/// Two specs are equal when they say the same in the same notation; spans do not count.
#[derive(Clone, Debug)]
pub struct Spec {
    /// `name`: a snake_case Rust identifier.
    pub name: At<String>,
    /// `input`: height x width x channels.
    pub input: At<Shape>,
    /// `preprocess`: how a picture becomes the input.
    pub preprocess: Option<PreprocessSpec>,
    /// `labels`: `imagenet` or the path of a text file beside the spec.
    pub labels: Option<At<String>>,
    /// `batch_norm: {eps}`; [`Spec::DEFAULT_BATCH_NORM_EPS`] when not written.
    pub batch_norm_eps: Option<At<f64>>,
    /// `padding`; `same` when not written.
    pub padding: Option<At<Padding>>,
    /// `activation` of everything without its own; `relu` when not written.
    pub activation: Option<At<Activation>>,
    /// `squeeze_excite`: what the squeeze-excites of all blocks have in common.
    pub squeeze_excite: Option<SqueezeExciteSpec>,
    /// `stem`: a `conv`, always without a skip.
    pub stem: Block,
    /// `blocks`, in order.
    pub blocks: Vec<Block>,
    /// `head`; `None` is `head: none`, a backbone.
    pub head: Option<HeadSpec>,
    /// `scale`: width and depth multipliers.
    pub scale: Option<ScaleSpec>,
    pub(crate) source: Source,
}

impl Spec {
    /// TensorFlow's value for MnasNet and EfficientNet.
    pub const DEFAULT_BATCH_NORM_EPS: f64 = 1e-3;

    /// The line of a layer's block, by the [name](crate::network::Layer::name) of the layer.
    pub fn line_of(&self, layer: &str) -> Option<usize> {
        let block = match layer.strip_prefix("blocks.") {
            None if layer == "stem" => &self.stem,
            None => return None,
            Some(rest) => self.blocks.get(rest.split('.').next()?.parse::<usize>().ok()?)?,
        };
        (block.line > 0).then_some(block.line)
    }

    /// What the spans of this spec point into.
    pub fn source(&self) -> &Source {
        &self.source
    }
}

impl PartialEq for Spec {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
            && self.input == other.input
            && self.preprocess == other.preprocess
            && self.labels == other.labels
            && self.batch_norm_eps == other.batch_norm_eps
            && self.padding == other.padding
            && self.activation == other.activation
            && self.squeeze_excite == other.squeeze_excite
            && self.stem == other.stem
            && self.blocks == other.blocks
            && self.head == other.head
            && self.scale == other.scale
    }
}

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

/// How a block was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notation {
    /// With keys: `{op: mbconv, ...}` or `mbconv e6 ...`.
    Long,
    /// As a timm block string, `ir_r3_k5_s2_e3_c40`.
    Timm,
    /// As a TensorFlow block string, `r3_k5_s22_e3_i24_o40`.
    TensorFlow,
}

/// The activation after a separable convolution's pointwise half.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PointwiseActivation {
    /// The block's own activation again (timm's `dsa`).
    Same,
    /// This one.
    Is(Activation),
}

/// One entry of `blocks`, or the stem.
#[derive(Clone, Debug)]
pub struct Block {
    /// Where it is written.
    pub span: Span,
    /// Its line, from 1; 0 where that is not known. It does not count in comparisons.
    pub line: usize,
    /// How it was written.
    pub notation: Notation,
    /// `op`.
    pub kind: BlockKind,
    /// `kernel`: odd.
    pub kernel_size: At<usize>,
    /// `stride` of the first layer, 1 or 2; 1 when not written. Later layers have stride 1.
    pub stride: Option<At<usize>>,
    /// `filters`: output channels before scaling; `None` for a pool, which keeps what comes in.
    pub filters: Option<At<usize>>,
    /// TensorFlow's `i`: the input channels that the string claims.
    pub input_filters: Option<At<usize>>,
    /// `layers` before scaling; 1 when not written.
    pub layers: Option<At<usize>>,
    /// `expand`: width of the expansion over the input channels.
    pub expand_ratio: Option<At<f64>>,
    /// `se`: squeeze-excite channels over the channels that `squeeze_excite` says.
    pub se_ratio: Option<At<f64>>,
    /// `reduce`: channels of a bottleneck's convolution over its filters; 0.25 when not written.
    pub reduce_ratio: Option<At<f64>>,
    /// `skip`; when not written, the [default of the kind](BlockKind::default_skip) wherever shapes allow.
    pub skip: Option<At<Skip>>,
    /// `activation`; the network's when not written.
    pub activation: Option<At<Activation>>,
    /// `padding`; the network's when not written.
    pub padding: Option<At<Padding>>,
    /// `pointwise_activation` of a `sepconv`; `linear` when not written. With any other there is no skip.
    pub pointwise_activation: Option<At<PointwiseActivation>>,
    /// Which values are stand-ins for values with errors that are already reported.
    pub(crate) broken: Broken,
}

/// Values that could not be read. Nothing that follows from them is reported again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Broken {
    /// `filters`.
    pub(crate) filters: bool,
    /// Anything else.
    pub(crate) other: bool,
}

impl PartialEq for Block {
    fn eq(&self, other: &Self) -> bool {
        self.notation == other.notation
            && self.kind == other.kind
            && self.kernel_size == other.kernel_size
            && self.stride == other.stride
            && self.filters == other.filters
            && self.input_filters == other.input_filters
            && self.layers == other.layers
            && self.expand_ratio == other.expand_ratio
            && self.se_ratio == other.se_ratio
            && self.reduce_ratio == other.reduce_ratio
            && self.skip == other.skip
            && self.activation == other.activation
            && self.padding == other.padding
            && self.pointwise_activation == other.pointwise_activation
    }
}

impl Block {
    /// Whether an activation after the pointwise half rules out every skip.
    pub(crate) fn has_pointwise_activation(&self) -> bool {
        self.pointwise_activation.is_some_and(|it| it.value != PointwiseActivation::Is(Activation::Linear))
    }
}

/// `preprocess`.
#[derive(Clone, Debug, PartialEq)]
pub struct PreprocessSpec {
    /// `mean`, subtracted after `range` has divided; 0 when not written.
    pub mean: Option<PerChannel>,
    /// `std`, divided by; 1 when not written.
    pub std: Option<PerChannel>,
    /// `range`: what 8-bit values are divided by first; 255 when not written.
    pub range: Option<At<f64>>,
    /// `resize`: the shorter side before the crop; the input's larger side / 0.875 when not written.
    pub resize: Option<At<usize>>,
    /// `interpolation`; `bilinear` when not written.
    pub interpolation: Option<At<Interpolation>>,
}

/// One number for all channels, or one for each.
#[derive(Clone, Debug, PartialEq)]
pub enum PerChannel {
    /// The same for each channel.
    One(At<f64>),
    /// One for each channel.
    Each(At<Vec<f64>>),
}

/// `squeeze_excite`.
#[derive(Clone, Debug, PartialEq)]
pub struct SqueezeExciteSpec {
    /// `of`: the channels that a block's `se` is a share of; `input` when not written.
    pub of: Option<At<SeBase>>,
    /// `rounding` of that share; `nearest` when not written.
    pub rounding: Option<At<SeRounding>>,
    /// `activation` after the reduction; the block's when not written.
    pub activation: Option<At<Activation>>,
    /// `gate`: `sigmoid` or `hard_sigmoid`; `sigmoid` when not written.
    pub gate: Option<At<Activation>>,
}

/// The channels that a squeeze-excite ratio is a share of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeBase {
    /// The layer's input channels (MnasNet, EfficientNet).
    Input,
    /// The channels that the squeeze-excite gates (MobileNetV3).
    Expanded,
}

/// How squeeze-excite channels become whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeRounding {
    /// Halves to even, at least 1 (timm).
    Nearest,
    /// Down, at least 1 (TensorFlow's MnasNet).
    Floor,
    /// By [`round_channels`](crate::rounding::round_channels) (MobileNetV3).
    Channels,
}

/// `head`.
#[derive(Clone, Debug, PartialEq)]
pub struct HeadSpec {
    /// `filters` of the 1x1 convolution before the pool; no such convolution when not written.
    pub filters: Option<At<usize>>,
    /// `pool: average`, the only one; whether it was written.
    pub pool: bool,
    /// `hidden`: outputs of a layer between pool and classifier; no such layer when not written.
    pub hidden: Option<At<usize>>,
    /// `dropout` before the classifier; training only, kept for the record.
    pub dropout: Option<At<f64>>,
    /// `kernel` of a classifier that is a convolution before the pool; a fully connected layer when not written.
    pub kernel_size: Option<At<usize>>,
    /// `classes`: outputs of the classifier.
    pub classes: At<usize>,
    /// `activation` of the convolution and of the hidden layer; the network's when not written.
    pub activation: Option<At<Activation>>,
}

/// `scale`.
#[derive(Clone, Debug, PartialEq)]
pub struct ScaleSpec {
    /// `width` multiplier; filters stay as written when it is not.
    pub width: Option<At<f64>>,
    /// `depth` multiplier.
    pub depth: Option<At<f64>>,
    /// `stem`: whether its filters are scaled; `scaled` when not written (EfficientNet-Lite: `fixed`).
    pub stem: Option<At<Scaling>>,
    /// `head`: whether its filters are scaled; `fixed` when not written (MobileNetV2: `at_least`).
    pub head: Option<At<Scaling>>,
    /// `ends`: whether the first and the last block's layers are scaled in depth; `scaled` when not written.
    pub ends: Option<At<Scaling>>,
}

/// Whether a multiplier applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scaling {
    /// It does not.
    Fixed,
    /// It does.
    Scaled,
    /// It does, but never below what is written.
    AtLeast,
}
