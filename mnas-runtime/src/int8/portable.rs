//! Plain Rust for any processor: the definition of what the vectors compute.

use super::super::isa::portable::{max, min};
use super::super::math::{LN_2_HIGH, LN_2_LOW, SIGMOID_LIMIT, TAYLOR};
use super::LANES;

/// Sums of sixteen channels.
pub type Sums = [i32; LANES];
/// Values of sixteen channels.
pub type Floats = [f32; LANES];
/// Four bytes of a pixel.
pub type Quad = [u8; 4];
/// Four pixels of sixteen channels.
pub type Window = [[u8; LANES]; 4];
/// Four weights of each of sixteen channels.
pub type Weights = [[i8; 4]; LANES];

/// Sixteen sums.
///
/// # Safety
///
/// 64 bytes can be read at `from`.
#[inline]
pub unsafe fn load_sums(from: *const u8) -> Sums {
    // SAFETY: the caller's; any bits are sums.
    unsafe { from.cast::<Sums>().read_unaligned() }
}

/// Sixteen values.
///
/// # Safety
///
/// 64 bytes can be read at `from`.
#[inline]
pub unsafe fn load_floats(from: *const u8) -> Floats {
    // SAFETY: the caller's; any bits are values.
    unsafe { from.cast::<Floats>().read_unaligned() }
}

/// A quad of weights.
///
/// # Safety
///
/// 64 bytes can be read at `from`.
#[inline]
pub unsafe fn load_weights(from: *const u8) -> Weights {
    // SAFETY: the caller's; any bits are weights.
    unsafe { from.cast::<Weights>().read_unaligned() }
}

/// Four bytes, for all channels.
///
/// # Safety
///
/// 4 bytes can be read at `from`.
#[inline]
pub unsafe fn splat_quad(from: *const u8) -> Quad {
    // SAFETY: the caller's.
    unsafe { from.cast::<Quad>().read_unaligned() }
}

/// Four pixels that lie one behind the other, sixteen channels each.
///
/// # Safety
///
/// 64 bytes can be read at `from`.
#[inline]
pub unsafe fn load_window(from: *const u8) -> Window {
    // SAFETY: the caller's.
    unsafe { from.cast::<Window>().read_unaligned() }
}

/// Sixteen bytes as sums.
///
/// # Safety
///
/// 16 bytes can be read at `from`.
#[inline]
pub unsafe fn load_bytes(from: *const u8) -> Sums {
    // SAFETY: the caller's.
    unsafe { from.cast::<[u8; LANES]>().read_unaligned() }.map(i32::from)
}

/// `sums[c] + bytes . weights[c]`.
#[inline]
pub fn dot(sums: Sums, bytes: Quad, weights: Weights) -> Sums {
    core::array::from_fn(|c| {
        let products: [i32; 4] = core::array::from_fn(|j| i32::from(bytes[j]) * i32::from(weights[c][j]));
        products.iter().fold(sums[c], |sum, product| sum.wrapping_add(*product))
    })
}

/// `sums[c] + window[..][c] . weights[c]`.
#[inline]
pub fn dot_window(sums: Sums, window: Window, weights: Weights) -> Sums {
    core::array::from_fn(|c| {
        let products: [i32; 4] = core::array::from_fn(|j| i32::from(window[j][c]) * i32::from(weights[c][j]));
        products.iter().fold(sums[c], |sum, product| sum.wrapping_add(*product))
    })
}

/// `a + b`.
#[inline]
pub fn add_sums(a: Sums, b: Sums) -> Sums {
    core::array::from_fn(|c| a[c].wrapping_add(b[c]))
}

/// The larger of each pair.
#[inline]
pub fn max_sums(a: Sums, b: Sums) -> Sums {
    core::array::from_fn(|c| a[c].max(b[c]))
}

/// One sum for all channels.
#[inline]
pub fn splat_sum(value: i32) -> Sums {
    [value; LANES]
}

/// One value for all channels.
#[inline]
pub fn splat(value: f32) -> Floats {
    [value; LANES]
}

/// The nearest values, ties to even.
#[inline]
pub fn to_floats(sums: Sums) -> Floats {
    sums.map(|sum| sum as f32)
}

/// `a * b`.
#[inline]
pub fn multiply(a: Floats, b: Floats) -> Floats {
    core::array::from_fn(|c| a[c] * b[c])
}

