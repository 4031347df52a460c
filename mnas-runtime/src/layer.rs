//! The layout of packed weights: the compiler makes it, generated code has it as a table, and loading goes by it.

/// A convolution or fully connected layer in the packed weights.
///
/// It is cut into panels of output channels. A panel is the biases of its channels, then for each value of the reduction
/// (kernel row, kernel column, input channel) a row of weights, one for each of its channels.
///
/// The compiler owns the names and the list of panels (`String`, `Vec`), the table in generated code refers to constants.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Layer<Name = &'static str, List = &'static [Panels]> {
    /// Prefix of the names of its parameters.
    pub param: Name,
    /// The batch norm to fold in.
    pub batch_norm: Option<BatchNorm<Name>>,
    /// Whether it has a bias of its own.
    pub bias: bool,
    /// One filter a channel.
    pub depthwise: bool,
    /// Fully connected: the weight has two dimensions.
    pub linear: bool,
    /// Input channels.
    pub input_channels: usize,
    /// Output channels.
    pub output_channels: usize,
    /// Rows and columns of the kernel.
    pub kernel_size: usize,
    /// How the output channels are cut.
    pub panels: List,
    /// Where it starts, in floats.
    pub offset: usize,
}

/// A batch norm that follows a convolution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BatchNorm<Name = &'static str> {
    /// Prefix of the names of its parameters: `.weight`, `.bias`, `.running_mean` and `.running_var` follow.
    pub param: Name,
    /// What is added to the variance.
    pub epsilon: f64,
}

/// A run of panels of one width.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Panels {
    /// Output channels of each, a multiple of the vector that decides the layout.
    pub width: usize,
    /// How many.
    pub count: usize,
}

impl<Name, List> Layer<Name, List> {
    fn taps(&self) -> usize {
        self.kernel_size * self.kernel_size
    }

    /// Rows of the reduction.
    pub fn rows(&self) -> usize {
        if self.depthwise { self.taps() } else { self.taps() * self.input_channels }
    }

    /// Values of the weight tensor.
    pub fn weight_len(&self) -> usize {
        self.output_channels * self.rows()
    }

    /// Whether a tensor of these dimensions is this layer's weight.
    pub fn weight_shape_is(&self, shape: &[usize]) -> bool {
        let inputs = if self.depthwise { 1 } else { self.input_channels };
        if self.linear {
            shape == [self.output_channels, inputs]
        } else {
            shape == [self.output_channels, inputs, self.kernel_size, self.kernel_size]
        }
    }

    /// Where the weight of row `row` of the reduction and output channel `o` is in the weight tensor.
    pub(super) fn index(&self, o: usize, row: usize) -> usize {
        if self.depthwise {
            return o * self.taps() + row;
        }
        let (tap, c) = (row / self.input_channels, row % self.input_channels);
        (o * self.input_channels + c) * self.taps() + tap
    }
}

impl<Name, List: AsRef<[Panels]>> Layer<Name, List> {
    /// Floats of the packed layer.
    pub fn len(&self) -> usize {
        (self.rows() + 1) * self.panels.as_ref().iter().map(|panels| panels.width * panels.count).sum::<usize>()
    }

    /// Whether the layer has no values, which is false for every real layer.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
