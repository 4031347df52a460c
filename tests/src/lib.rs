//! What the tests that cross crates share.
#![deny(unsafe_code)]

pub mod strict;

use mnas_codegen::weights::Weights;
use std::fmt::Write as _;

/// A safetensors file of these weights.
pub fn safetensors(weights: &Weights) -> Vec<u8> {
    let mut header = String::from("{");
    let mut end = 0;
    for (index, (name, tensor)) in weights.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        let start = end;
        end += tensor.data.len() * 4;
        let shape = &tensor.shape;
        let _ = write!(
            header,
            "{comma}\"{name}\":{{\"dtype\":\"F32\",\"shape\":{shape:?},\"data_offsets\":[{start},{end}]}}"
        );
    }
    header.push('}');
    let mut file = Vec::from((header.len() as u64).to_le_bytes());
    file.extend_from_slice(header.as_bytes());
    for tensor in weights.values() {
        file.extend(tensor.data.iter().flat_map(|value| value.to_le_bytes()));
    }
    file
}

/// An image of `len` values between -2 and 2, without a pattern.
pub fn image(len: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        // 24 bits are exact in an f32.
        (state >> 40) as f32 / (1 << 22) as f32 - 2.0
    };
    (0..len).map(|_| next()).collect()
}
