//! A network with embedded weights as a program: images come on standard input, outputs go to standard output, both
//! little-endian f32.

use std::io::{self, Read, Write};

/// The program's `main`: `infer` runs the network.
///
/// # Errors
///
/// Standard output cannot be written.
pub fn main<const INPUT: usize, const OUTPUT: usize>(
    mut infer: impl FnMut(&[f32; INPUT], &mut [f32; OUTPUT]),
) -> io::Result<()> {
    let mut input = io::stdin().lock();
    let mut output = io::stdout().lock();
    let mut bytes = vec![0; INPUT * 4];
    let mut image = vec![0.0; INPUT].into_boxed_slice();
    let mut result = vec![0.0; OUTPUT].into_boxed_slice();
    while input.read_exact(&mut bytes).is_ok() {
        for (value, bytes) in image.iter_mut().zip(bytes.chunks_exact(4)) {
            *value = f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        }
        let image = (&*image).try_into().expect("as long as the input");
        let result = <&mut [f32; OUTPUT]>::try_from(&mut *result).expect("as long as the output");
        infer(image, result);
        let bytes: Vec<u8> = result.iter().flat_map(|value| value.to_le_bytes()).collect();
        output.write_all(&bytes)?;
        output.flush()?;
    }
    Ok(())
}
