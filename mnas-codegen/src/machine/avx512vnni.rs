//! AVX-512 with VNNI and VBMI: the instruction set of int8 kernels whose vector is one register.

use super::avx512::AVX512;
use super::isa::{Int8, Isa};

/// AVX-512 with VNNI and VBMI. Its `f32` kernels would be those of AVX-512.
pub const AVX512VNNI: Isa = Isa {
    name: "avx512vnni",
    features: "avx512f,avx512bw,avx512vbmi,avx512vnni,avx2,fma",
    detect: mnas_runtime::isa::AVX512VNNI,
    // Beside the accumulators, 32 registers hold a vector of weights for each column and a quad of the input.
    int8: Some(Int8 { module: "avx512vnni", pixels: [28, 14, 9, 6], columns: 14, is_portable: false }),
    ..AVX512
};
