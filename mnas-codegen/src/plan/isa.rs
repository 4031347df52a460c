//! What the planner and the emitter know of each instruction set: one row a set.
//!
//! To add one: a row here, and its operations in `emit/isa/`.

use std::fmt;

/// An instruction set as the planner sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    /// For each number of vectors N of a tile, the most pixels P that the registers hold.
    ///
    /// P*N accumulators, N weights and one splat: P*N + N + 1 <= registers; where that is impossible
    /// (a single pixel) the weights are memory operands.
    pub tiles: &'static [Tile],
    /// Output columns of a depthwise tile: the accumulators beside a row of taps and one input vector.
    pub depthwise_columns: usize,
}

/// A register tile: `pixels` x `vectors` accumulators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tile {
    /// Vectors of output channels (NR / lanes).
    pub vectors: usize,
    /// Pixels (MR).
    pub pixels: usize,
}

const fn tile(vectors: usize, pixels: usize) -> Tile {
    Tile { vectors, pixels }
}

/// Plain Rust for any target; four channels beside each other so that LLVM can use what vectors there are.
pub const SCALAR: Isa = Isa {
    name: "scalar",
    arch: "",
    features: "",
    lanes: 1,
    registers: 16,
    tiles: &[tile(4, 4), tile(1, 8)],
    depthwise_columns: 7,
};

/// AVX2 with FMA: sixteen registers of eight.
pub const AVX2: Isa = Isa {
    name: "avx2",
    arch: "x86_64",
    features: "avx2,fma",
    lanes: 8,
    registers: 16,
    tiles: &[tile(8, 1), tile(4, 2), tile(3, 4), tile(2, 6), tile(1, 12)],
    depthwise_columns: 8,
};

/// Every implemented instruction set, widest first.
pub const ALL: &[Isa] = &[AVX2, SCALAR];

/// The instruction sets of an architecture, widest first; `scalar` is one of any.
pub fn of_arch(arch: &str) -> Vec<Isa> {
    ALL.iter().filter(|isa| isa.arch.is_empty() || isa.arch == arch).copied().collect()
}

/// The instruction set of that name.
pub fn by_name(name: &str) -> Option<Isa> {
    ALL.iter().find(|isa| isa.name == name).copied()
}

/// The instruction sets of a list such as `avx2,scalar`, in any order.
///
/// # Errors
///
/// The first name that is none, or an empty list.
pub fn parse_list(list: &str) -> Result<Vec<Isa>, UnknownIsa> {
    list.split(',').map(|name| by_name(name.trim()).ok_or_else(|| UnknownIsa(name.trim().to_owned()))).collect()
}

/// A name that is no instruction set's.
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
    /// The widest tile for `vectors` vectors that divides them evenly, at most `pixels` pixels high.
    pub fn tile_for(&self, vectors: usize, pixels: usize) -> Tile {
        let fits = self.tiles.iter().filter(|t| vectors.is_multiple_of(t.vectors));
        let best = if pixels == 1 {
            fits.max_by_key(|t| t.vectors)
        } else {
            // The most accumulators in use win: they hide the latency of the multiply-add.
            fits.max_by_key(|t| (t.vectors * t.pixels.min(pixels), t.vectors))
        };
        best.copied().unwrap_or(Tile { vectors: 1, pixels: 1 })
    }
}
