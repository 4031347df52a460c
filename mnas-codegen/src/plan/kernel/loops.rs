//! The loops of each kernel, with literal bounds: register tiles, unrolling, prefetch.
//!
//! They follow from the other fields of a kernel; [`crate::plan::Plan::lay_out`] fills them in.

use crate::units::Elements;
use std::ops::Range;

/// Steps of a reduction that are written out inside its loop.
pub const UNROLL: usize = 4;

/// The loops of a convolution kernel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConvLoops {
    /// One for each group of panels.
    pub groups: Vec<GroupLoops>,
    /// Cache lines of what is read after the call that are prefetched every [`UNROLL`] steps of the reduction.
    pub prefetch_lines: usize,
    /// Whether the activation is a loop of its own over the output, behind all panels.
    pub late_activation: bool,
    /// Length of a row of the input.
    pub input_row: Elements,
    /// From what one output pixel reads to what the next one reads.
    pub input_pixel: Elements,
    /// From one output pixel to the next.
    pub output_pixel: Elements,
    /// From one vector of output channels to the next.
    pub output_vector: Elements,
}

/// The loops of a group of panels.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupLoops {
    /// The tiles of a run of output pixels.
    pub segments: Vec<Segment>,
    /// Tiles or rows of a panel that threads divide among each other.
    pub shares: usize,
}

/// The loop of a tile over input channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reduction {
    /// One loop over all channels.
    Channels(Unrolled),
    /// A loop over blocks of as many channels as a vector has lanes, and a loop over the channels of each.
    Blocks {
        /// Whole blocks.
        blocks: Trips,
        /// The channels of a block.
        block: Unrolled,
        /// The channels behind the last whole block.
        rest: Option<Unrolled>,
    },
}

/// A loop of [`UNROLL`] steps, and steps behind it; without a loop all steps are written out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Unrolled {
    /// The loop.
    pub trips: Option<Trips>,
    /// Steps behind it.
    pub rest: usize,
}

/// How often a loop runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Trips {
    /// How often.
    pub count: usize,
    /// Whether LLVM must not know: it would fully unroll the loop, and since neighbouring tiles share weights, hoist
    /// and spill all of them.
    pub hidden: bool,
}

/// What each tile of a segment prefetches of the next panel of weights. Tiles share the panel evenly, since the cache
/// that it comes from has a limited bandwidth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Prefetch {
    /// From the start of this panel to where the first tile begins.
    pub start: Elements,
    /// From one tile of the segment to the next, if there are several.
    pub per_tile: Elements,
    /// From one column of tiles to the next, if a panel has several.
    pub per_column: Elements,
    /// From one output row to the next, if a call computes several.
    pub per_row: Elements,
    /// Cache lines every [`UNROLL`] steps of the reduction.
    pub lines: usize,
}

/// Tiles that are computed alike: `count` tiles of `pixels` output pixels, from pixel `start`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Segment {
    /// First output pixel.
    pub start: usize,
    /// Tiles.
    pub count: usize,
    /// Output pixels of a tile.
    pub pixels: usize,
    /// Index of the first tile among all tiles of a panel.
    pub first_tile: usize,
    /// First and last kernel column, exclusive, that meet the input of any of the pixels.
    pub taps: (usize, usize),
    /// The kernel columns one by one, where not all pixels meet the input with all of them; such a segment is one tile.
    pub columns: Option<Vec<Column>>,
    /// From the start of the input row to what the first tile reads; 0 with `columns`, each of which has its own.
    pub input: Elements,
    /// The loop over input channels.
    pub reduction: Reduction,
    /// What each tile prefetches of the next panel.
    pub prefetch: Option<Prefetch>,
}

/// A kernel column, and the pixels of a tile for which it meets the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Column {
    /// Kernel column.
    pub kx: usize,
    /// First of the pixels, counted in the tile.
    pub first: usize,
    /// Behind the last of the pixels.
    pub end: usize,
    /// From the start of the input row to what the first of the pixels reads.
    pub input: Elements,
}

impl Column {
    /// The pixels.
    pub fn pixels(&self) -> Range<usize> {
        self.first..self.end
    }
}

/// The loops of a depthwise kernel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DepthwiseLoops {
    /// The tiles of an output row.
    pub segments: Vec<DepthwiseSegment>,
}

/// Tiles that are computed alike: `count` tiles of `columns` output columns, from column `start`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DepthwiseSegment {
    /// First output column.
    pub start: usize,
    /// Tiles.
    pub count: usize,
    /// Output columns of a tile.
    pub columns: usize,
}
