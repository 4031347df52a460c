//! Floats to read, in whatever form memory has them.

/// A list of floats.
pub trait Floats: Copy {
    /// Value `i`, or zero beyond the end.
    fn get(self, i: usize) -> f32;
}

impl Floats for &[f32] {
    fn get(self, i: usize) -> f32 {
        <[f32]>::get(self, i).copied().unwrap_or(0.0)
    }
}

/// Little-endian floats as bytes of any alignment.
#[derive(Clone, Copy)]
pub struct Bytes<'a>(pub(super) &'a [u8]);

impl Floats for Bytes<'_> {
    fn get(self, i: usize) -> f32 {
        match self.0.get(i * 4..).and_then(|rest| rest.first_chunk::<4>()) {
            Some(bytes) => f32::from_le_bytes(*bytes),
            None => 0.0,
        }
    }
}

impl Bytes<'_> {
    /// Whether every value is finite.
    pub fn finite(self) -> bool {
        (0..self.0.len() / 4).all(|i| self.get(i).is_finite())
    }

    /// Whether a value is less than zero.
    pub fn any_below_zero(self) -> bool {
        (0..self.0.len() / 4).any(|i| self.get(i) < 0.0)
    }
}
