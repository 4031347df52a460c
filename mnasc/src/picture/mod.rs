//! From a JPEG or PNG file to a network's input, as the spec's `preprocess` says.

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
pub(crate) fn read(path: &Path, shape: Shape, preprocess: &Preprocess) -> Result<Vec<f32>> {
    let file = File::open(path).map_err(|error| Error::file("read", path, &error))?;
    let size = file.metadata().map_err(|error| Error::file("read", path, &error))?.len();
    image(BufReader::new(file), size, path, shape, preprocess)
}

/// The same of a file that is open and has `size` bytes; `path` is for messages.
pub(crate) fn image(
    file: impl BufRead + Seek,
    size: u64,
    path: &Path,
    shape: Shape,
    preprocess: &Preprocess,
) -> Result<Vec<f32>> {
    Ok(normalise(&middle(file, size, path, shape, preprocess)?, preprocess))
}

/// Reads a picture as bytes of `shape`, not normalised yet.
#[cfg(feature = "train")]
pub(crate) fn bytes(path: &Path, shape: Shape, preprocess: &Preprocess) -> Result<Vec<u8>> {
    let file = File::open(path).map_err(|error| Error::file("read", path, &error))?;
    let size = file.metadata().map_err(|error| Error::file("read", path, &error))?.len();
    Ok(middle(BufReader::new(file), size, path, shape, preprocess)?.bytes)
}

/// Bytes of one shape as bytes of another, as a picture file would be read; `None` if it cannot be.
#[cfg(feature = "train")]
pub(crate) fn resized(bytes: &[u8], from: Shape, to: Shape, preprocess: &Preprocess) -> Option<Vec<u8>> {
    let bytes = match (from.channels, to.channels) {
        (from, to) if from == to => bytes.to_vec(),
        (1, 3) => bytes.iter().flat_map(|&grey| [grey; 3]).collect(),
        (3, 1) => bytes.as_chunks::<3>().0.iter().map(|&pixel| luma(pixel)).collect(),
        _ => return None,
    };
    let pixels = Pixels { width: from.width, height: from.height, channels: to.channels, bytes };
    if (from.width, from.height) == (to.width, to.height) {
        return Some(pixels.bytes);
    }
    resize::middle(&pixels, preprocess, to.width, to.height).map(|middle| middle.bytes)
}

fn middle(file: impl BufRead + Seek, size: u64, path: &Path, shape: Shape, preprocess: &Preprocess) -> Result<Pixels> {
    let pixels = pixels(decode(file, size, path)?, shape.channels)?;
    let middle = resize::middle(&pixels, preprocess, shape.width, shape.height);
    middle.ok_or_else(|| Error::input(format!("the picture `{}` is too long for its width", path.display())))
}

/// Bytes of a decoded picture: room for any camera's, and no danger to a machine's memory.
const MAX_BYTES: u64 = 512 << 20;

/// Bytes that any file may be decoded to, and for each of its own: photographs are packed 5 to 30 times smaller than
/// their pixels, a bomb a thousand times.
const ALLOWANCE: u64 = 48 << 20;
const BYTES_PER_BYTE: u64 = 100;

fn decode(file: impl BufRead + Seek, size: u64, path: &Path) -> Result<DynamicImage> {
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

/// Bytes of each pixel. Transparency is dropped, as in the pipelines that networks are trained with.
fn pixels(picture: DynamicImage, channels: usize) -> Result<Pixels> {
    let rgb = picture.into_rgb8();
    let (width, height) = (rgb.width() as usize, rgb.height() as usize);
    let bytes = match channels {
        3 => rgb.into_raw(),
        1 => rgb.pixels().map(|pixel| luma(pixel.0)).collect(),
        _ => {
            return Err(Error::input(format!("the network takes {channels} channels, a picture has 3 or 1"))
                .hint("give a tensor by `--input X.npy`"));
        }
    };
    Ok(Pixels { width, height, channels, bytes })
}

/// ITU-R BT.601 in 16 bits, as Pillow computes it.
fn luma([r, g, b]: [u8; 3]) -> u8 {
    ((u32::from(r) * 19595 + u32::from(g) * 38470 + u32::from(b) * 7471 + 0x8000) >> 16) as u8
}

fn normalise(pixels: &Pixels, preprocess: &Preprocess) -> Vec<f32> {
    let Preprocess { divide, mean, std, .. } = preprocess;
    let constants = || mean.iter().zip(std).cycle();
    pixels
        .bytes
        .iter()
        .zip(constants())
        .map(|(v, (mean, std))| ((f64::from(*v) / divide - mean) / std) as f32)
        .collect()
}
