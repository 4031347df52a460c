//! How a map of bytes lies in memory.

use crate::units::Bytes;
use mnas_dsl::network::Shape;

/// Channels of a vector, and of a block of channels.
pub const LANES: usize = 16;
/// Channels that one dot product takes.
pub const QUAD: usize = 4;

/// Pixels around a map that hold its zero point.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Margins {
    /// Rows above.
    pub top: usize,
    /// Rows below.
    pub bottom: usize,
    /// Columns to the left.
    pub left: usize,
    /// Columns to the right.
    pub right: usize,
}

impl Margins {
    /// The larger margin on each side.
    #[must_use]
    pub fn union(self, other: Margins) -> Margins {
        Margins {
            top: self.top.max(other.top),
            bottom: self.bottom.max(other.bottom),
            left: self.left.max(other.left),
            right: self.right.max(other.right),
        }
    }
}

/// The layout of a map: `[blocks][row][column][block]`, channels of a block beside each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Layout {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Channels.
    pub channels: usize,
    /// Channels of a block: [`LANES`], or [`QUAD`] for an image.
    pub block: usize,
    /// Around it.
    pub margins: Margins,
}

impl Layout {
    /// The layout of a map of that shape. An image has few channels, and no kernel writes it by vectors.
    pub fn new(shape: Shape, is_image: bool, margins: Margins) -> Self {
        let block = if is_image && shape.channels <= QUAD { QUAD } else { LANES };
        Layout { height: shape.height, width: shape.width, channels: shape.channels, block, margins }
    }

    /// Blocks of channels.
    pub fn blocks(&self) -> usize {
        self.channels.div_ceil(self.block)
    }

    /// Rows with the margins.
    pub fn rows(&self) -> usize {
        self.margins.top + self.height + self.margins.bottom
    }

    /// Bytes from a row to the next.
    pub fn row(&self) -> usize {
        (self.margins.left + self.width + self.margins.right) * self.block
    }

    /// Bytes from a block of channels to the next.
    pub fn block_stride(&self) -> usize {
        self.rows() * self.row()
    }

    /// From the start to the first pixel that is not margin.
    pub fn origin(&self) -> usize {
        self.margins.top * self.row() + self.margins.left * self.block
    }

    /// Whether its pixels are one run.
    pub fn is_one_run(&self) -> bool {
        self.margins.left + self.margins.right == 0
    }

    /// Length, with what windows read behind the last pixel.
    pub fn len(&self) -> Bytes {
        Bytes(self.blocks() * self.block_stride() + 4 * LANES)
    }

    /// Never true: a map has pixels.
    pub fn is_empty(&self) -> bool {
        self.len() == Bytes(0)
    }

    /// Where a value lies.
    pub fn at(&self, row: usize, column: usize, channel: usize) -> usize {
        channel / self.block * self.block_stride()
            + self.origin()
            + row * self.row()
            + column * self.block
            + channel % self.block
    }
}
