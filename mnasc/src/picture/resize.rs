//! Resizing as Pillow does it, to the bit: networks are trained and judged on pictures that it resized.
//!
//! A filter whose support grows with the reduction, first along rows, then along columns, in fixed point with
//! 22 bits of fraction, rounded to bytes after each. (Source of every constant and rounding: Pillow's Resample.c.)

use mnas_dsl::network::{Interpolation, Preprocess};

/// Fraction bits of the weights: 32 bits less 8 of a value, less 2 for what overshoots.
const PRECISION: u32 = 32 - 8 - 2;

/// Pixels of the largest result.
const MAX_PIXELS: usize = 1 << 28;

/// A picture: rows of pixels, the channels of a pixel together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pixels {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) channels: usize,
    pub(crate) bytes: Vec<u8>,
}

/// Resizes so that the shorter side is `preprocess.resize`; the longer is rounded down, as torchvision's `Resize` does.
/// `None` if the result would be larger than [`MAX_PIXELS`].
pub(crate) fn shorter_side(pixels: Pixels, preprocess: &Preprocess) -> Option<Pixels> {
    let (size, short) = (preprocess.resize, pixels.width.min(pixels.height));
    let scaled = |side: usize| size.checked_mul(side)?.checked_div(short);
    let (width, height) = (scaled(pixels.width)?, scaled(pixels.height)?);
    // Between the passes the picture has its own height.
    let fits = |height: usize| width.checked_mul(height).is_some_and(|pixels| pixels <= MAX_PIXELS);
    (fits(height) && fits(pixels.height)).then(|| resize(pixels, width, height, preprocess.interpolation))
}

/// Resizes to `width` x `height`.
pub(crate) fn resize(pixels: Pixels, width: usize, height: usize, interpolation: Interpolation) -> Pixels {
    let pixels = if pixels.width == width { pixels } else { along_rows(&pixels, width, interpolation) };
    if pixels.height == height { pixels } else { along_columns(&pixels, height, interpolation) }
}

fn along_rows(pixels: &Pixels, width: usize, interpolation: Interpolation) -> Pixels {
    let Pixels { width: from, height, channels, bytes } = pixels;
    let taps = taps(*from, width, interpolation);
    let mut out = Vec::with_capacity(width * height * channels);
    for row in bytes.chunks_exact(from * channels) {
        for Taps { first, weights } in &taps {
            for c in 0..*channels {
                let values = row.iter().skip(first * channels + c).step_by(*channels);
                out.push(weighted(values, weights));
            }
        }
    }
    Pixels { width, height: *height, channels: *channels, bytes: out }
}

fn along_columns(pixels: &Pixels, height: usize, interpolation: Interpolation) -> Pixels {
    let Pixels { width, height: from, channels, bytes } = pixels;
    let stride = width * channels;
    let mut out = Vec::with_capacity(stride * height);
    for Taps { first, weights } in taps(*from, height, interpolation) {
        for x in 0..stride {
            out.push(weighted(bytes.iter().skip(first * stride + x).step_by(stride), &weights));
        }
    }
    Pixels { width: *width, height, channels: *channels, bytes: out }
}

fn weighted<'a>(values: impl Iterator<Item = &'a u8>, weights: &[i32]) -> u8 {
    let half = 1_i64 << (PRECISION - 1);
    let sum = values.zip(weights).fold(half, |sum, (value, weight)| sum + i64::from(*value) * i64::from(*weight));
    (sum >> PRECISION).clamp(0, 255) as u8
}

/// What one output pixel is made of.
struct Taps {
    /// The first input pixel.
    first: usize,
    /// Weights of it and those after it, in fixed point.
    weights: Vec<i32>,
}

