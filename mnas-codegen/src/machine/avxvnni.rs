//! AVX-VNNI: AVX2 with exact products of four bytes, for int8 kernels.

use super::avx2::AVX2;
use super::isa::{Int8, Isa};

/// AVX-VNNI. Its `f32` kernels would be those of AVX2.
pub const AVXVNNI: Isa = Isa {
    name: "avxvnni",
    features: "avx2,avxvnni,fma",
    detect: mnas_runtime::isa::AVXVNNI,
    // A vector is two of 16 registers.
    int8: Some(Int8 { module: "avxvnni", pixels: [6, 2, 1, 1], columns: 4, is_portable: false }),
    ..AVX2
};
