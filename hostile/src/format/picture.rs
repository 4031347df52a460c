//! Pictures, read as `mnasc run --image` does.

use super::{Format, Outcome, refused, zip};
use mnas_dsl::network::{Interpolation, Preprocess, Shape};
use std::io::Cursor;

macro_rules! files {
    ($($name:literal),* $(,)?) => { || vec![$(include_bytes!(concat!("../../seeds/", $name)).to_vec()),*] };
}

/// JPEG files.
pub(super) const JPEG: Format = Format {
    name: "jpeg",
    seeds: files!(
        "baseline.jpg",
        "progressive.jpg",
        "grey.jpg",
        "cmyk.jpg",
        "turned.jpg",
        "restart.jpg",
        "sampled.jpg"
    ),
    dictionary: &[
        b"\xff\xd8",
        b"\xff\xd9",
        b"\xff\xc0",
        b"\xff\xc1",
        b"\xff\xc2",
        b"\xff\xc3",
        b"\xff\xc4",
        b"\xff\xc9",
        b"\xff\xcc",
        b"\xff\xda",
        b"\xff\xdb",
        b"\xff\xdc",
        b"\xff\xdd",
        b"\xff\xd0",
        b"\xff\xd7",
        b"\xff\xe0\x00\x10JFIF\0",
        b"\xff\xe1\xff\xffExif\0\0",
        b"\xff\xe1",
        b"\xff\xe2",
        b"ICC_PROFILE\0\x01\xff",
        b"\xff\xee\x00\x0eAdobe",
        b"\xff\xfe",
        b"MM\0*\0\0\0\x08",
        b"II*\0\x08\0\0\0",
        b"\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06",
        b"\xff\xff",
        b"\xff\x00",
        b"\0\0",
        b"\x08\xff\xff\xff\xff\x03",
        b"\x44",
        b"\x11",
        b"\x22",
        b"\xff\xff\xff\xff\xff\xff",
    ],
    mend: |_| {},
    read: picture,
};

/// PNG files.
pub(super) const PNG: Format = Format {
    name: "png",
    seeds: files!(
        "rgb.png",
        "rgba.png",
        "palette.png",
        "grey.png",
        "bits.png",
        "deep.png",
        "interlaced.png",
        "notes.png",
        "animated.png",
    ),
    dictionary: &[
        b"\x89PNG\r\n\x1a\n",
        b"IHDR",
        b"PLTE",
        b"IDAT",
        b"IEND",
        b"tRNS",
        b"gAMA",
        b"cHRM",
        b"sRGB",
        b"iCCP",
        b"tEXt",
        b"zTXt",
        b"iTXt",
        b"bKGD",
        b"pHYs",
        b"sBIT",
        b"hIST",
        b"tIME",
        b"eXIf",
        b"acTL",
        b"fcTL",
        b"fdAT",
        b"cICP",
        b"mDCv",
        b"\0\0\0\0",
        b"\x7f\xff\xff\xff",
        b"\xff\xff\xff\xff",
        b"\x78\x9c",
        b"\x08\x02\0\0\0",
        b"\x10\x06\0\0\x01",
        b"\x01\x03\0\0\x01",
        b"\x00\x01\x00\x00",
        b"II*\0\x08\0\0\0",
    ],
    mend: |bytes| {
        // The checksum of every chunk whose length can be believed.
        let mut at = 8;
        while let Some(length) = bytes.get(at..at + 4) {
            let length = u32::from_be_bytes([length[0], length[1], length[2], length[3]]) as usize;
            let Some(chunk) = bytes.get(at + 4..at + 8 + length) else { return };
            let sum = zip::crc32(chunk).to_be_bytes();
            let Some(place) = bytes.get_mut(at + 8 + length..at + 12 + length) else { return };
            place.copy_from_slice(&sum);
            at += 12 + length;
        }
    },
    read: picture,
};

fn picture(bytes: &[u8]) -> Outcome {
    let shape = Shape { height: 12, width: 10, channels: if bytes.len().is_multiple_of(5) { 1 } else { 3 } };
    let preprocess = Preprocess {
        resize: 14,
        interpolation: if bytes.len().is_multiple_of(2) { Interpolation::Bilinear } else { Interpolation::Bicubic },
        divide: 255.0,
        mean: vec![0.5; shape.channels],
        std: vec![0.25; shape.channels],
    };
    match mnas_io::picture::image(Cursor::new(bytes), bytes.len() as u64, "picture".as_ref(), shape, &preprocess) {
        Ok(image) => {
            assert_eq!(image.len(), shape.len());
            assert!(image.iter().all(|value| (-2.0..=2.0).contains(value)), "values that no byte becomes");
            Outcome::Accepted
        }
        Err(error) => refused(error.message()),
    }
}
