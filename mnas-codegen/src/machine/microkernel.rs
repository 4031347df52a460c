//! A microkernel: the inner loop that the tile search, the packer and the emitter have to agree on.

use super::ops::Ops;
use super::pipes::Pipes;
use crate::numeric::Numeric;

/// The inner loop of a number type on an instruction set.
#[derive(Clone, Copy, Debug)]
pub struct Microkernel {
    /// The number type.
    pub numeric: &'static Numeric,
    /// Accumulators of one vector register: NR is `lanes` times the vectors of a tile.
    pub lanes: usize,
    /// Output channels that are packed and computed together at least: a multiple of `lanes`.
    pub channels: usize,
    /// Values of the reduction that one instruction takes, which lie beside each other in the packed weights.
    pub k_group: usize,
    /// Most pixels (MR) of a tile of `vectors` vectors, given the registers.
    pub budget: fn(registers: usize, vectors: usize) -> usize,
    /// Its operations as tokens.
    pub ops: fn() -> Ops,
}

/// A register tile: `pixels` x `vectors` accumulators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tile {
    /// Vectors of output channels (NR / lanes).
    pub vectors: usize,
    /// Pixels (MR).
    pub pixels: usize,
}

/// Most pixels of a tile whose step loads the weights, and splats one value of the input after the other.
///
/// P*N accumulators, N weights, one splat and one register that is free, without which rustc was found to keep weights
/// on the stack: P*N + N + 2 <= registers. With a single vector LLVM loads more splats than one ahead.
pub(super) fn broadcast_budget(registers: usize, vectors: usize) -> usize {
    match vectors {
        1 => registers - 4,
        n => (registers.saturating_sub(n + 2) / n).max(1),
    }
}

impl Microkernel {
    /// Most vectors of a tile: of a matrix times a vector.
    pub const MOST_VECTORS: usize = 8;

    /// The tile that is estimated to be fastest for a panel of `vectors` vectors and a run of `pixels` pixels.
    ///
    /// A step of the reduction takes as long as its multiply-adds or its loads, but never less than the latency of the
    /// multiply-add that waits for the one before.
    pub fn tile_for(&self, registers: usize, pipes: Pipes, vectors: usize, pixels: usize) -> Tile {
        let mut best = (usize::MAX, Tile { vectors: 1, pixels: 1 });
        for n in (1..=vectors.min(Self::MOST_VECTORS)).filter(|n| vectors.is_multiple_of(*n)) {
            let most = (self.budget)(registers, n).min(pixels.max(1));
            let tiles = pixels.max(1).div_ceil(most);
            // Cycles times both numbers of pipes, which keeps them whole.
            let step = |p: usize| {
                let (compute, load) = (p * n * pipes.loads, (p + n) * pipes.multiply_adds);
                compute.max(load).max(pipes.latency * pipes.multiply_adds * pipes.loads)
            };
            let larger = pixels.max(1) % tiles;
            let size = pixels.max(1) / tiles;
            let cost = vectors / n * (larger * step(size + 1) + (tiles - larger) * step(size));
            // Wider tiles read the activations less often.
            if cost <= best.0 {
                best = (cost, Tile { vectors: n, pixels: most });
            }
        }
        best.1
    }
}
