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

/// As it is written: `224x224x3`.
impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}x{}x{}", self.height, self.width, self.channels)
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
    /// No padding: a kernel that does not fit within the input is an error.
    Valid,
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

impl Pads {
    /// No padding.
    pub const NONE: Self = Pads { top: 0, left: 0, bottom: 0, right: 0 };

    /// TensorFlow's SAME: as little as gives `ceil(input / stride)` outputs, the odd one at the bottom and right.
    pub fn same(input: Shape, kernel_size: usize, stride: usize) -> Self {
        let around = |size: usize| {
            let total = (size.div_ceil(stride).saturating_sub(1) * stride + kernel_size).saturating_sub(size);
            (total / 2, total - total / 2)
        };
        let ((top, bottom), (left, right)) = (around(input.height), around(input.width));
        Pads { top, left, bottom, right }
    }

    /// What a spec's padding is for a kernel over such an input.
    pub fn of(padding: Padding, input: Shape, kernel_size: usize, stride: usize) -> Self {
        match padding {
            Padding::Same => Pads::same(input, kernel_size, stride),
            Padding::Symmetric => {
                let pad = ((stride - 1) + (kernel_size - 1)) / 2;
                Pads { top: pad, left: pad, bottom: pad, right: pad }
            }
            Padding::Valid => Pads::NONE,
        }
    }
}

/// A whole network, layer by layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// The spec's `name`: a snake_case Rust identifier, not a keyword.
    pub name: String,
    /// Shape of the input image.
    pub input: Shape,
    /// How a picture becomes the input.
    pub preprocess: Option<Preprocess>,
    /// Where class names are: a path beside the spec, or `imagenet`.
    pub labels: Option<String>,
    /// Batch-norm epsilon.
    pub batch_norm_eps: f64,
    /// Every layer in order, the stem first, without the head.
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
    /// Kernel size (odd) of the convolution, of the depthwise convolution or of the pool.
    pub kernel_size: usize,
    /// 1 or 2: the stride of that convolution or pool. In a module of Xception it is that of the pool after the convolutions.
    pub stride: usize,
    /// Padding of the convolution or pool that has this kernel size.
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
    /// Convolution to the expansion + bn + activation, \[SE\], projection + bn: MBConv with its first two in one.
    FusedMbConv {
        /// Channels after the convolution.
        expanded: usize,
        /// After the convolution.
        activation: Activation,
        /// Squeeze-excite between convolution and projection.
        se: Option<Se>,
    },
    /// ResNet's: pointwise reduction + bn + activation, convolution + bn + activation, projection + bn; then the skip is
    /// added, then the activation.
    Bottleneck {
        /// Channels of the convolution.
        reduced: usize,
        /// After the reduction, the convolution and the sum.
        activation: Activation,
    },
    /// Xception's: depthwise and pointwise convolution + bn + activation, depthwise and pointwise convolution + bn,
    /// \[SE\], \[max pool\]. There is no batch norm between a depthwise convolution and its pointwise one.
    Xception {
        /// Between the two separable convolutions.
        activation: Activation,
        /// Squeeze-excite after the second.
        se: Option<Se>,
        /// Pads of a [`Xception pool`](XCEPTION_POOL) with the layer's stride; `None` where that is 1.
        pool: Option<Pads>,
    },
    /// Max pool; padding never wins.
    MaxPool,
}

/// Rows and columns of the window of the max pool in a module of Xception.
pub const XCEPTION_POOL: usize = 3;

/// The shape of a convolution's or pool's output for the padded `input`, with the input's channels; `None` where the
/// window does not fit.
pub fn slide(input: Shape, kernel_size: usize, stride: usize, pads: Pads) -> Option<Shape> {
    let steps = |size: usize| Some(size.checked_sub(kernel_size)?.checked_div(stride)? + 1);
    let height = steps(input.height + pads.top + pads.bottom)?;
    let width = steps(input.width + pads.left + pads.right)?;
    Some(Shape { height, width, ..input })
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
    /// A pointwise convolution of the input with the layer's stride, and batch norm (ResNet, where shapes change).
    Projection,
}

/// Pointwise convolution + bn + activation, global average pool, \[fully connected layer with bias + activation,\]
/// classifier, or classifier and pool.
#[derive(Clone, Debug, PartialEq)]
pub struct Head {
    /// Filters and activation of the 1x1 convolution before the pool, if there is one.
    pub conv: Option<(usize, Activation)>,
    /// Outputs and activation of the fully connected layer between pool and classifier, if there is one (MobileNetV3).
    pub hidden: Option<(usize, Activation)>,
    /// Where the classes come from.
    pub classifier: Classifier,
    /// Outputs of the classifier.
    pub classes: usize,
}

/// What gives a score to each class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Classifier {
    /// A fully connected layer with bias, after the pool.
    Linear,
    /// A convolution with bias, before the pool (mini_Xception).
    Conv {
        /// Odd.
        kernel_size: usize,
        /// Its padding.
        pads: Pads,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_pads_are_tensorflows() {
        let square = |size| Shape { height: size, width: size, channels: 1 };
        let pads = |top, bottom| Pads { top, left: top, bottom, right: bottom };
        assert_eq!(Pads::same(square(224), 3, 2), pads(0, 1));
        assert_eq!(Pads::same(square(224), 5, 2), pads(1, 2));
        assert_eq!(Pads::same(square(7), 3, 2), pads(1, 1));
        assert_eq!(Pads::same(square(7), 3, 1), pads(1, 1));
        assert_eq!(Pads::same(square(1), 3, 1), pads(1, 1));
        assert_eq!(Pads::same(square(1), 1, 2), pads(0, 0));
    }
}
