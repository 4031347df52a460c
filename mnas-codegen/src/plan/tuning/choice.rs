//! What can be chosen for a step. The planner's estimates fill in what a choice leaves open.

use crate::machine::{Isa, Tile};
use crate::plan::kernel::ConvKernel;
use crate::plan::schedule::Parallelism;
use std::collections::BTreeMap;

/// Register tiles of a convolution, by the vectors of a panel.
pub type Tiles = BTreeMap<usize, Tile>;

/// What was chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StepTuning {
    /// Rows between two projections.
    pub row_block: Option<RowBlock>,
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
    /// Kernels do not prefetch the next panel of weights.
    pub no_prefetch: bool,
    /// What threads divide, whatever their number: [`Parallelism::RowBlocks`] or [`Parallelism::Panels`].
    pub parallelism: Option<Parallelism>,
    /// What this number of threads divides in place of that.
    pub per_thread_count: BTreeMap<usize, Parallelism>,
}

/// Rows between two projections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RowBlock {
    /// This number, a divisor of the output rows.
    Rows(usize),
    /// All: layer by layer.
    All,
}

impl StepTuning {
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
