//! What a step of an int8 network computes. Equal kernels share one function.

use super::map::{LANES, Layout, QUAD};
use mnas_dsl::network::Activation;

/// What a step computes, with everything that its code depends on: equal kernels share one function.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kernel {
    /// A convolution of all channels.
    Conv(ConvKernel),
    /// A convolution of each channel by itself.
    Depthwise(DepthwiseKernel),
    /// The mean over all pixels.
    GlobalAverage {
        /// What it reads.
        input: Layout,
        /// The byte of 0 there.
        zero: u8,
        /// A vector.
        output: Output,
    },
    /// A map times its gate, a vector.
    Gate {
        /// What it reads.
        input: Layout,
        /// The byte of 0 there.
        zero: u8,
        /// What it writes.
        output: Output,
    },
    /// The sum of two maps, with what is applied to it.
    Add {
        /// What it reads.
        inputs: [Layout; 2],
        /// The sum of both zero points.
        zeros: i32,
        /// What it writes.
        output: Output,
        /// Applied to the sum; `None` where the result is the sum of the bytes.
        finish: Option<Finish>,
    },
    /// The largest value, or the mean, of each window.
    Pool(PoolKernel),
}

/// A map of bytes, or the network's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Output {
    /// Bytes, and the byte of 0.
    Bytes(Layout, u8),
    /// `f32` in the same order as bytes would be.
    Floats(Layout),
}

impl Output {
    /// Where values lie, in units of one value.
    pub fn layout(&self) -> Layout {
        let (Output::Bytes(layout, _) | Output::Floats(layout)) = *self;
        layout
    }
}

/// What becomes of a sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Finish {
    /// A byte: one multiplication, limited.
    Multiply {
        /// The least byte.
        lower: u8,
    },
    /// A byte: two multiplications, and an activation between them.
    Activate(Activation),
    /// An `f32`: one multiplication, and an activation.
    Floats(Activation),
}

impl Finish {
    /// Bytes of constants for each vector.
    pub fn constants(self) -> usize {
        match self {
            Finish::Multiply { .. } | Finish::Floats(_) => 4 * LANES,
            Finish::Activate(_) => 8 * LANES,
        }
    }
}

/// A convolution.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConvKernel {
    /// What it reads.
    pub input: Layout,
    /// Rows and columns of the kernel.
    pub window: [usize; 2],
    /// Step.
    pub stride: usize,
    /// From the start of the map to the first value of the first window.
    pub first: usize,
    /// What it writes.
    pub output: Output,
    /// What becomes of the sums.
    pub finish: Finish,
    /// Whether the factors of an output channel together are below 1, so that results fit into an `i32`.
    pub is_bounded: bool,
    /// A map whose bytes are added to the result.
    pub residual: Option<Added>,
}

/// A map that is added to a convolution's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Added {
    /// Its layout.
    pub layout: Layout,
    /// The byte of 0 of the convolution's own result.
    pub zero: u8,
    /// What is added besides: the sum's zero point less those of both operands.
    pub offset: i32,
}

impl ConvKernel {
    /// Dot products of an output value.
    pub fn quads(&self) -> usize {
        self.window[0] * self.window[1] * self.quads_of_pixel()
    }

    /// Dot products of a pixel of the window.
    pub fn quads_of_pixel(&self) -> usize {
        self.input.channels.div_ceil(QUAD)
    }

    /// Vectors of output channels.
    pub fn panels(&self) -> usize {
        self.output.layout().blocks()
    }

    /// Bytes of a panel of weights: bias, constants, quads.
    pub fn panel_len(&self) -> usize {
        4 * LANES + self.finish.constants() + self.quads() * 4 * LANES
    }

    /// The kernel as loops over rows and columns see it: a map without margins and windows is one row.
    pub fn runs(&self) -> [usize; 2] {
        let output = self.output.layout();
        let is_one = self.window == [1, 1]
            && self.stride == 1
            && self.input.is_one_run()
            && output.is_one_run()
            && self.residual.is_none_or(|added| added.layout.is_one_run());
        if is_one { [1, output.height * output.width] } else { [output.height, output.width] }
    }
}

/// A depthwise convolution.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DepthwiseKernel {
    /// What it reads.
    pub input: Layout,
    /// Rows and columns of the kernel.
    pub kernel_size: usize,
    /// Step.
    pub stride: usize,
    /// From the start of the map to the first value of the first window.
    pub first: usize,
    /// What it writes.
    pub output: Output,
    /// What becomes of the sums.
    pub finish: Finish,
    /// As [`ConvKernel::is_bounded`].
    pub is_bounded: bool,
}

impl DepthwiseKernel {
    /// Windows of four pixels start at every pixel of a step, or at every second one: then an output at an odd pixel
    /// takes the window before it with its weights one place later.
    pub fn shifts(&self) -> usize {
        if self.stride == 1 { 2 } else { 1 }
    }

    /// Windows of four pixels that an output takes of a row.
    pub fn quads(&self) -> usize {
        (self.kernel_size + self.shifts() - 1).div_ceil(QUAD)
    }

    /// Bytes of a panel of weights: bias, constants, quads of each kernel row and shift.
    pub fn panel_len(&self) -> usize {
        4 * LANES + self.finish.constants() + self.kernel_size * self.shifts() * self.quads() * 4 * LANES
    }
}

/// A pool by windows. Values outside of the map do not count.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PoolKernel {
    /// What it reads.
    pub input: Layout,
    /// The byte of 0 there and in the output.
    pub zero: u8,
    /// Rows and columns of the window.
    pub kernel_size: usize,
    /// Step.
    pub stride: usize,
    /// Rows above and columns to the left.
    pub pads: [usize; 2],
    /// Whether it is the mean, and not the largest value.
    pub is_average: bool,
    /// What it writes.
    pub output: Layout,
}

impl Kernel {
    /// Bytes of its weights and constants.
    pub fn weights_len(&self) -> usize {
        match self {
            Kernel::Conv(kernel) => kernel.panels() * kernel.panel_len(),
            Kernel::Depthwise(kernel) => kernel.output.layout().blocks() * kernel.panel_len(),
            Kernel::GlobalAverage { input, .. } | Kernel::Gate { input, .. } => input.blocks() * 4 * LANES,
            Kernel::Add { finish, .. } => finish.map_or(0, Finish::constants),
            Kernel::Pool(_) => 0,
        }
    }

    /// What it writes.
    pub fn output(&self) -> Output {
        match self {
            Kernel::Conv(kernel) => kernel.output,
            Kernel::Depthwise(kernel) => kernel.output,
            Kernel::GlobalAverage { output, .. } | Kernel::Gate { output, .. } | Kernel::Add { output, .. } => *output,
            Kernel::Pool(kernel) => Output::Bytes(kernel.output, kernel.zero),
        }
    }
}
