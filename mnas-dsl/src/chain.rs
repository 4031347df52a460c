//! What one layer computes, operator by operator.
//!
//! A [`Chain`] is the one description of a kind's layers: parameters and multiply-accumulates are counted from it, the
//! code generator lowers it, lists its parameters and draws random weights for it.
//!
//! ```
//! use mnas_dsl::chain::Unit;
//!
//! let (_, network) = mnas_dsl::load_yaml(
//!     "
//! name: tiny
//! input: 32x32x3
//! stem: {op: conv, kernel: 3, stride: 2, filters: 8}
//! blocks: [{op: mbconv, expand: 6, kernel: 3, filters: 8, se: 0.25}]
//! head: none
//! ",
//!     "tiny.yaml",
//! )?;
//! let chain = network.layers[1].chain();
//! let convs: Vec<_> = chain.convs().map(|conv| (conv.name, conv.filters)).collect();
//! assert_eq!(convs, [("expand", 48), ("depthwise", 48), ("project", 8)]);
//! assert!(matches!(chain.units[2], Unit::SqueezeExcite(_)));
//! # Ok::<(), mnas_dsl::Diagnostics>(())
//! ```

use crate::network::{Activation, Pads, Se, Shape, slide};

/// The operators of one layer, each applied to the result of the one before. The layer's skip is not among them.
#[derive(Clone, Debug, PartialEq)]
pub struct Chain {
    /// In the order in which data passes them; the first reads the layer's input.
    pub units: Vec<Unit>,
    /// The activation after the skip's sum, in kinds that have one there (ResNet); it is applied without a skip too.
    pub after_sum: Option<Activation>,
}

/// One operator with what belongs to it.
#[derive(Clone, Debug, PartialEq)]
pub enum Unit {
    /// Convolution, \[batch norm,\] \[activation\].
    Conv(ConvUnit),
    /// Squeeze-excite of everything that comes in. Its convolutions are called `se.reduce` and `se.expand`.
    SqueezeExcite(Se),
    /// Max pool; padding never wins.
    MaxPool {
        /// Rows and columns of the window.
        kernel_size: usize,
        /// Of the window.
        stride: usize,
        /// Around the input.
        pads: Pads,
    },
}

/// A convolution without a bias, \[batch norm,\] \[activation\]. The number of its input channels follows from its input.
#[derive(Clone, Debug, PartialEq)]
pub struct ConvUnit {
    /// Its name within the layer. The weight is `LAYER.NAME.weight`, the batch norm `LAYER.NAME.bn`.
    pub name: &'static str,
    /// Whether each output channel has one input channel, its own.
    pub depthwise: bool,
    /// Output channels.
    pub filters: usize,
    /// Rows and columns of the kernel (odd).
    pub kernel_size: usize,
    /// 1 or 2.
    pub stride: usize,
    /// Padding.
    pub pads: Pads,
    /// Whether a batch norm follows.
    pub batch_norm: bool,
    /// The activation after it; `Linear` means no activation.
    pub activation: Activation,
}

impl Chain {
    /// Units, and no activation after the sum.
    pub fn new(units: impl IntoIterator<Item = Unit>) -> Self {
        Chain { units: units.into_iter().collect(), after_sum: None }
    }

    /// The convolutions in order, without those of squeeze-excites.
    pub fn convs(&self) -> impl DoubleEndedIterator<Item = &ConvUnit> {
        self.units.iter().filter_map(|unit| match unit {
            Unit::Conv(conv) => Some(conv),
            _ => None,
        })
    }

    /// The first squeeze-excite.
    pub fn squeeze_excite(&self) -> Option<Se> {
        self.units.iter().find_map(|unit| match unit {
            Unit::SqueezeExcite(se) => Some(*se),
            _ => None,
        })
    }

    /// The units, each with the shapes of its input and output, for a layer with this input. A window that does not fit
    /// leaves the shape as it is, which no resolved network has.
    pub fn with_shapes(&self, input: Shape) -> impl Iterator<Item = (&Unit, Shape, Shape)> {
        self.units.iter().scan(input, |shape, unit| {
            let before = *shape;
            *shape = unit.output_shape(before);
            Some((unit, before, *shape))
        })
    }
}

impl Unit {
    fn output_shape(&self, input: Shape) -> Shape {
        match *self {
            Unit::Conv(ref conv) => {
                let windows = slide(input, conv.kernel_size, conv.stride, conv.pads).unwrap_or(input);
                Shape { channels: conv.filters, ..windows }
            }
            Unit::SqueezeExcite(_) => input,
            Unit::MaxPool { kernel_size, stride, pads } => slide(input, kernel_size, stride, pads).unwrap_or(input),
        }
    }
}

impl ConvUnit {
    /// A 1x1 convolution with batch norm.
    pub fn pointwise(name: &'static str, filters: usize, activation: Activation) -> Self {
        ConvUnit {
            name,
            depthwise: false,
            filters,
            kernel_size: 1,
            stride: 1,
            pads: Pads::NONE,
            batch_norm: true,
            activation,
        }
    }

    /// The weight's dimensions, output channels first, where `input_channels` come in.
    pub fn weight_shape(&self, input_channels: usize) -> [usize; 4] {
        let inputs = if self.depthwise { 1 } else { input_channels };
        [self.filters, inputs, self.kernel_size, self.kernel_size]
    }
}

impl From<ConvUnit> for Unit {
    fn from(conv: ConvUnit) -> Self {
        Unit::Conv(conv)
    }
}
