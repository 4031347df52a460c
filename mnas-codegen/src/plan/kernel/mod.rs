//! Kernels as data: everything the emitter needs to write one as straight-line code with literal bounds.
//!
//! Two steps whose kernels are equal share one function in the generated file.

mod loops;

use crate::graph::Residual;
use crate::units::Elements;
use mnas_dsl::network::Activation;

pub use loops::{
    Column, ConvLoops, DepthwiseLoops, DepthwiseSegment, GroupLoops, Prefetch, Reduction, Segment, Trips, UNROLL,
    Unrolled,
};

/// Most steps of a reduction that is written out in full.
const WRITTEN_OUT: usize = 12;

/// Whether a reduction over this many input channels is a loop. Only loops prefetch,
/// and rows are cut into tiles accordingly.
pub fn is_loop(channels: usize) -> bool {
    channels > WRITTEN_OUT
}

/// How the input of a convolution lies in memory.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum InputLayout {
    /// Pixels `stride` apart, channels beside each other.
    Nhwc {
        /// From one pixel to the next.
        stride: Elements,
    },
    /// Blocks of `lanes` channels, `block_stride` from one block to the next.
    Nchwc {
        /// From one block of channels to the next.
        block_stride: Elements,
    },
}

/// How the output of a convolution lies in memory.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OutputLayout {
    /// Pixels `stride` apart, channels beside each other.
    Nhwc {
        /// From one pixel to the next.
        stride: Elements,
    },
    /// Blocks of `lanes` channels, `block_stride` from one block to the next.
    Nchwc {
        /// From one block of channels to the next.
        block_stride: Elements,
    },
    /// The mean over all pixels, a vector.
    Pool,
}

/// Panels of one width and the register tile that works on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PanelGroup {
    /// Output channels of a panel as packed.
    pub width: usize,
    /// Those that are computed: all, or fewer in the last panel of a narrow instruction set.
    pub channels: usize,
    /// How many panels.
    pub count: usize,
    /// First output channel.
    pub start: usize,
    /// Vectors of the tile; `channels / (vectors * lanes)` tiles make a panel.
    pub vectors: usize,
    /// Most pixels of the tile.
    pub pixels: usize,
}

/// A convolution over a run of output pixels: one row, or all rows where the kernel is 1x1 and takes each pixel.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConvKernel {
    /// Input channels.
    pub input_channels: usize,
    /// Output channels.
    pub output_channels: usize,
    /// Rows and columns of the kernel.
    pub kernel_size: usize,
    /// Step.
    pub stride: usize,
    /// Columns of zeros to the left.
    pub pad_left: usize,
    /// Input columns.
    pub input_width: usize,
    /// Output pixels of a run.
    pub pixels: usize,
    /// Where it reads.
    pub source: InputLayout,
    /// Where it writes.
    pub destination: OutputLayout,
    /// How the output channels are cut.
    pub panels: Vec<PanelGroup>,
    /// Applied to the outputs.
    pub activation: Activation,
    /// Adds a residual that lies as the destination does.
    pub residual: Residual,
    /// Multiplies the weights by a gate for each input channel first.
    pub gated: bool,
    /// What a call computes of it.
    pub range: LoopRange,
    /// Prefetches the next panel of weights while it computes with one: worth it where weights are read once an inference,
    /// from beyond L2.
    pub prefetch: bool,
    /// Length that the call prefetches into L2 from its argument `prefetched` while it computes; with shared tiles, the
    /// total over all threads. 0 disables it.
    pub prefetch_len: Elements,
    /// Its loops.
    pub loops: ConvLoops,
}

/// What a call computes of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LoopRange {
    /// All of a run of pixels.
    All,
    /// All of several consecutive runs of pixels; their number is an argument.
    Runs,
    /// A range of output rows, an argument, of an input that is complete: panel by panel, each for all rows.
    Rows {
        /// Rows of zeros above.
        pad_top: usize,
        /// Input rows.
        input_height: usize,
        /// Most output rows of a call.
        most: usize,
    },
    /// A thread's share of the output rows of each panel, panel by panel, in an output that all threads share.
    PanelRows {
        /// Rows of zeros above.
        pad_top: usize,
        /// Input rows.
        input_height: usize,
        /// Output rows.
        height: usize,
    },
    /// A range of panels, an argument, of a run; the output starts with the first of them.
    Panels,
    /// A thread's share of the register tiles, panel by panel, in an output that all threads share.
    Tiles,
}

