//! AVX-512 with VNNI and VBMI: one vector is one register.

use super::super::math::{LN_2_HIGH, LN_2_LOW, SIGMOID_LIMIT, TAYLOR};
use core::arch::x86_64::*;

/// Sums of sixteen channels.
pub type Sums = __m512i;
/// Values of sixteen channels.
pub type Floats = __m512;
/// Four bytes of a pixel, in every lane.
pub type Quad = __m512i;
/// Four pixels of each of sixteen channels.
pub type Window = __m512i;
/// Four weights of each of sixteen channels.
pub type Weights = __m512i;

/// See `portable`.
///
/// # Safety
///
/// 64 bytes can be read at `from`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vnni")]
pub unsafe fn load_sums(from: *const u8) -> Sums {
    // SAFETY: the caller's.
    unsafe { _mm512_loadu_si512(from.cast()) }
}

/// See `portable`.
///
/// # Safety
///
/// 64 bytes can be read at `from`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vnni")]
pub unsafe fn load_floats(from: *const u8) -> Floats {
    // SAFETY: the caller's.
    unsafe { _mm512_loadu_ps(from.cast()) }
}

/// See `portable`.
///
/// # Safety
///
/// 64 bytes can be read at `from`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vnni")]
pub unsafe fn load_weights(from: *const u8) -> Weights {
    // SAFETY: the caller's.
    unsafe { _mm512_loadu_si512(from.cast()) }
}

/// See `portable`.
///
/// # Safety
///
/// 4 bytes can be read at `from`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vnni")]
pub unsafe fn splat_quad(from: *const u8) -> Quad {
    // SAFETY: the caller's.
    _mm512_set1_epi32(unsafe { from.cast::<i32>().read_unaligned() })
}

/// See `portable`. Byte `j` of lane `c` is channel `c` of pixel `j`.
///
/// # Safety
///
/// 64 bytes can be read at `from`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vnni")]
pub unsafe fn load_window(from: *const u8) -> Window {
    const TRANSPOSED: [u8; 64] = {
        let mut index = [0; 64];
        let mut i = 0;
        while i < 64 {
            index[i] = (i % 4 * 16 + i / 4) as u8;
            i += 1;
        }
        index
    };
    // SAFETY: the caller's; the index has 64 bytes.
    unsafe { _mm512_permutexvar_epi8(_mm512_loadu_si512(TRANSPOSED.as_ptr().cast()), _mm512_loadu_si512(from.cast())) }
}

/// See `portable`.
///
/// # Safety
///
/// 16 bytes can be read at `from`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vnni")]
pub unsafe fn load_bytes(from: *const u8) -> Sums {
    // SAFETY: the caller's.
    _mm512_cvtepu8_epi32(unsafe { _mm_loadu_si128(from.cast()) })
}

/// See `portable`.
///
/// # Safety
///
/// The processor has the features, which functions with them enabled know.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vnni")]
pub fn dot(sums: Sums, bytes: Quad, weights: Weights) -> Sums {
    _mm512_dpbusd_epi32(sums, bytes, weights)
}

/// See `portable`.
///
/// # Safety
///
/// The processor has the features, which functions with them enabled know.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vnni")]
pub fn dot_window(sums: Sums, window: Window, weights: Weights) -> Sums {
    _mm512_dpbusd_epi32(sums, window, weights)
}

/// See `portable`.
///
/// # Safety
///
/// The processor has the features, which functions with them enabled know.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vnni")]
pub fn add_sums(a: Sums, b: Sums) -> Sums {
    _mm512_add_epi32(a, b)
}

/// See `portable`.
///
/// # Safety
///
/// The processor has the features, which functions with them enabled know.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vnni")]
pub fn max_sums(a: Sums, b: Sums) -> Sums {
    _mm512_max_epi32(a, b)
}

/// See `portable`.
///
/// # Safety
///
/// The processor has the features, which functions with them enabled know.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vnni")]
pub fn splat_sum(value: i32) -> Sums {
    _mm512_set1_epi32(value)
}

/// See `portable`.
///
/// # Safety
///
/// The processor has the features, which functions with them enabled know.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vnni")]
pub fn splat(value: f32) -> Floats {
    _mm512_set1_ps(value)
}

/// See `portable`.
///
/// # Safety
///
/// The processor has the features, which functions with them enabled know.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vnni")]
pub fn to_floats(sums: Sums) -> Floats {
    _mm512_cvtepi32_ps(sums)
}

/// See `portable`.
///
/// # Safety
///
/// The processor has the features, which functions with them enabled know.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vnni")]
pub fn multiply(a: Floats, b: Floats) -> Floats {
    _mm512_mul_ps(a, b)
}

/// See `portable`.
///
/// # Safety
///
/// The processor has the features, which functions with them enabled know.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vnni")]
pub fn relu(x: Floats) -> Floats {
    _mm512_max_ps(x, _mm512_setzero_ps())
}

/// See `portable`.
///
/// # Safety
///
/// The processor has the features, which functions with them enabled know.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vnni")]
pub fn relu6(x: Floats) -> Floats {
    _mm512_min_ps(relu(x), _mm512_set1_ps(6.0))
}

