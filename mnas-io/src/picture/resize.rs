//! Resizing and cropping as Pillow and torchvision do it, to the bit: networks are trained and judged on pictures that
//! they resized.
//!
//! A filter whose support grows with the reduction, first along rows, then along columns, in fixed point with
//! 22 bits of fraction, rounded to bytes after each. (Source of every constant and rounding: Pillow's Resample.c.)

use mnas_dsl::network::{Interpolation, Preprocess};
use std::ops::Range;

/// Fraction bits of the weights: 32 bits less 8 of a value, less 2 for what overshoots.
const PRECISION: u32 = 32 - 8 - 2;

/// A picture: rows of pixels, the channels of a pixel together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pixels {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) channels: usize,
    pub(crate) bytes: Vec<u8>,
}

/// The middle of what a picture becomes when its shorter side is resized to `preprocess.resize`; the longer is rounded
/// down, as torchvision's `Resize` does. Nothing else of it is computed: what is long and thin would fill the memory.
///
/// `None` if the sides of the result overflow. (`preprocess` never resizes to less than is kept.)
pub(crate) fn middle(pixels: &Pixels, preprocess: &Preprocess, width: usize, height: usize) -> Option<Pixels> {
    let (size, short) = (preprocess.resize, pixels.width.min(pixels.height));
    let scaled = |side: usize| size.checked_mul(side)?.checked_div(short);
    let full = (scaled(pixels.width)?, scaled(pixels.height)?);
    let (left, top) = (margin(full.0, width), margin(full.1, height));
    Some(part(pixels, full, left..left + width, top..top + height, preprocess.interpolation))
}

/// Columns `x` and rows `y` of a picture that is resized to `full`, its width and its height.
fn part(
    pixels: &Pixels,
    full: (usize, usize),
    x: Range<usize>,
    y: Range<usize>,
    interpolation: Interpolation,
) -> Pixels {
    let columns = taps(pixels.width, full.0, x, interpolation);
    let mut rows = taps(pixels.height, full.1, y, interpolation);
    // Between the passes there are only the rows that the second one needs.
    let first = rows.iter().map(|taps| taps.first).min().unwrap_or(0);
    let end = rows.iter().map(|taps| taps.first + taps.weights.len()).max().unwrap_or(0);
    rows.iter_mut().for_each(|taps| taps.first -= first);
    along_columns(&along_rows(pixels, first..end, &columns), &rows)
}

/// Half of what is cut off, rounded to even, as torchvision's `CenterCrop` does.
fn margin(side: usize, kept: usize) -> usize {
    let cut = side.saturating_sub(kept);
    cut / 2 + usize::from(cut % 4 == 3)
}

fn along_rows(pixels: &Pixels, rows: Range<usize>, taps: &[Taps]) -> Pixels {
    let Pixels { width: from, channels, bytes, .. } = pixels;
    let mut out = Vec::with_capacity(taps.len() * rows.len() * channels);
    for row in bytes.chunks_exact(from * channels).skip(rows.start).take(rows.len()) {
        for Taps { first, weights } in taps {
            for c in 0..*channels {
                let values = row.iter().skip(first * channels + c).step_by(*channels);
                out.push(weighted(values, weights));
            }
        }
    }
    Pixels { width: taps.len(), height: rows.len(), channels: *channels, bytes: out }
}

fn along_columns(pixels: &Pixels, taps: &[Taps]) -> Pixels {
    let Pixels { width, channels, bytes, .. } = pixels;
    let stride = width * channels;
    let mut out = Vec::with_capacity(stride * taps.len());
    for Taps { first, weights } in taps {
        for x in 0..stride {
            out.push(weighted(bytes.iter().skip(first * stride + x).step_by(stride), weights));
        }
    }
    Pixels { width: *width, height: taps.len(), channels: *channels, bytes: out }
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

/// What each of the pixels `wanted` of `to` is made of.
fn taps(from: usize, to: usize, wanted: Range<usize>, interpolation: Interpolation) -> Vec<Taps> {
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
    wanted.map(tap).collect()
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

    /// FNV-1a, 64 bits.
    fn fnv(bytes: &[u8]) -> u64 {
        let add = |sum: u64, byte: &u8| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        bytes.iter().fold(0xcbf2_9ce4_8422_2325, add)
    }

    fn picture(width: usize, height: usize) -> Pixels {
        let value = |x: usize, y: usize, c: usize| ((31 * y + 17 * x * x + 101 * c) % 256) as u8;
        let bytes = (0..height * width * 3).map(|i| value(i / 3 % width, i / 3 / width, i % 3)).collect();
        Pixels { width, height, channels: 3, bytes }
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
            let resized = part(&picture(from.0, from.1), to, 0..to.0, 0..to.1, interpolation);
            assert_eq!((resized.width, resized.height, resized.bytes.len()), (to.0, to.1, to.0 * to.1 * 3));
            assert_eq!(resized.bytes[..4], first, "{from:?} to {to:?} {interpolation:?}");
            assert_eq!(fnv(&resized.bytes), hash, "{from:?} to {to:?} {interpolation:?}");
        }
    }

    fn to(resize: usize) -> Preprocess {
        Preprocess { resize, interpolation: Bicubic, divide: 1.0, mean: vec![0.0; 3], std: vec![1.0; 3] }
    }

    #[test]
    fn a_part_equals_that_part_of_the_whole() {
        for (width, height, size) in [(40, 30, 20), (30, 40, 20), (9, 7, 33), (7, 9, 33), (20, 20, 20)] {
            let picture = picture(width, height);
            let short = width.min(height);
            let full = (size * width / short, size * height / short);
            let whole = part(&picture, full, 0..full.0, 0..full.1, Bicubic);
            let found = middle(&picture, &to(size), 13, 11).expect("small numbers");
            let (left, top) = (margin(full.0, 13), margin(full.1, 11));
            let rows = whole.bytes.chunks_exact(full.0 * 3).skip(top).take(11);
            let expected: Vec<u8> = rows.flat_map(|row| &row[left * 3..][..13 * 3]).copied().collect();
            assert_eq!(found, Pixels { width: 13, height: 11, channels: 3, bytes: expected });
        }
    }

    #[test]
    fn of_long_and_thin_pictures_only_the_middle_is_made() {
        for (width, height) in [(1, 3_000_000), (3_000_000, 1)] {
            let middle = middle(&picture(width, height), &to(256), 224, 224);
            assert_eq!(middle.map(|pixels| pixels.bytes.len()), Some(224 * 224 * 3));
        }
    }

    #[test]
    fn margins_are_rounded_as_python_rounds() {
        assert_eq!([0, 1, 2, 3, 4, 5, 6, 7].map(|cut| margin(224 + cut, 224)), [0, 0, 1, 2, 2, 2, 3, 4]);
    }
}
