//! Kernels as data: everything the emitter needs to write one as straight-line code with literal bounds.
//!
//! Two steps whose kernels are equal share one function in the generated file.

mod loops;

use crate::graph::Residual;
use mnas_dsl::network::Activation;

pub use loops::{
    Column, ConvLoops, DepthwiseLoops, DepthwiseSegment, GroupLoops, Prefetch, Reduction, Segment, Trips, UNROLL,
    Unrolled,
};

/// Steps of a reduction up to which they are written out one after the other.
const WRITTEN_OUT: usize = 12;

/// Whether a reduction over this many input channels is a loop. Only loops prefetch,
/// and rows are cut into tiles accordingly.
pub fn is_loop(channels: usize) -> bool {
    channels > WRITTEN_OUT
}

/// Where a convolution reads.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Source {
    /// Pixels of `stride` floats, channels beside each other.
    Nhwc {
        /// Floats from one pixel to the next.
        stride: usize,
    },
    /// Blocks of `lanes` channels, `block` floats from one block to the next.
    Blocked {
        /// Floats from one block of channels to the next.
        block: usize,
    },
}

/// Where a convolution writes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Destination {
    /// Pixels of `stride` floats, channels beside each other.
    Nhwc {
        /// Floats from one pixel to the next.
        stride: usize,
    },
    /// Blocks of `lanes` channels, `block` floats from one block to the next.
    Blocked {
        /// Floats from one block of channels to the next.
        block: usize,
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
    pub source: Source,
    /// Where it writes.
    pub destination: Destination,
    /// How the output channels are cut.
    pub panels: Vec<PanelGroup>,
    /// Applied to the outputs.
    pub activation: Activation,
    /// Adds a residual that lies as the destination does.
    pub residual: Residual,
    /// Multiplies the weights by a gate for each input channel first.
    pub gated: bool,
    /// What of it a call makes.
    pub part: Part,
    /// Asks for the next panel of weights while it computes with one: worth it where they are read once an inference,
    /// from a cache further away than the second level.
    pub prefetch: bool,
    /// Floats that a call asks for while it computes, of a slice that it is given: what is read next, and lies further
    /// away than the second level. Where workers share the tiles it is what all ask for together. None if zero.
    pub ahead: usize,
    /// Its loops.
    pub loops: ConvLoops,
}

/// What a call of a convolution makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// All of a run of pixels.
    All,
    /// All of so many runs as the call says, one behind the other.
    Runs,
    /// So many output rows as the call says, of an input that is there whole: panel by panel, for all of them.
    Rows {
        /// Rows of zeros above.
        pad_top: usize,
        /// Input rows.
        input_height: usize,
        /// Most output rows of a call.
        most: usize,
    },
    /// A worker's share of the output rows of each panel, panel by panel, in an output that all workers share.
    PanelRows {
        /// Rows of zeros above.
        pad_top: usize,
        /// Input rows.
        input_height: usize,
        /// Output rows.
        height: usize,
    },
    /// The panels that the call says, of a run; its output starts with the first of them.
    Panels,
    /// A worker's share of the register tiles, panel by panel, in an output that all workers share.
    Tiles,
}

impl ConvKernel {
    /// The same, of which a call makes `part`. Runs and rows read all weights a call, and know of none that come next.
    #[must_use]
    pub fn with_part(self, part: Part) -> Self {
        let panels = matches!(part, Part::All | Part::Panels | Part::Tiles);
        ConvKernel { prefetch: self.prefetch && panels, ahead: 0, part, ..self }
    }

    /// Steps of the reduction: the rows of a packed panel behind the bias.
    pub fn reduction_len(&self) -> usize {
        self.kernel_size * self.kernel_size * self.input_channels
    }

    /// Most output rows that a call makes of a panel, if it makes row by row.
    pub fn rows(&self) -> Option<usize> {
        match self.part {
            Part::Rows { most, .. } => Some(most),
            Part::PanelRows { height, .. } => Some(height),
            Part::All | Part::Runs | Part::Panels | Part::Tiles => None,
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

    /// Floats of scratch: the gated panel.
    pub fn scratch_len(&self) -> usize {
        if !self.gated {
            return 0;
        }
        (self.input_channels + 1) * self.panels.iter().map(|p| p.width).max().unwrap_or(0)
    }

    /// A name that tells a reader what it is; not unique.
    pub fn name(&self) -> String {
        let k = self.kernel_size;
        let kind = if k == 1 { "pointwise".to_owned() } else { format!("conv{k}x{k}") };
        let stride = if self.stride > 1 { format!("_s{}", self.stride) } else { String::new() };
        let gated = if self.gated { "_gated" } else { "" };
        let residual = if self.residual.is_some() { "_add" } else { "" };
        let pool = if self.destination == Destination::Pool { "_pool" } else { "" };
        let ahead = if self.ahead > 0 { "_ahead" } else { "" };
        format!(
            "{kind}{stride}_{}_to_{}_x{}{gated}{residual}{pool}{ahead}{}",
            self.input_channels,
            self.output_channels,
            self.pixels,
            match self.part {
                Part::All => "",
                Part::Runs => "_runs",
                Part::Rows { .. } => "_rows",
                Part::PanelRows { .. } => "_panel_rows",
                Part::Panels => "_panels",
                Part::Tiles => "_tiles",
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
    pub source: Source,
    /// Channels of a panel of packed weights.
    pub panel: usize,
    /// Where it writes; never the mean.
    pub destination: Destination,
    /// Most output columns of a register tile.
    pub columns: usize,
    /// Applied to the outputs.
    pub activation: Activation,
    /// Adds a residual that lies as the destination does.
    pub residual: Residual,
    /// Adds every output to a sum a channel, for squeeze-excite; sums of each row are so many floats apart.
    pub pool: Option<usize>,
    /// Whether a call says which vectors of channels it makes: its output starts with the first of them, and so does a
    /// blocked input.
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