impl ConvKernel {
    /// This kernel over another range. `Runs` and `Rows` read all weights in each call, so they have no next panel to
    /// prefetch.
    #[must_use]
    pub fn with_range(self, range: LoopRange) -> Self {
        let panels = matches!(range, LoopRange::All | LoopRange::Panels | LoopRange::Tiles);
        ConvKernel { prefetch: self.prefetch && panels, prefetch_len: Elements::ZERO, range, ..self }
    }

    /// Steps of the reduction: the rows of a packed panel behind the bias.
    pub fn reduction_len(&self) -> usize {
        self.kernel_size * self.kernel_size * self.input_channels
    }

    /// Most output rows of a panel that a call computes, if it goes row by row.
    pub fn rows(&self) -> Option<usize> {
        match self.range {
            LoopRange::Rows { most, .. } => Some(most),
            LoopRange::PanelRows { height, .. } => Some(height),
            LoopRange::All | LoopRange::Runs | LoopRange::Panels | LoopRange::Tiles => None,
        }
    }

    /// Panels of all widths.
    pub fn panel_count(&self) -> usize {
        self.panels.iter().map(|g| g.count).sum()
    }

    /// Tiles of a run, where a panel is as wide as a tile.
    pub fn tile_count(&self) -> usize {
        self.panels.iter().map(|g| g.count * self.pixels.div_ceil(g.pixels)).sum()
    }

    /// Length of its scratch: the gated panel.
    pub fn scratch_len(&self) -> Elements {
        if !self.gated {
            return Elements::ZERO;
        }
        Elements((self.input_channels + 1) * self.panels.iter().map(|p| p.width).max().unwrap_or(0))
    }

    /// A name that tells a reader what it is; not unique.
    pub fn name(&self) -> String {
        let k = self.kernel_size;
        let kind = if k == 1 { "pointwise".to_owned() } else { format!("conv{k}x{k}") };
        let stride = if self.stride > 1 { format!("_s{}", self.stride) } else { String::new() };
        let gated = if self.gated { "_gated" } else { "" };
        let residual = if self.residual.is_some() { "_add" } else { "" };
        let pool = if self.destination == OutputLayout::Pool { "_pool" } else { "" };
        let prefetch_len = if self.prefetch_len > Elements::ZERO { "_prefetch" } else { "" };
        format!(
            "{kind}{stride}_{}_to_{}_x{}{gated}{residual}{pool}{prefetch_len}{}",
            self.input_channels,
            self.output_channels,
            self.pixels,
            match self.range {
                LoopRange::All => "",
                LoopRange::Runs => "_runs",
                LoopRange::Rows { .. } => "_rows",
                LoopRange::PanelRows { .. } => "_panel_rows",
                LoopRange::Panels => "_panels",
                LoopRange::Tiles => "_tiles",
            }
        )
    }
}

/// A depthwise convolution of output rows, all channels.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DepthwiseKernel {
    /// Channels.
    pub channels: usize,
    /// Rows and columns of the kernel.
    pub kernel_size: usize,
    /// Step.
    pub stride: usize,
    /// Columns of zeros to the left.
    pub pad_left: usize,
    /// Input columns.
    pub input_width: usize,
    /// Output columns.
    pub output_width: usize,
    /// Where it reads.
    pub source: InputLayout,
    /// Channels of a panel of packed weights.
    pub panel: usize,
    /// Where it writes; never the mean.
    pub destination: OutputLayout,
    /// Most output columns of a register tile.
    pub columns: usize,
    /// Applied to the outputs.
    pub activation: Activation,
    /// Adds a residual that lies as the destination does.
    pub residual: Residual,
    /// Adds every output to a sum for each channel, for squeeze-excite: the distance from the sums of one row to those
    /// of the next.
    pub pool: Option<Elements>,
    /// Whether a range of channel vectors is an argument: the output starts with the first of them, and so does a blocked
    /// input.
    pub ranged: bool,
    /// Its loops.
    pub loops: DepthwiseLoops,
}

impl DepthwiseKernel {
    /// A name that tells a reader what it is; not unique.
    pub fn name(&self) -> String {
        format!(
            "depthwise{k}x{k}_s{}_{}_x{}{}{}{}",
            self.stride,
            self.channels,
            self.output_width,
            if self.residual.is_some() { "_add" } else { "" },
            if self.pool.is_some() { "_pool" } else { "" },
            if self.ranged { "_ranged" } else { "" },
            k = self.kernel_size,
        )
    }
}
