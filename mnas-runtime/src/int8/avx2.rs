//! AVX2: a vector is two registers of eight channels.
//!
//! There is no instruction for four products of bytes that is exact. The bytes at even and at odd places of a quad are
//! widened to 16 bits and multiplied apart: `vpmaddwd` adds two products without saturation.

use super::super::math::{LN_2_HIGH, LN_2_LOW, SIGMOID_LIMIT, TAYLOR};
use core::arch::x86_64::*;

/// Sums of sixteen channels.
pub type Sums = [__m256i; 2];
/// Values of sixteen channels.
pub type Floats = [__m256; 2];
/// The even and the odd bytes of a pixel, in every lane, as 16 bits.
pub type Quad = [__m256i; 2];
/// Pixels 0 and 2, and pixels 1 and 3, of eight channels, as 16 bits; then of the other eight.
pub type Window = [[__m256i; 2]; 2];
/// The even and the odd weights of eight channels, as 16 bits; then of the other eight.
pub type Weights = [[__m256i; 2]; 2];

/// See `portable`.
///
/// # Safety
///
/// 64 bytes can be read at `from`.
#[inline]
#[target_feature(enable = "avx2")]
pub unsafe fn load_sums(from: *const u8) -> Sums {
    // SAFETY: the caller's.
    unsafe { [_mm256_loadu_si256(from.cast()), _mm256_loadu_si256(from.add(32).cast())] }
}

/// See `portable`.
///
/// # Safety
///
/// 64 bytes can be read at `from`.
#[inline]
#[target_feature(enable = "avx2")]
pub unsafe fn load_floats(from: *const u8) -> Floats {
    // SAFETY: the caller's.
    unsafe { [_mm256_loadu_ps(from.cast()), _mm256_loadu_ps(from.add(32).cast())] }
}

/// See `portable`.
///
/// # Safety
///
/// 64 bytes can be read at `from`.
#[inline]
#[target_feature(enable = "avx2")]
pub unsafe fn load_weights(from: *const u8) -> Weights {
    // SAFETY: the caller's.
    let [low, high] = unsafe { load_sums(from) };
    [signed(low), signed(high)]
}

#[inline]
#[target_feature(enable = "avx2")]
fn signed(bytes: __m256i) -> [__m256i; 2] {
    [_mm256_srai_epi16::<8>(_mm256_slli_epi16::<8>(bytes)), _mm256_srai_epi16::<8>(bytes)]
}

/// See `portable`.
///
/// # Safety
///
/// 4 bytes can be read at `from`.
#[inline]
#[target_feature(enable = "avx2")]
pub unsafe fn splat_quad(from: *const u8) -> Quad {
    // SAFETY: the caller's.
    let bytes = _mm256_set1_epi32(unsafe { from.cast::<i32>().read_unaligned() });
    [_mm256_and_si256(bytes, _mm256_set1_epi16(255)), _mm256_srli_epi16::<8>(bytes)]
}

/// See `portable`.
///
/// # Safety
///
/// 64 bytes can be read at `from`.
#[inline]
#[target_feature(enable = "avx2")]
pub unsafe fn load_window(from: *const u8) -> Window {
    // SAFETY: the caller's.
    let [p, q, r, s] = unsafe { pixels(from) };
    let wide = |low, high| [_mm256_cvtepu8_epi16(low), _mm256_cvtepu8_epi16(high)];
    let even = wide(_mm_unpacklo_epi8(p, r), _mm_unpackhi_epi8(p, r));
    let odd = wide(_mm_unpacklo_epi8(q, s), _mm_unpackhi_epi8(q, s));
    [[even[0], odd[0]], [even[1], odd[1]]]
}

/// # Safety
///
/// 64 bytes can be read at `from`.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) unsafe fn pixels(from: *const u8) -> [__m128i; 4] {
    // SAFETY: the caller's.
    unsafe {
        [
            _mm_loadu_si128(from.cast()),
            _mm_loadu_si128(from.add(16).cast()),
            _mm_loadu_si128(from.add(32).cast()),
            _mm_loadu_si128(from.add(48).cast()),
        ]
    }
}

/// See `portable`.
///
/// # Safety
///
/// 16 bytes can be read at `from`.
#[inline]
#[target_feature(enable = "avx2")]
pub unsafe fn load_bytes(from: *const u8) -> Sums {
    // SAFETY: the caller's.
    let bytes = unsafe { _mm_loadu_si128(from.cast()) };
    [_mm256_cvtepu8_epi32(bytes), _mm256_cvtepu8_epi32(_mm_unpackhi_epi64(bytes, bytes))]
}

