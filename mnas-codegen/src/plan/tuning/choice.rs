//! What can be chosen for a step. The planner's estimates fill in what a choice leaves open.

use crate::plan::isa::{Isa, Tile};
use crate::plan::kernel::ConvKernel;
use std::collections::BTreeMap;

/// Register tiles of a convolution, by the vectors of a panel.
pub type Tiles = BTreeMap<usize, Tile>;

/// What was chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// Rows between two projections.
    pub strip: Option<Strip>,
    /// Whether the gate of squeeze-excite scales the projection's weights rather than the tensor.
    pub gate_weights: Option<bool>,
    /// Most output columns of a depthwise tile.
    pub columns: Option<usize>,
    /// Tiles of what comes before the depthwise convolution.
    pub expand: Tiles,
    /// Tiles of the projection.
    pub project: Tiles,
    /// Tiles of a step that is one convolution.
    pub tiles: Tiles,
    /// Kernels do not ask for the next panel of weights.
    pub no_prefetch: bool,
    /// What several workers share, however many they are.
    pub team: Option<Share>,
    /// What so many workers share in place of that.
    pub teams: BTreeMap<usize, Share>,
}

/// Rows between two projections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strip {
    /// So many, which divide those of the output.
    Rows(usize),
    /// All: layer by layer.
    All,
}

/// How several workers share a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Share {
    /// Some strips of so many rows each.
    Strips(usize),
    /// Some panels of the expansion each.
    Panels,
}

impl Choice {
    /// A kernel with the chosen tiles. Panels that they say nothing of have those that are estimated.
    pub(crate) fn apply(&self, isa: Isa, mut kernel: ConvKernel, tiles: &Tiles) -> ConvKernel {
        for group in &mut kernel.panels {
            if let Some(tile) = tiles.get(&(group.channels / isa.lanes)) {
                (group.vectors, group.pixels) = (tile.vectors, tile.pixels);
            }
        }
        ConvKernel { prefetch: kernel.prefetch && !self.no_prefetch, ..kernel }
    }
}
