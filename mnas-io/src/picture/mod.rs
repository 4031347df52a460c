//! From a JPEG or PNG file to a network's input, as the spec's `preprocess` says.

mod jpeg;
mod resize;

use crate::error::{Error, Result};
use image::error::{LimitError, LimitErrorKind};
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder as _, ImageError, ImageReader};
use mnas_dsl::network::{Preprocess, Shape};
use resize::Pixels;
use std::fs::File;
use std::io::{BufRead, BufReader, Seek};
use std::path::Path;

/// Reads a picture as an image of `shape`, height x width x channels.
pub fn read(path: &Path, shape: Shape, preprocess: &Preprocess) -> Result<Vec<f32>> {
    let file = File::open(path).map_err(|error| Error::file("read", path, &error))?;
    let size = file.metadata().map_err(|error| Error::file("read", path, &error))?.len();
    image(BufReader::new(file), size, path, shape, preprocess)
}

/// The same of a file that is open and has `size` bytes; `path` is for messages.
pub fn image(
    file: impl BufRead + Seek,
    size: u64,
    path: &Path,
    shape: Shape,
    preprocess: &Preprocess,
) -> Result<Vec<f32>> {
    Ok(normalised(&middle(file, size, path, shape, preprocess)?.bytes, preprocess))
}

/// Reads a picture as bytes of `shape`, not normalised yet.
pub fn bytes(path: &Path, shape: Shape, preprocess: &Preprocess) -> Result<Vec<u8>> {
    let file = File::open(path).map_err(|error| Error::file("read", path, &error))?;
    let size = file.metadata().map_err(|error| Error::file("read", path, &error))?.len();
    Ok(middle(BufReader::new(file), size, path, shape, preprocess)?.bytes)
}

/// Bytes of one shape as bytes of another, as a picture file would be read; `None` if it cannot be.
pub fn resized(bytes: &[u8], from: Shape, to: Shape, preprocess: &Preprocess) -> Option<Vec<u8>> {
    let pixels = Pixels { width: from.width, height: from.height, channels: from.channels, bytes: bytes.to_vec() };
    if (from.width, from.height) == (to.width, to.height) {
        return Some(with_channels(pixels, to.channels)?.bytes);
    }
    Some(fitted(pixels, to, preprocess)?.bytes)
}

/// Bytes (HWC) as the network's input: `(byte / divide - mean) / std`.
pub fn normalised(bytes: &[u8], preprocess: &Preprocess) -> Vec<f32> {
    let Preprocess { divide, mean, std, .. } = preprocess;
    let constants = mean.iter().zip(std).cycle();
    bytes.iter().zip(constants).map(|(v, (mean, std))| ((f64::from(*v) / divide - mean) / std) as f32).collect()
}

fn middle(file: impl BufRead + Seek, size: u64, path: &Path, shape: Shape, preprocess: &Preprocess) -> Result<Pixels> {
    let pixels = pixels(decode(file, size, path)?);
    if ![1, 3].contains(&shape.channels) {
        return Err(Error::input(format!("the network takes {} channels, a picture has 3 or 1", shape.channels))
            .hint("give a tensor by `--input X.npy`"));
    }
    let fitted = fitted(pixels, shape, preprocess);
    fitted.ok_or_else(|| Error::input(format!("the picture `{}` is too long for its width", path.display())))
}

/// The middle of a picture, in `shape`; `None` if it cannot be.
fn fitted(pixels: Pixels, shape: Shape, preprocess: &Preprocess) -> Option<Pixels> {
    // Colours become grey before they are resized, as in Pillow, which rounds after each; grey is spread after it, which
    // is the same at a third of the cost.
    let pixels = if pixels.channels > shape.channels { with_channels(pixels, shape.channels)? } else { pixels };
    with_channels(resize::middle(&pixels, preprocess, shape.width, shape.height)?, shape.channels)
}

/// Colours as grey or grey as colours; `None` for other numbers of channels.
fn with_channels(pixels: Pixels, channels: usize) -> Option<Pixels> {
    let bytes = match (pixels.channels, channels) {
        (from, to) if from == to => pixels.bytes,
        (1, 3) => pixels.bytes.iter().flat_map(|&grey| [grey; 3]).collect(),
        (3, 1) => pixels.bytes.as_chunks::<3>().0.iter().map(|&pixel| luma(pixel)).collect(),
        _ => return None,
    };
    Some(Pixels { channels, bytes, ..pixels })
}

/// Bytes of a decoded picture: room for any camera's, and no danger to a machine's memory.
const MAX_BYTES: u64 = 512 << 20;

/// Bytes that any file may be decoded to, and for each of its own: photographs are packed 5 to 30 times smaller than
/// their pixels, a bomb a thousand times.
const ALLOWANCE: u64 = 48 << 20;
const BYTES_PER_BYTE: u64 = 100;