/// `max(x, 0)`.
#[inline]
pub fn relu(x: Floats) -> Floats {
    x.map(|x| max(x, 0.0))
}

/// `min(max(x, 0), 6)`.
#[inline]
pub fn relu6(x: Floats) -> Floats {
    x.map(|x| min(max(x, 0.0), 6.0))
}

/// `min(max(x + 3, 0), 6) / 6`.
#[inline]
pub fn hard_sigmoid(x: Floats) -> Floats {
    x.map(|x| min(max(x + 3.0, 0.0), 6.0) * (1.0 / 6.0))
}

/// `1 / (1 + exp(-x))`.
#[inline]
pub fn sigmoid(x: Floats) -> Floats {
    x.map(|x| {
        let x = min(max(x, -SIGMOID_LIMIT), SIGMOID_LIMIT);
        1.0 / (1.0 + exp(-x))
    })
}

fn exp(x: f32) -> f32 {
    let n = round(x * core::f32::consts::LOG2_E);
    let r = x - n as f32 * LN_2_HIGH;
    let r = r - n as f32 * LN_2_LOW;
    let mut sum = TAYLOR[0];
    for c in &TAYLOR[1..] {
        sum = sum * r + c;
    }
    sum * f32::from_bits(((n + 127) as u32) << 23)
}

/// The nearest integer, ties to even, of a value whose magnitude is below `2^22`.
#[inline]
fn round(x: f32) -> i32 {
    /// `1.5 * 2^23`: the sum has the integer in its low bits.
    const ROUNDER: f32 = 12_582_912.0;
    (x + ROUNDER).to_bits().wrapping_sub(ROUNDER.to_bits()) as i32
}

/// Stores `round(x) + zero`, limited to `lower..=255`, as sixteen bytes; NaN gives `lower`.
///
/// # Safety
///
/// 16 bytes can be written at `to`.
#[inline]
pub unsafe fn store_bytes(to: *mut u8, x: Floats, zero: i32, lower: i32) {
    // The limits are integers, so limiting before rounding equals limiting after it.
    let (least, most) = ((lower - zero) as f32, (255 - zero) as f32);
    let bytes = x.map(|x| (round(min(max(x, least), most)) + zero) as u8);
    // SAFETY: the caller's.
    unsafe { to.cast::<[u8; LANES]>().write_unaligned(bytes) }
}

/// Stores four times what [`store_bytes`] with a limit of 0 stores, one behind the other, of values whose magnitude is
/// below `2^31`.
///
/// # Safety
///
/// 64 bytes can be written at `to`.
#[inline]
pub unsafe fn store_four(to: *mut u8, x: [Floats; 4], zero: i32) {
    for (i, x) in x.into_iter().enumerate() {
        // SAFETY: the caller's.
        unsafe { store_bytes(to.add(LANES * i), x, zero, 0) }
    }
}

/// Stores the byte that [`store_bytes`] would, plus `other`, limited to `0..=255`.
///
/// # Safety
///
/// 16 bytes can be written at `to`.
#[inline]
pub unsafe fn store_sum(to: *mut u8, x: Floats, zero: i32, lower: i32, other: Sums) {
    let mut bytes = [0; LANES];
    // SAFETY: an array of 16 bytes.
    unsafe { store_bytes(bytes.as_mut_ptr(), x, zero, lower) };
    let sums: [u8; LANES] = core::array::from_fn(|c| i32::from(bytes[c]).wrapping_add(other[c]).clamp(0, 255) as u8);
    // SAFETY: the caller's.
    unsafe { to.cast::<[u8; LANES]>().write_unaligned(sums) }
}

/// Stores sixteen values.
///
/// # Safety
///
/// 64 bytes can be written at `to`.
#[inline]
pub unsafe fn store_floats(to: *mut u8, x: Floats) {
    // SAFETY: the caller's.
    unsafe { to.cast::<Floats>().write_unaligned(x) }
}

/// Sixteen values of an image as bytes: `round(x / scale) + zero`, limited to `0..=255`; NaN gives 0.
///
/// # Safety
///
/// 16 bytes can be written at `to`.
#[inline]
pub unsafe fn quantize(to: *mut u8, x: Floats, scale: f32, zero: i32) {
    // SAFETY: the caller's.
    unsafe { store_bytes(to, x.map(|x| x / scale), zero, 0) }
}