/// See `portable`.
///
/// # Safety
///
/// The processor has the features, which functions with them enabled know.
#[inline]
#[target_feature(enable = "avx2")]
pub fn dot(sums: Sums, bytes: Quad, weights: Weights) -> Sums {
    [half(sums[0], bytes, weights[0]), half(sums[1], bytes, weights[1])]
}

/// See `portable`.
///
/// # Safety
///
/// The processor has the features, which functions with them enabled know.
#[inline]
#[target_feature(enable = "avx2")]
pub fn dot_window(sums: Sums, window: Window, weights: Weights) -> Sums {
    [half(sums[0], window[0], weights[0]), half(sums[1], window[1], weights[1])]
}

#[inline]
#[target_feature(enable = "avx2")]
fn half(sums: __m256i, bytes: [__m256i; 2], weights: [__m256i; 2]) -> __m256i {
    let (even, odd) = (_mm256_madd_epi16(bytes[0], weights[0]), _mm256_madd_epi16(bytes[1], weights[1]));
    _mm256_add_epi32(_mm256_add_epi32(sums, even), odd)
}

/// See `portable`.
///
/// # Safety
///
/// The processor has the features, which functions with them enabled know.
#[inline]
#[target_feature(enable = "avx2")]
pub fn add_sums(a: Sums, b: Sums) -> Sums {
    [_mm256_add_epi32(a[0], b[0]), _mm256_add_epi32(a[1], b[1])]
}

/// See `portable`.
///
/// # Safety
///
/// The processor has the features, which functions with them enabled know.
#[inline]
#[target_feature(enable = "avx2")]
pub fn max_sums(a: Sums, b: Sums) -> Sums {
    [_mm256_max_epi32(a[0], b[0]), _mm256_max_epi32(a[1], b[1])]
}

/// See `portable`.
///
/// # Safety
///
/// The processor has the features, which functions with them enabled know.
#[inline]
#[target_feature(enable = "avx2")]
pub fn splat_sum(value: i32) -> Sums {
    [_mm256_set1_epi32(value); 2]
}

/// See `portable`.
///
/// # Safety
///
/// The processor has the features, which functions with them enabled know.
#[inline]
#[target_feature(enable = "avx2")]
pub fn splat(value: f32) -> Floats {
    [_mm256_set1_ps(value); 2]
}

/// See `portable`.
///
/// # Safety
///
/// The processor has the features, which functions with them enabled know.
#[inline]
#[target_feature(enable = "avx2")]
pub fn to_floats(sums: Sums) -> Floats {
    [_mm256_cvtepi32_ps(sums[0]), _mm256_cvtepi32_ps(sums[1])]
}

/// See `portable`.
///
/// # Safety
///
/// The processor has the features, which functions with them enabled know.
#[inline]
#[target_feature(enable = "avx2")]
pub fn multiply(a: Floats, b: Floats) -> Floats {
    [_mm256_mul_ps(a[0], b[0]), _mm256_mul_ps(a[1], b[1])]
}

/// See `portable`.
///
/// # Safety
///
/// The processor has the features, which functions with them enabled know.
#[inline]
#[target_feature(enable = "avx2")]
pub fn relu(x: Floats) -> Floats {
    [relu_half(x[0]), relu_half(x[1])]
}

/// See `portable`.
///
/// # Safety
///
/// The processor has the features, which functions with them enabled know.
#[inline]
#[target_feature(enable = "avx2")]
pub fn relu6(x: Floats) -> Floats {
    [relu6_half(x[0]), relu6_half(x[1])]
}

/// See `portable`.
///
/// # Safety
///
/// The processor has the features, which functions with them enabled know.
#[inline]
#[target_feature(enable = "avx2")]
pub fn hard_sigmoid(x: Floats) -> Floats {
    [hard_sigmoid_half(x[0]), hard_sigmoid_half(x[1])]
}

/// See `portable`.
///
/// # Safety
///
/// The processor has the features, which functions with them enabled know.
#[inline]
#[target_feature(enable = "avx2")]
pub fn sigmoid(x: Floats) -> Floats {
    [sigmoid_half(x[0]), sigmoid_half(x[1])]
}

#[inline]
#[target_feature(enable = "avx2")]
fn relu_half(x: __m256) -> __m256 {
    _mm256_max_ps(x, _mm256_setzero_ps())
}

#[inline]
#[target_feature(enable = "avx2")]
fn relu6_half(x: __m256) -> __m256 {
    _mm256_min_ps(relu_half(x), _mm256_set1_ps(6.0))
}

#[inline]
#[target_feature(enable = "avx2")]
fn hard_sigmoid_half(x: __m256) -> __m256 {
    _mm256_mul_ps(relu6_half(_mm256_add_ps(x, _mm256_set1_ps(3.0))), _mm256_set1_ps(1.0 / 6.0))
}

