//! An instruction set: one row.

use super::microkernel::{Microkernel, Tile};
use super::pipes::Pipes;
use mnas_runtime::isa::IsaSet;
use proc_macro2::TokenStream;
use quote::quote;

/// An instruction set, as the planner and the emitter see it.
#[derive(Clone, Copy, Debug)]
pub struct Isa {
    /// Name on the command line and in generated code; in capitals, that of its constant in `mnas_runtime::isa`.
    pub name: &'static str,
    /// Where its code is compiled.
    pub gate: Gate,
    /// Features that its functions enable, as `#[target_feature]` takes them; empty for none.
    pub features: &'static str,
    /// What the runtime detects it by.
    pub detect: IsaSet,
    /// Bytes of a vector.
    pub vector_bytes: usize,
    /// `f32` values in a vector.
    pub lanes: usize,
    /// Vector registers.
    pub registers: usize,
    /// What it starts in a cycle.
    pub pipes: Pipes,
    /// Whether LLVM loads more values ahead than tiles leave registers for, unless the code keeps it from that.
    pub spills: bool,
    /// Output columns of a depthwise tile: the accumulators beside a row of taps and one input vector.
    pub depthwise_columns: usize,
    /// Whether it can prefetch a cache line.
    pub prefetch: bool,
    /// The microkernel of `f32`, which every instruction set has.
    pub f32: Microkernel,
    /// Its tiles of int8 kernels, where it has any.
    pub int8: Option<Int8>,
    /// `Vector`, `LANES`, `splat`, `load` and `multiply_add` for the program that measures the peak.
    pub peak: fn() -> TokenStream,
}

/// The tiles of int8 kernels on an instruction set. Vectors have sixteen channels on all of them, and what they compute
/// is in `mnas_runtime::int8`.
#[derive(Clone, Copy, Debug)]
pub struct Int8 {
    /// Its module in `mnas_runtime::int8`.
    pub module: &'static str,
    /// Most pixels of a tile of one, two, three and four vectors.
    pub pixels: [usize; 4],
    /// Output columns of a depthwise tile.
    pub columns: usize,
    /// Whether reductions stay loops, for a compiler that makes of them what the processor has.
    pub is_portable: bool,
}

/// A condition on the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gate {
    /// `target_arch`; empty for any.
    pub arch: &'static str,
    /// `target_feature` that the target must have because a program cannot detect it; empty for none.
    pub feature: &'static str,
}

impl Gate {
    /// Every target.
    pub const ANY: Gate = Gate { arch: "", feature: "" };

    /// Every target of an architecture.
    pub const fn arch(arch: &'static str) -> Self {
        Gate { arch, feature: "" }
    }

    /// The attribute; nothing for every target.
    pub fn attribute(self) -> TokenStream {
        let Gate { arch, feature } = self;
        match (arch, feature) {
            ("", "") => quote!(),
            (_, "") => quote!(#[cfg(target_arch = #arch)]),
            ("", _) => quote!(#[cfg(target_feature = #feature)]),
            _ => quote!(#[cfg(all(target_arch = #arch, target_feature = #feature))]),
        }
    }
}

impl PartialEq for Isa {
    /// Instruction sets are equal if their names are.
    fn eq(&self, other: &Isa) -> bool {
        self.name == other.name
    }
}

impl Eq for Isa {}

impl Isa {
    /// Whether the code for it is compiled for every target, and every processor runs it.
    pub fn is_portable(&self) -> bool {
        self.gate == Gate::ANY
    }

    /// Scalar multiply-adds in a cycle.
    pub fn multiply_adds(&self) -> f64 {
        (self.pipes.multiply_adds * self.lanes) as f64
    }

    /// Most vectors of a tile: of a matrix times a vector.
    pub const MOST_VECTORS: usize = Microkernel::MOST_VECTORS;

    /// Most pixels of a tile of this many vectors that fits the registers; 0 where the tile is too wide.
    pub fn most_pixels_of(&self, vectors: usize) -> usize {
        if (1..=Self::MOST_VECTORS).contains(&vectors) { (self.f32.budget)(self.registers, vectors) } else { 0 }
    }

    /// The tile that is estimated to be fastest for a panel of `vectors` vectors and a run of `pixels` pixels.
    pub fn tile_for(&self, vectors: usize, pixels: usize) -> Tile {
        self.f32.tile_for(self.registers, self.pipes, vectors, pixels)
    }
}

#[cfg(test)]
mod tests {
    use super::Gate;

    #[test]
    fn a_gate_names_its_requirements() {
        let text = |arch, feature| Gate { arch, feature }.attribute().to_string().replace(' ', "");
        assert_eq!(text("", ""), "");
        assert_eq!(text("x86_64", ""), "#[cfg(target_arch=\"x86_64\")]");
        assert_eq!(text("wasm32", "simd128"), "#[cfg(all(target_arch=\"wasm32\",target_feature=\"simd128\"))]");
    }
}
