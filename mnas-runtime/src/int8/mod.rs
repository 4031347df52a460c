//! Vectors of int8 networks: sixteen output channels at a time, on every instruction set the same bits.
//!
//! One file for each instruction set, all with the same functions; `portable` says what they compute. A packed weight
//! is a quad: four values of the reduction for each of sixteen channels, 64 bytes. Sums are exact, and floats are
//! multiplied, added, divided and rounded one operation at a time, so no instruction set differs from another.

#[cfg(target_arch = "x86_64")]
pub mod avx2;
#[cfg(target_arch = "x86_64")]
pub mod avx512vnni;
#[cfg(target_arch = "x86_64")]
pub mod avxvnni;
pub mod portable;

/// Channels of a vector.
pub const LANES: usize = 16;

#[cfg(all(test, target_arch = "x86_64"))]
mod tests;
