//! AVX-VNNI: AVX2 with an exact product of four bytes.

use super::avx2::pixels;
pub use super::avx2::{
    Floats, Sums, add_sums, hard_sigmoid, load_bytes, load_floats, load_sums, max_sums, multiply, quantize, relu,
    relu6, sigmoid, splat, splat_sum, store_bytes, store_floats, store_four, store_sum, to_floats,
};
use core::arch::x86_64::*;

/// Four bytes of a pixel, in every lane.
pub type Quad = __m256i;
/// Four pixels of eight channels; then of the other eight.
pub type Window = [__m256i; 2];
/// Four weights of eight channels; then of the other eight.
pub type Weights = [__m256i; 2];

/// See `portable`.
///
/// # Safety
///
/// 64 bytes can be read at `from`.
#[inline]
#[target_feature(enable = "avx2,avxvnni")]
pub unsafe fn load_weights(from: *const u8) -> Weights {
    // SAFETY: the caller's.
    unsafe { load_sums(from) }
}

/// See `portable`.
///
/// # Safety
///
/// 4 bytes can be read at `from`.
#[inline]
#[target_feature(enable = "avx2,avxvnni")]
pub unsafe fn splat_quad(from: *const u8) -> Quad {
    // SAFETY: the caller's.
    _mm256_set1_epi32(unsafe { from.cast::<i32>().read_unaligned() })
}

/// See `portable`.
///
/// # Safety
///
/// 64 bytes can be read at `from`.
#[inline]
#[target_feature(enable = "avx2,avxvnni")]
pub unsafe fn load_window(from: *const u8) -> Window {
    // SAFETY: the caller's.
    let [p, q, r, s] = unsafe { pixels(from) };
    let pairs = |low: bool| {
        let unpack = |a, b| if low { _mm_unpacklo_epi8(a, b) } else { _mm_unpackhi_epi8(a, b) };
        let (first, second) = (unpack(p, q), unpack(r, s));
        _mm256_set_m128i(_mm_unpackhi_epi16(first, second), _mm_unpacklo_epi16(first, second))
    };
    [pairs(true), pairs(false)]
}

/// See `portable`.
///
/// # Safety
///
/// The processor has the features, which functions with them enabled know.
#[inline]
#[target_feature(enable = "avx2,avxvnni")]
pub fn dot(sums: Sums, bytes: Quad, weights: Weights) -> Sums {
    [_mm256_dpbusd_avx_epi32(sums[0], bytes, weights[0]), _mm256_dpbusd_avx_epi32(sums[1], bytes, weights[1])]
}

/// See `portable`.
///
/// # Safety
///
/// The processor has the features, which functions with them enabled know.
#[inline]
#[target_feature(enable = "avx2,avxvnni")]
pub fn dot_window(sums: Sums, window: Window, weights: Weights) -> Sums {
    [_mm256_dpbusd_avx_epi32(sums[0], window[0], weights[0]), _mm256_dpbusd_avx_epi32(sums[1], window[1], weights[1])]
}
