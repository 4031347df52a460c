//! NumPy's .npy files, as far as networks need them: float32, little-endian, C order.

use crate::error::{Error, Result};
use crate::read::read as read_file;
use std::path::Path;

const MAGIC: &[u8] = b"\x93NUMPY";

/// Bytes of a header that is believed; NumPy's own is 128 for any array that a network takes.
const MAX_HEADER: usize = 1 << 16;

/// An array.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Dimensions, outermost first.
    pub shape: Vec<usize>,
    /// Values, row-major.
    pub data: Vec<f32>,
}

/// Reads an array of at most `limit` values.
pub fn read(path: &Path, limit: usize) -> Result<Array> {
    let bad = |what: &str| Error::input(format!("cannot use `{}`: {what}", path.display()));
    let bytes = read_file(path, (limit * size_of::<f32>() + MAX_HEADER) as u64)?;
    let bytes = bytes.ok_or_else(|| bad(&format!("it has more than {limit} values")))?;
    let hint = "save it as `numpy.save(file, numpy.ascontiguousarray(x, dtype='<f4'))`";
    parse(&bytes).map_err(|what| bad(&what).hint(hint))
}

/// The bytes of a file.
pub fn write(array: &Array) -> Vec<u8> {
    let dimensions: Vec<String> = array.shape.iter().map(usize::to_string).collect();
    // Python writes a tuple of one with a comma.
    let comma = if dimensions.len() == 1 { "," } else { "" };
    let mut header =
        format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}{comma}), }}", dimensions.join(", "));
    // Values start at a multiple of 64 bytes, after a line feed.
    let unpadded = MAGIC.len() + 4 + header.len() + 1;
    header.extend(std::iter::repeat_n(' ', unpadded.next_multiple_of(64) - unpadded));
    header.push('\n');
    let mut bytes = MAGIC.to_vec();
    bytes.extend([1, 0]);
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.bytes());
    bytes.extend(array.data.iter().flat_map(|value| value.to_le_bytes()));
    bytes
}

/// The array in the bytes of a file, or what is wrong with them.
pub fn parse(bytes: &[u8]) -> std::result::Result<Array, String> {
    let cut = || "it ends within its header".to_owned();
    let rest = bytes.strip_prefix(MAGIC).ok_or("it is no .npy file")?;
    let (version, rest) = rest.split_at_checked(2).ok_or_else(cut)?;
    let (length, rest) = match version {
        [1, _] => rest.split_first_chunk().map(|(n, rest)| (usize::from(u16::from_le_bytes(*n)), rest)),
        [2 | 3, _] => rest.split_first_chunk().map(|(n, rest)| (u32::from_le_bytes(*n) as usize, rest)),
        _ => return Err(format!("version {version:?} of .npy is not known")),
    }
    .ok_or_else(cut)?;
    if length > MAX_HEADER {
        return Err("its header is too long".to_owned());
    }
    let (header, values) = rest.split_at_checked(length).ok_or_else(cut)?;
    let header = std::str::from_utf8(header).map_err(|_| "its header is no text")?;
    let kind = entry(header, "descr").ok_or("its header does not name a type")?;
    if !kind.starts_with("'<f4'") {
        let kind = kind.split(',').next().unwrap_or_default();
        // It may be anything; quotes are Python's.
        let visible = |c: char| if c == '\'' { c.to_string() } else { c.escape_debug().to_string() };
        let kind: String = kind.chars().map(visible).collect();
        return Err(format!("its values have type {kind}, not '<f4' (little-endian float32)"));
    }
    if !entry(header, "fortran_order").ok_or("its header does not say the order")?.starts_with("False") {
        return Err("its values are in Fortran order".to_owned());
    }
    let shape = entry(header, "shape").and_then(dimensions).ok_or("its shape cannot be read")?;
    let len = shape.iter().try_fold(1_usize, |len, &side| len.checked_mul(side));
    let size = len.and_then(|len| len.checked_mul(size_of::<f32>()));
    if size != Some(values.len()) {
        return Err(format!("a shape of {shape:?} does not go with {} bytes of values", values.len()));
    }
    let (values, _) = values.as_chunks();
    Ok(Array { shape, data: values.iter().map(|value| f32::from_le_bytes(*value)).collect() })
}

/// What follows a key of the header's dictionary.
fn entry<'a>(header: &'a str, key: &str) -> Option<&'a str> {
    let (_, after) = header.split_once(&format!("'{key}'"))?;
    Some(after.trim_start().strip_prefix(':')?.trim_start())
}

fn dimensions(text: &str) -> Option<Vec<usize>> {
    let (inner, _) = text.strip_prefix('(')?.split_once(')')?;
    let inner = inner.trim().trim_end_matches(',');
    if inner.is_empty() {
        return Some(Vec::new());
    }
    inner.split(',').map(|side| side.trim().parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for shape in [vec![], vec![5], vec![2, 3], vec![1, 3, 2, 2]] {
            let len: usize = shape.iter().product();
            let array = Array { shape, data: (0..len).map(|i| i as f32 - 1.5).collect() };
            let bytes = write(&array);
            assert_eq!(bytes.len() - 4 * len, 128, "values start where NumPy's do");
            assert_eq!(parse(&bytes), Ok(array));
        }
    }

    #[test]
    fn damaged_files_are_refused() {
        let good = write(&Array { shape: vec![2, 3], data: vec![0.0; 6] });
        for length in 0..good.len() {
            assert!(parse(&good[..length]).is_err(), "cut to {length} bytes");
        }
        for (from, to, message) in [
            ("<f4", "<f8", "its values have type '<f8', not '<f4' (little-endian float32)"),
            ("False", "True ", "its values are in Fortran order"),
            ("(2, 3)", "(2, 4)", "a shape of [2, 4] does not go with 24 bytes of values"),
            ("(2, 3)", "(2, x)", "its shape cannot be read"),
            ("descr", "other", "its header does not name a type"),
        ] {
            let at = good.windows(from.len()).position(|part| part == from.as_bytes()).unwrap();
            let mut bad = good.clone();
            bad[at..at + to.len()].copy_from_slice(to.as_bytes());
            assert_eq!(parse(&bad), Err(message.to_owned()));
        }
        let overflow = b"\x93NUMPY\x01\x00\x50\x00{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296, 4), }";
        assert!(parse(&overflow[..]).is_err());
    }
}
