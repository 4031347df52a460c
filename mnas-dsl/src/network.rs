//! What a spec means: scaled, with every default filled in, unrolled layer by layer, shapes checked.
//!
//! This is what the code generator starts from. It can only be made by resolving a `Spec`, so a value of
//! this type has consistent shapes and sizes that do not overflow.

/// Height, width and channels of a feature map (without the batch).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Shape {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Channels.
    pub channels: usize,
}

impl Shape {
    /// Number of values.
    pub fn len(&self) -> usize {
        self.height * self.width * self.channels
    }

    /// Whether the shape holds no value at all; never true for a resolved network.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Rows times columns.
    pub fn pixels(&self) -> usize {
        self.height * self.width
    }
}

/// An activation function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Activation {
    /// The identity.
    Linear,
    /// `max(x, 0)`.
    Relu,
    /// `min(max(x, 0), 6)`.
    Relu6,
    /// `x * relu6(x + 3) / 6`.
    HardSwish,
    /// `x * sigmoid(x)`.
    Swish,
    /// `1 / (1 + exp(-x))`.
    Sigmoid,
    /// `relu6(x + 3) / 6`.
    HardSigmoid,
}

/// How a convolution is padded at the edges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Padding {
    /// TensorFlow's SAME: as little as gives `ceil(input / stride)` outputs, the odd one at the bottom and right.
    Same,
    /// PyTorch's `((stride - 1) + (kernel - 1)) / 2` on both sides.
    Symmetric,
}

/// Rows and columns of zeros around a feature map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pads {
    /// Rows above.
    pub top: usize,
    /// Columns to the left.
    pub left: usize,
    /// Rows below.
    pub bottom: usize,
    /// Columns to the right.
    pub right: usize,
}

/// A whole network, layer by layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// The spec's `name`, a snake_case Rust identifier that is no keyword.
    pub name: String,
    /// Shape of the input image.
    pub input: Shape,
    /// How a picture becomes the input.
    pub preprocess: Option<Preprocess>,
    /// Where class names are: a path beside the spec, or `imagenet`.
    pub labels: Option<String>,
    /// Batch-norm epsilon.
    pub batch_norm_eps: f64,
    /// Every layer in order, the stem first; the head is apart.
    pub layers: Vec<Layer>,
    /// The classifier, or `None` for a backbone, whose output is the last layer's.
    pub head: Option<Head>,
}

impl Network {
    /// Shape of the last layer's output: what the head sees, or what a backbone gives.
    pub fn features(&self) -> Shape {
        self.layers.last().map_or(self.input, |layer| layer.output)
    }

    /// Number of values that the network gives for one image.
    pub fn output_len(&self) -> usize {
        self.head.as_ref().map_or(self.features().len(), |head| head.classes)
    }
}

/// How a picture becomes the network's input.
#[derive(Clone, Debug, PartialEq)]
pub struct Preprocess {
    /// The shorter side after resizing, before the centre crop to the input's size.
    pub resize: usize,
    /// How to resize.
    pub interpolation: Interpolation,
    /// What 8-bit values are divided by before `mean` and `std` apply (255 or 1).
    pub divide: f64,
    /// Subtracted, one value a channel.
    pub mean: Vec<f64>,
    /// Divided by, one value a channel.
    pub std: Vec<f64>,
}

/// Interpolation used to resize pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interpolation {
    /// Triangle filter.
    Bilinear,
    /// Catmull-Rom filter (a = -0.5).
    Bicubic,
}

/// One layer: the stem, or one repeat of a block.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// `stem` or `blocks.B.R` (block, repeat; both from 0). Weight names start with it.
    pub name: String,
    /// The block as the spec writes it, on one line, for comments in generated code.
    pub source: String,
    /// Input shape.
    pub input: Shape,
    /// Output shape.
    pub output: Shape,
    /// Kernel size (odd) of the convolution or of the depthwise convolution.
    pub kernel_size: usize,
    /// 1 or 2.
    pub stride: usize,
    /// Padding of that convolution.
    pub pads: Pads,
    /// What the layer computes.
    pub op: LayerOp,
    /// What is added to its output.
    pub skip: Skip,
}

/// What a layer computes.
#[derive(Clone, Debug, PartialEq)]
pub enum LayerOp {
    /// Convolution, batch norm, activation.
    Conv {
        /// After the batch norm.
        activation: Activation,
    },
    /// Depthwise convolution + bn + activation, \[SE\], pointwise convolution + bn \[+ activation\].
    SepConv {
        /// After the depthwise convolution.
        activation: Activation,
        /// Squeeze-excite between depthwise and pointwise.
        se: Option<Se>,
        /// After the pointwise convolution; `Linear` except in MobileNetV1.
        pointwise_activation: Activation,
    },
    /// Pointwise expansion + bn + activation, depthwise + bn + activation, \[SE\], projection + bn.
    MbConv {
        /// Channels after the expansion.
        expanded: usize,
        /// After expansion and depthwise.
        activation: Activation,
        /// Squeeze-excite between depthwise and projection.
        se: Option<Se>,
    },
}

/// Squeeze-excite: pool, reduce (with bias), activation, expand (with bias), gate, multiply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Se {
    /// Channels between reduce and expand.
    pub channels: usize,
    /// After reduce.
    pub activation: Activation,
    /// After expand: `Sigmoid` or `HardSigmoid`.
    pub gate: Activation,
}

/// What is added to a layer's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Skip {
    /// Nothing.
    None,
    /// The layer's input (shapes are equal).
    Identity,
    /// A 3x3 average pool of the input with the layer's stride and SAME padding, padding not counted (channels are equal).
    Pool,
}

/// Pointwise convolution + bn + activation, global average pool, \[fully connected layer with bias + activation,\]
/// fully connected layer with bias.
#[derive(Clone, Debug, PartialEq)]
pub struct Head {
    /// Filters and activation of the 1x1 convolution before the pool, if there is one.
    pub conv: Option<(usize, Activation)>,
    /// Outputs and activation of the fully connected layer between pool and classifier, if there is one (MobileNetV3).
    pub hidden: Option<(usize, Activation)>,
    /// Outputs of the classifier.
    pub classes: usize,
}