fn taps(from: usize, to: usize, interpolation: Interpolation) -> Vec<Taps> {
    let (filter, support): (fn(f64) -> f64, f64) = match interpolation {
        Interpolation::Bilinear => (triangle, 1.0),
        Interpolation::Bicubic => (catmull_rom, 2.0),
    };
    let scale = from as f64 / to as f64;
    // Enlarging interpolates between neighbours; reducing averages over all that an output pixel covers.
    let filter_scale = scale.max(1.0);
    let support = support * filter_scale;
    let tap = |x: usize| {
        let center = (x as f64 + 0.5) * scale;
        // A cast to an unsigned type stops at 0, where the picture starts.
        let first = (center - support + 0.5) as usize;
        let end = ((center + support + 0.5) as usize).min(from);
        let weights: Vec<f64> =
            (first..end).map(|i| filter((i as f64 - center + 0.5) * (1.0 / filter_scale))).collect();
        let total: f64 = weights.iter().sum();
        let fixed = |weight: f64| (weight / total * f64::from(1_u32 << PRECISION)).round() as i32;
        Taps { first, weights: weights.into_iter().map(fixed).collect() }
    };
    (0..to).map(tap).collect()
}

fn triangle(x: f64) -> f64 {
    (1.0 - x.abs()).max(0.0)
}

fn catmull_rom(x: f64) -> f64 {
    const A: f64 = -0.5;
    let x = x.abs();
    if x < 1.0 {
        ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        (((x - 5.0) * x + 8.0) * x - 4.0) * A
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Interpolation::{Bicubic, Bilinear};

    fn picture(width: usize, height: usize) -> Pixels {
        let value = |x: usize, y: usize, c: usize| ((31 * y + 17 * x * x + 101 * c) % 256) as u8;
        let bytes = (0..height * width * 3).map(|i| value(i / 3 % width, i / 3 / width, i % 3)).collect();
        Pixels { width, height, channels: 3, bytes }
    }

    fn fnv1a(bytes: &[u8]) -> u64 {
        let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
    }

    /// The hashes are those of `Image.frombytes("RGB", from, bytes).resize(to, filter).tobytes()` by Pillow 13.0.0.
    #[test]
    fn every_byte_is_pillows() {
        for (from, to, interpolation, first, hash) in [
            ((40, 30), (7, 5), Bilinear, [127, 127, 126, 136], 0x1c75_225c_56d7_6ae4),
            ((40, 30), (7, 5), Bicubic, [125, 127, 127, 138], 0x0b53_6f94_768c_8228),
            ((9, 7), (16, 24), Bilinear, [0, 101, 202, 6], 0x903d_dc6f_7e9a_ba6b),
            ((9, 7), (16, 24), Bicubic, [0, 97, 198, 0], 0x1d36_ebf5_8280_c491),
            ((33, 50), (20, 30), Bilinear, [20, 121, 222, 87], 0x94c4_c0b7_dac9_40c0),
            ((33, 50), (20, 30), Bicubic, [14, 118, 232, 90], 0x3334_64a5_e1e2_c21e),
        ] {
            let resized = resize(picture(from.0, from.1), to.0, to.1, interpolation);
            assert_eq!((resized.width, resized.height, resized.bytes.len()), (to.0, to.1, to.0 * to.1 * 3));
            assert_eq!(resized.bytes[..4], first, "{from:?} to {to:?} {interpolation:?}");
            assert_eq!(fnv1a(&resized.bytes), hash, "{from:?} to {to:?} {interpolation:?}");
        }
    }

    #[test]
    fn what_would_not_fit_into_memory_is_refused() {
        let preprocess =
            Preprocess { resize: 256, interpolation: Bilinear, divide: 1.0, mean: vec![0.0; 3], std: vec![1.0; 3] };
        let size = |width, height| shorter_side(picture(width, height), &preprocess).map(|p| (p.width, p.height));
        assert_eq!(size(451, 300), Some((384, 256)));
        assert_eq!(size(300, 451), Some((256, 384)));
        assert_eq!(size(1, 10_000), None);
    }
}
