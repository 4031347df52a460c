//! Values in memory and on pipes.

use std::io::{self, Read, Write};

/// `len` zeros that live as long as the program and start at a cache line: a vector that straddles two costs twice.
pub fn aligned(len: usize) -> &'static mut [f32] {
    let memory = vec![0.0_f32; len + 16].leak();
    let start = memory.as_ptr().align_offset(64).min(16);
    &mut memory[start..][..len]
}

/// Reads little-endian values; false at the end of the input.
///
/// # Errors
///
/// The input ends within the values, or cannot be read.
pub fn fill(input: &mut impl Read, values: &mut [f32]) -> io::Result<bool> {
    let mut buffer = [0; 1 << 14];
    for (i, part) in values.chunks_mut(buffer.len() / 4).enumerate() {
        let bytes = &mut buffer[..part.len() * 4];
        match input.read(&mut bytes[..1])? {
            0 if i == 0 => return Ok(false),
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            _ => input.read_exact(&mut bytes[1..])?,
        }
        for (value, bytes) in part.iter_mut().zip(bytes.chunks_exact(4)) {
            *value = f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        }
    }
    Ok(true)
}

/// Writes values, little-endian.
///
/// # Errors
///
/// The output cannot be written.
pub fn write(output: &mut impl Write, values: &[f32]) -> io::Result<()> {
    values.iter().try_for_each(|value| output.write_all(&value.to_le_bytes()))
}