#[inline]
#[target_feature(enable = "avx2")]
fn sigmoid_half(x: __m256) -> __m256 {
    let limited = _mm256_min_ps(_mm256_max_ps(x, _mm256_set1_ps(-SIGMOID_LIMIT)), _mm256_set1_ps(SIGMOID_LIMIT));
    let one = _mm256_set1_ps(1.0);
    _mm256_div_ps(one, _mm256_add_ps(one, exp(_mm256_sub_ps(_mm256_setzero_ps(), limited))))
}

#[inline]
#[target_feature(enable = "avx2")]
fn exp(x: __m256) -> __m256 {
    let n = _mm256_cvtps_epi32(_mm256_mul_ps(x, _mm256_set1_ps(core::f32::consts::LOG2_E)));
    let exponent = _mm256_cvtepi32_ps(n);
    let r = _mm256_sub_ps(x, _mm256_mul_ps(exponent, _mm256_set1_ps(LN_2_HIGH)));
    let r = _mm256_sub_ps(r, _mm256_mul_ps(exponent, _mm256_set1_ps(LN_2_LOW)));
    let mut sum = _mm256_set1_ps(TAYLOR[0]);
    for c in &TAYLOR[1..] {
        sum = _mm256_add_ps(_mm256_mul_ps(sum, r), _mm256_set1_ps(*c));
    }
    let power = _mm256_slli_epi32::<23>(_mm256_add_epi32(n, _mm256_set1_epi32(127)));
    _mm256_mul_ps(sum, _mm256_castsi256_ps(power))
}

/// See `portable`.
///
/// # Safety
///
/// 16 bytes can be written at `to`.
#[inline]
#[target_feature(enable = "avx2")]
pub unsafe fn store_bytes(to: *mut u8, x: Floats, zero: i32, lower: i32) {
    let limited = [limit(x[0], zero, lower), limit(x[1], zero, lower)];
    // SAFETY: the caller's.
    unsafe { store_packed(to, limited) }
}

/// See `portable`.
///
/// # Safety
///
/// 64 bytes can be written at `to`.
#[inline]
#[target_feature(enable = "avx2")]
pub unsafe fn store_four(to: *mut u8, x: [Floats; 4], zero: i32) {
    // SAFETY: the caller's.
    unsafe {
        store_bytes(to, x[0], zero, 0);
        store_bytes(to.add(16), x[1], zero, 0);
        store_bytes(to.add(32), x[2], zero, 0);
        store_bytes(to.add(48), x[3], zero, 0);
    }
}

/// See `portable`.
///
/// # Safety
///
/// 16 bytes can be written at `to`.
#[inline]
#[target_feature(enable = "avx2")]
pub unsafe fn store_sum(to: *mut u8, x: Floats, zero: i32, lower: i32, other: Sums) {
    let limited = [limit(x[0], zero, lower), limit(x[1], zero, lower)];
    // SAFETY: the caller's.
    unsafe { store_packed(to, add_sums(limited, other)) }
}

/// Stores sums as bytes, limited to `0..=255`.
///
/// # Safety
///
/// 16 bytes can be written at `to`.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn store_packed(to: *mut u8, sums: Sums) {
    // The instruction packs each half of 128 bits by itself.
    let words = _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_packus_epi32(sums[0], sums[1]));
    let bytes = _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256::<1>(words));
    // SAFETY: the caller's.
    unsafe { _mm_storeu_si128(to.cast(), bytes) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn limit(x: __m256, zero: i32, lower: i32) -> __m256i {
    // What is too small for an integer becomes the least one, and NaN as well; `min` keeps NaN, its second operand.
    let x = _mm256_cvtps_epi32(_mm256_min_ps(_mm256_set1_ps((255 - zero) as f32), x));
    _mm256_max_epi32(_mm256_add_epi32(x, _mm256_set1_epi32(zero)), _mm256_set1_epi32(lower))
}

/// See `portable`.
///
/// # Safety
///
/// 64 bytes can be written at `to`.
#[inline]
#[target_feature(enable = "avx2")]
pub unsafe fn store_floats(to: *mut u8, x: Floats) {
    // SAFETY: the caller's.
    unsafe {
        _mm256_storeu_ps(to.cast(), x[0]);
        _mm256_storeu_ps(to.add(32).cast(), x[1]);
    }
}

/// See `portable`.
///
/// # Safety
///
/// 16 bytes can be written at `to`.
#[inline]
#[target_feature(enable = "avx2")]
pub unsafe fn quantize(to: *mut u8, x: Floats, scale: f32, zero: i32) {
    let scale = _mm256_set1_ps(scale);
    // SAFETY: the caller's.
    unsafe { store_bytes(to, [_mm256_div_ps(x[0], scale), _mm256_div_ps(x[1], scale)], zero, 0) }
}
