//! The instruction sets of int8 kernels. What their vectors compute is in `mnas_runtime::int8`.

use crate::machine::Gate;
use mnas_runtime::isa::{self, IsaSet};

/// An instruction set of int8 kernels.
#[derive(Clone, Copy, Debug)]
pub struct Isa {
    /// Name on the command line, in generated code, and of its module in `mnas_runtime::int8`.
    pub name: &'static str,
    /// Its module in `mnas_runtime::int8`.
    pub module: &'static str,
    /// Where its code is compiled.
    pub gate: Gate,
    /// Features that its functions enable, as `#[target_feature]` takes them; empty for none.
    pub features: &'static str,
    /// What the runtime detects it by.
    pub detect: IsaSet,
    /// Most pixels of a tile of one, two, three and four vectors of sixteen channels.
    pub pixels: [usize; 4],
    /// Output columns of a depthwise tile.
    pub columns: usize,
    /// Whether kernels are loops over tiles of one pixel, for a compiler that makes of them what the processor has.
    pub is_portable: bool,
}

/// AVX-512 with VNNI and VBMI: 32 registers, of which accumulators leave one for each vector of weights and one for a
/// quad of the input.
pub const AVX512VNNI: Isa = Isa {
    name: "avx512vnni",
    module: "avx512vnni",
    gate: Gate::arch("x86_64"),
    features: "avx512f,avx512bw,avx512vbmi,avx512vnni,avx2",
    detect: isa::AVX512VNNI,
    pixels: [28, 14, 9, 6],
    columns: 14,
    is_portable: false,
};

/// AVX-VNNI: 16 registers, two for a vector.
pub const AVXVNNI: Isa = Isa {
    name: "avxvnni",
    module: "avxvnni",
    gate: Gate::arch("x86_64"),
    features: "avx2,avxvnni",
    detect: isa::AVXVNNI,
    pixels: [6, 2, 1, 1],
    columns: 4,
    is_portable: false,
};

/// AVX2: products of 16 bits, which are exact.
pub const AVX2: Isa = Isa {
    name: "avx2",
    module: "avx2",
    gate: Gate::arch("x86_64"),
    features: "avx2",
    detect: isa::AVX2,
    pixels: [4, 1, 1, 1],
    columns: 2,
    is_portable: false,
};

/// Plain Rust.
pub const SCALAR: Isa = Isa {
    name: "scalar",
    module: "portable",
    gate: Gate::ANY,
    features: "",
    detect: isa::SCALAR,
    pixels: [1, 1, 1, 1],
    columns: 1,
    is_portable: true,
};

/// Every one, best first.
pub const ALL: &[Isa] = &[AVX512VNNI, AVXVNNI, AVX2, SCALAR];

/// Those that this machine has, best first.
pub fn on_host() -> Vec<Isa> {
    let detected = isa::detected();
    let is_here = |isa: &&Isa| {
        (isa.gate.arch.is_empty() || isa.gate.arch == std::env::consts::ARCH) && detected.contains(isa.detect)
    };
    ALL.iter().filter(is_here).copied().collect()
}

/// The instruction set of that name.
pub fn by_name(name: &str) -> Option<Isa> {
    ALL.iter().find(|isa| isa.name == name).copied()
}
