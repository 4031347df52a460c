//! Whether a JPEG file has its end: a decoder fills with grey what is missing of one that was cut off.

use std::io::{self, BufRead, Read as _};

/// Follows the segments of a JPEG file to its end mark; `false` where the file ends before it.
pub(super) fn is_whole(file: &mut impl BufRead) -> io::Result<bool> {
    loop {
        if file.skip_until(0xff)? == 0 {
            return Ok(false);
        }
        let mark = loop {
            match byte(file)? {
                None => return Ok(false),
                // Marks may have any number of these before them.
                Some(0xff) => {}
                Some(mark) => break mark,
            }
        };
        match mark {
            0xd9 => return Ok(true),
            // A byte of data, restarts in it, and the start have nothing behind them.
            0x00 | 0x01 | 0xd0..=0xd8 => {}
            _ => {
                let (Some(high), Some(low)) = (byte(file)?, byte(file)?) else { return Ok(false) };
                let Some(rest) = u64::from(u16::from_be_bytes([high, low])).checked_sub(2) else { return Ok(false) };
                if io::copy(&mut file.by_ref().take(rest), &mut io::sink())? < rest {
                    return Ok(false);
                }
            }
        }
    }
}

fn byte(file: &mut impl BufRead) -> io::Result<Option<u8>> {
    let byte = file.fill_buf()?.first().copied();
    file.consume(usize::from(byte.is_some()));
    Ok(byte)
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{DynamicImage, ImageBuffer, ImageFormat, Rgb};
    use std::io::Cursor;

    #[test]
    fn only_the_whole_file_is_whole() {
        let noise = |x: u32, y: u32| Rgb([(x * 37 + y * 91) as u8, (x * x + y) as u8, (y * y) as u8]);
        let picture = DynamicImage::ImageRgb8(ImageBuffer::from_fn(48, 32, noise));
        let mut file = Vec::new();
        picture.write_to(&mut Cursor::new(&mut file), ImageFormat::Jpeg).expect("a picture of ours");
        assert!(is_whole(&mut file.as_slice()).expect("a slice"));
        for length in 0..file.len() {
            assert!(!is_whole(&mut &file[..length]).expect("a slice"), "{length} of {} bytes", file.len());
        }
        // An end mark within a segment is that of a thumbnail.
        let comment = [b"\xff\xd8\xff\xfe\x00\x06".as_slice(), b"\xff\xd9\xff\xd9", &file[2..]].concat();
        assert!(is_whole(&mut comment.as_slice()).expect("a slice"));
        assert!(!is_whole(&mut &comment[..comment.len() / 2]).expect("a slice"));
    }
}