fn decode(mut file: impl BufRead + Seek, size: u64, path: &Path) -> Result<DynamicImage> {
    let failed = |error: std::io::Error| Error::file("read", path, &error);
    if file.fill_buf().map_err(failed)?.starts_with(b"\xff\xd8\xff") {
        if !jpeg::is_whole(&mut file).map_err(failed)? {
            let found = format!("cannot read the picture `{}`: the file is cut off", path.display());
            return Err(Error::input(found).hint("a JPEG file ends with its end mark: fetch it again"));
        }
        file.rewind().map_err(failed)?;
    }
    let reader = ImageReader::new(file).with_guessed_format();
    let reader = reader.map_err(|error| Error::file("read", path, &error))?;
    let decode = || -> image::ImageResult<DynamicImage> {
        let mut decoder = reader.into_decoder()?;
        if decoder.total_bytes() > MAX_BYTES.min(ALLOWANCE.saturating_add(size.saturating_mul(BYTES_PER_BYTE))) {
            return Err(ImageError::Limits(LimitError::from_kind(LimitErrorKind::InsufficientMemory)));
        }
        // Cameras note how they were held; a file whose note cannot be read is taken as it lies.
        let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
        let mut picture = DynamicImage::from_decoder(decoder)?;
        picture.apply_orientation(orientation);
        Ok(picture)
    };
    decode().map_err(|error| match error {
        ImageError::IoError(error) if error.kind() != std::io::ErrorKind::UnexpectedEof => {
            Error::file("read", path, &error)
        }
        error => {
            Error::input(format!("cannot read the picture `{}`: {}", path.display(), error.to_string().trim_end()))
                .hint("JPEG and PNG files are read")
        }
    })
}

/// Bytes of each pixel, in one channel or three. Transparency is dropped, as in the pipelines that networks are trained
/// with.
fn pixels(picture: DynamicImage) -> Pixels {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let (channels, bytes) = match picture.color().has_color() {
        true => (3, picture.into_rgb8().into_raw()),
        false => (1, picture.into_luma8().into_raw()),
    };
    Pixels { width, height, channels, bytes }
}

/// ITU-R BT.601 in 16 bits, as Pillow computes it.
fn luma([r, g, b]: [u8; 3]) -> u8 {
    ((u32::from(r) * 19595 + u32::from(g) * 38470 + u32::from(b) * 7471 + 0x8000) >> 16) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::ImageBuffer;
    use mnas_dsl::network::Interpolation;

    /// Every value that a file of each depth may have, with and without transparency.
    fn greys() -> [DynamicImage; 4] {
        let value = |x: u32, y: u32| (256 * y + x) as u16;
        [
            DynamicImage::ImageLuma8(ImageBuffer::from_fn(256, 2, |x, _| image::Luma([x as u8]))),
            DynamicImage::ImageLumaA8(ImageBuffer::from_fn(256, 3, |x, y| image::LumaA([x as u8, 90 * y as u8]))),
            DynamicImage::ImageLuma16(ImageBuffer::from_fn(256, 256, |x, y| image::Luma([value(x, y)]))),
            DynamicImage::ImageLumaA16(ImageBuffer::from_fn(256, 256, |x, y| image::LumaA([value(x, y), value(y, x)]))),
        ]
    }

    #[test]
    fn grey_in_one_channel_is_what_it_is_in_each_of_three() {
        for grey in greys() {
            let colour = grey.color();
            let three: Vec<u8> = grey.to_rgb8().into_raw();
            let pixels = with_channels(pixels(grey), 3).expect("1 or 3");
            assert!(pixels.bytes == three, "{colour:?}");
        }
    }

    /// Of several channels and sizes, against the slow way: spread first, resized then.
    #[test]
    fn grey_is_spread_after_it_is_resized() {
        let bytes: Vec<u8> = (0..31 * 23_u32).map(|i| (i * i % 251) as u8).collect();
        let grey = Pixels { width: 31, height: 23, channels: 1, bytes };
        let spread = with_channels(grey.clone(), 3).expect("1 or 3");
        for interpolation in [Interpolation::Bilinear, Interpolation::Bicubic] {
            for (resize, height, width) in [(11, 9, 7), (23, 23, 23), (40, 32, 33)] {
                let preprocess =
                    Preprocess { resize, interpolation, divide: 255.0, mean: vec![0.0; 3], std: vec![1.0; 3] };
                let shape = Shape { height, width, channels: 3 };
                let expected = resize::middle(&spread, &preprocess, width, height).expect("small numbers");
                assert_eq!(fitted(grey.clone(), shape, &preprocess), Some(expected), "{interpolation:?} {resize}");
            }
        }
    }
}