/// See `portable`.
///
/// # Safety
///
/// The processor has the features, which functions with them enabled know.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vnni")]
pub fn hard_sigmoid(x: Floats) -> Floats {
    _mm512_mul_ps(relu6(_mm512_add_ps(x, _mm512_set1_ps(3.0))), _mm512_set1_ps(1.0 / 6.0))
}

/// See `portable`.
///
/// # Safety
///
/// The processor has the features, which functions with them enabled know.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vnni")]
pub fn sigmoid(x: Floats) -> Floats {
    let limit = |x| _mm512_min_ps(_mm512_max_ps(x, _mm512_set1_ps(-SIGMOID_LIMIT)), _mm512_set1_ps(SIGMOID_LIMIT));
    let negative = _mm512_sub_ps(_mm512_setzero_ps(), limit(x));
    let one = _mm512_set1_ps(1.0);
    _mm512_div_ps(one, _mm512_add_ps(one, exp(negative)))
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vnni")]
fn exp(x: Floats) -> Floats {
    let n = _mm512_cvtps_epi32(_mm512_mul_ps(x, _mm512_set1_ps(core::f32::consts::LOG2_E)));
    let exponent = _mm512_cvtepi32_ps(n);
    let r = _mm512_sub_ps(x, _mm512_mul_ps(exponent, _mm512_set1_ps(LN_2_HIGH)));
    let r = _mm512_sub_ps(r, _mm512_mul_ps(exponent, _mm512_set1_ps(LN_2_LOW)));
    let mut sum = _mm512_set1_ps(TAYLOR[0]);
    for c in &TAYLOR[1..] {
        sum = _mm512_add_ps(_mm512_mul_ps(sum, r), _mm512_set1_ps(*c));
    }
    let power = _mm512_slli_epi32::<23>(_mm512_add_epi32(n, _mm512_set1_epi32(127)));
    _mm512_mul_ps(sum, _mm512_castsi512_ps(power))
}

/// See `portable`.
///
/// # Safety
///
/// 16 bytes can be written at `to`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vnni")]
pub unsafe fn store_bytes(to: *mut u8, x: Floats, zero: i32, lower: i32) {
    let x = limit(x, zero, lower);
    // SAFETY: the caller's.
    unsafe { _mm_storeu_si128(to.cast(), _mm512_cvtusepi32_epi8(x)) }
}

/// See `portable`.
///
/// # Safety
///
/// 64 bytes can be written at `to`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vnni")]
pub unsafe fn store_four(to: *mut u8, x: [Floats; 4], zero: i32) {
    // Each instruction that packs works on lanes of 128 bits: dword `4 * lane + i` is then of `x[i]`.
    let order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    let zero = _mm512_set1_epi16(zero as i16);
    let first = _mm512_packs_epi32(_mm512_cvtps_epi32(x[0]), _mm512_cvtps_epi32(x[1]));
    let second = _mm512_packs_epi32(_mm512_cvtps_epi32(x[2]), _mm512_cvtps_epi32(x[3]));
    let bytes = _mm512_packus_epi16(_mm512_adds_epi16(first, zero), _mm512_adds_epi16(second, zero));
    // SAFETY: the caller's.
    unsafe { _mm512_storeu_si512(to.cast(), _mm512_permutexvar_epi32(order, bytes)) }
}

/// See `portable`.
///
/// # Safety
///
/// 16 bytes can be written at `to`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vnni")]
pub unsafe fn store_sum(to: *mut u8, x: Floats, zero: i32, lower: i32, other: Sums) {
    let x = _mm512_max_epi32(_mm512_add_epi32(limit(x, zero, lower), other), _mm512_setzero_si512());
    // SAFETY: the caller's.
    unsafe { _mm_storeu_si128(to.cast(), _mm512_cvtusepi32_epi8(x)) }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vnni")]
fn limit(x: Floats, zero: i32, lower: i32) -> Sums {
    // What is too small for an integer becomes the least one, and NaN as well; `min` keeps NaN, its second operand.
    let x = _mm512_cvtps_epi32(_mm512_min_ps(_mm512_set1_ps((255 - zero) as f32), x));
    _mm512_max_epi32(_mm512_add_epi32(x, _mm512_set1_epi32(zero)), _mm512_set1_epi32(lower))
}

/// See `portable`.
///
/// # Safety
///
/// 64 bytes can be written at `to`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vnni")]
pub unsafe fn store_floats(to: *mut u8, x: Floats) {
    // SAFETY: the caller's.
    unsafe { _mm512_storeu_ps(to.cast(), x) }
}

/// See `portable`.
///
/// # Safety
///
/// 16 bytes can be written at `to`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vnni")]
pub unsafe fn quantize(to: *mut u8, x: Floats, scale: f32, zero: i32) {
    // A product with the inverse differs from the quotient in its last bits, which matters where the quotient is nearly
    // halfway between two bytes; there, and for NaN, it is divided.
    let product = _mm512_mul_ps(x, _mm512_set1_ps(1.0 / scale));
    let rounded = _mm512_roundscale_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(product);
    let distance = _mm512_abs_ps(_mm512_sub_ps(product, rounded));
    let is_far = _mm512_cmp_ps_mask::<_CMP_LT_OQ>(distance, _mm512_set1_ps(0.499));
    let quotient = if is_far == u16::MAX { product } else { _mm512_div_ps(x, _mm512_set1_ps(scale)) };
    // SAFETY: the caller's.
    unsafe { store_bytes(to, quotient, zero, 0) }
}
