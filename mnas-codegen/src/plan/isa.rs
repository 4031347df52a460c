//! What the planner and the emitter know of each instruction set: one row a set.
//!
//! To add one: a row here, and its operations in `emit/isa/`.

use crate::emit::isa::{Ops, avx2, avx512, scalar};
use std::fmt;

/// An instruction set as the planner sees it.
#[derive(Clone, Copy, Debug)]
pub struct Isa {
    /// Name on the command line and in generated code.
    pub name: &'static str,
    /// `target_arch` that it belongs to; empty for any.
    pub arch: &'static str,
    /// Features that its functions enable, as `#[target_feature]` takes them; empty for none.
    pub features: &'static str,
    /// `f32` values in a vector.
    pub lanes: usize,
    /// Vector registers.
    pub registers: usize,
    /// Output columns of a depthwise tile: the accumulators beside a row of taps and one input vector.
    pub depthwise_columns: usize,
    /// Whether it can ask for a cache line before it is needed.
    pub prefetch: bool,
    /// Second-level cache of a core, in bytes, of the smallest processors that have it.
    pub least_l2: usize,
    /// Its operations as tokens.
    pub ops: fn() -> Ops,
}

impl PartialEq for Isa {
    /// Instruction sets are equal if their names are.
    fn eq(&self, other: &Isa) -> bool {
        self.name == other.name
    }
}

impl Eq for Isa {}

/// A register tile: `pixels` x `vectors` accumulators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tile {
    /// Vectors of output channels (NR / lanes).
    pub vectors: usize,
    /// Pixels (MR).
    pub pixels: usize,
}

/// Plain Rust for any target; four channels beside each other so that LLVM can use what vectors there are.
pub const SCALAR: Isa = Isa {
    name: "scalar",
    arch: "",
    features: "",
    lanes: 1,
    registers: 16,
    depthwise_columns: 7,
    prefetch: false,
    least_l2: 128 << 10,
    ops: scalar::ops,
};

/// AVX2 with FMA: sixteen registers of eight.
pub const AVX2: Isa = Isa {
    name: "avx2",
    arch: "x86_64",
    features: "avx2,fma",
    lanes: 8,
    registers: 16,
    depthwise_columns: 8,
    prefetch: true,
    least_l2: 256 << 10,
    ops: avx2::ops,
};

/// AVX-512: thirty-two registers of sixteen.
pub const AVX512: Isa = Isa {
    name: "avx512",
    arch: "x86_64",
    features: "avx512f,avx2,fma",
    lanes: 16,
    registers: 32,
    depthwise_columns: 14,
    prefetch: true,
    least_l2: 1 << 20,
    ops: avx512::ops,
};

/// Every implemented instruction set, widest first.
pub const ALL: &[Isa] = &[AVX512, AVX2, SCALAR];

/// The instruction sets of an architecture, widest first; `scalar` is one of any.
pub fn of_arch(arch: &str) -> Vec<Isa> {
    ALL.iter().filter(|isa| isa.arch.is_empty() || isa.arch == arch).copied().collect()
}

/// The instruction set of that name.
///
/// # Errors
///
/// A name that no implemented instruction set has.
pub fn by_name(name: &str) -> Result<Isa, UnknownIsa> {
    ALL.iter().find(|isa| isa.name == name).copied().ok_or_else(|| UnknownIsa(name.to_owned()))
}

/// The instruction sets of a list such as `avx2,scalar`, in any order.
///
/// # Errors
///
/// The first name that no instruction set has; an empty list is one empty name.
pub fn parse_list(list: &str) -> Result<Vec<Isa>, UnknownIsa> {
    list.split(',').map(|name| by_name(name.trim())).collect()
}

/// A name that no implemented instruction set has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownIsa(
    /// The name.
    pub String,
);

impl fmt::Display for UnknownIsa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known: Vec<String> = ALL.iter().map(|isa| format!("`{}`", isa.name)).collect();
        write!(f, "unknown instruction set `{}`; known are {}", self.0, known.join(", "))
    }
}

impl std::error::Error for UnknownIsa {}

impl Isa {
    /// Whether tiles leave so few registers that LLVM has to be kept from loading ahead.
    pub fn few_registers(&self) -> bool {
        self.lanes > 1 && self.registers <= 16
    }

    /// Most pixels of a tile of `vectors` vectors.
    ///
    /// P*N accumulators, N weights, one splat and one register that is free, without which rustc was found to keep
    /// weights on the stack: P*N + N + 2 <= registers. Of a single vector LLVM loads more splats than one ahead, and of
    /// a single pixel the weights are memory operands.
    fn most_pixels(&self, vectors: usize) -> usize {
        match vectors {
            1 if self.few_registers() => self.registers / 2,
            1 => self.registers - 4,
            n => (self.registers.saturating_sub(n + 2) / n).max(1),
        }
    }

    /// Most vectors of a tile: of a matrix times a vector.
    pub const MOST_VECTORS: usize = 8;

    /// Most pixels of a tile of so many vectors that fits the registers; none of one that is too wide.
    pub fn most_pixels_of(&self, vectors: usize) -> usize {
        if (1..=Self::MOST_VECTORS).contains(&vectors) { self.most_pixels(vectors) } else { 0 }
    }

    /// The tile that is estimated to be fastest for a panel of `vectors` vectors and a run of `pixels` pixels.
    ///
    /// A step of the reduction takes as long as its multiply-adds or its loads, of which two of each start in a cycle,
    /// but never less than the latency of the multiply-add that waits for the one before.
    pub fn tile_for(&self, vectors: usize, pixels: usize) -> Tile {
        let mut best = (usize::MAX, Tile { vectors: 1, pixels: 1 });
        for n in (1..=vectors.min(Self::MOST_VECTORS)).filter(|n| vectors.is_multiple_of(*n)) {
            let most = self.most_pixels(n).min(pixels.max(1));
            let tiles = pixels.max(1).div_ceil(most);
            let step = |p: usize| (p * n).max(p + n).max(2 * FMA_LATENCY);
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

/// Cycles from one multiply-add to the next that needs its result.
const FMA_LATENCY: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_operations_of_its_own_vectors() {
        for isa in ALL {
            let vector = (isa.ops)().vector.to_string();
            let bits = if isa.lanes == 1 { "f32".to_owned() } else { format!("__m{}", isa.lanes * 32) };
            assert_eq!(vector, bits, "{}", isa.name);
        }
        // A new row, whatever its name, never gets the operations of another width.
        let new = Isa { name: "new", ..AVX2 };
        assert_eq!((new.ops)().vector.to_string(), "__m256");
    }

    #[test]
    fn an_unknown_name_is_an_error() {
        for isa in ALL {
            assert_eq!(by_name(isa.name), Ok(*isa));
        }
        for name in ["", "neon2", "AVX2", "scalar "] {
            assert_eq!(by_name(name), Err(UnknownIsa(name.to_owned())));
        }
        assert!(parse_list("avx2, scalar").is_ok() && parse_list("").is_err() && parse_list("avx2,x").is_err());
    }
}
