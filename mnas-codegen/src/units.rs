//! Units of lengths, strides and offsets below the graph: a number without a unit is a count of channels, rows or pixels.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, Mul, Sub};

/// A number of values of a tensor or of packed weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Elements(
    /// The number.
    pub usize,
);

/// A number of bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Bytes(
    /// The number.
    pub usize,
);

impl Elements {
    /// Nothing.
    pub const ZERO: Elements = Elements(0);

    /// The bytes of this number of `f32` values, the only element type so far.
    pub const fn bytes(self) -> Bytes {
        Bytes(self.0 * size_of::<f32>())
    }

    /// The least multiple of `unit` that is not less.
    #[must_use]
    pub const fn next_multiple_of(self, unit: Elements) -> Elements {
        Elements(self.0.next_multiple_of(unit.0))
    }

    /// The difference, or zero.
    #[must_use]
    pub const fn saturating_sub(self, other: Elements) -> Elements {
        Elements(self.0.saturating_sub(other.0))
    }

    /// How many pieces of length `unit` cover it.
    pub const fn div_ceil(self, unit: Elements) -> usize {
        self.0.div_ceil(unit.0)
    }
}

impl Bytes {
    /// The number of whole `f32` values in it.
    pub const fn elements(self) -> Elements {
        Elements(self.0 / size_of::<f32>())
    }

    /// Whole KiB.
    pub const fn kib(self) -> usize {
        self.0 / 1024
    }

    /// The difference, or zero.
    #[must_use]
    pub const fn saturating_sub(self, other: Bytes) -> Bytes {
        Bytes(self.0.saturating_sub(other.0))
    }

    /// For estimates.
    pub const fn as_f64(self) -> f64 {
        self.0 as f64
    }
}

macro_rules! arithmetic {
    ($($unit:ident),*) => {$(
        impl Add for $unit {
            type Output = $unit;
            fn add(self, other: $unit) -> $unit {
                $unit(self.0 + other.0)
            }
        }
        impl AddAssign for $unit {
            fn add_assign(&mut self, other: $unit) {
                self.0 += other.0;
            }
        }
        impl Sub for $unit {
            type Output = $unit;
            fn sub(self, other: $unit) -> $unit {
                $unit(self.0 - other.0)
            }
        }
        impl Mul<usize> for $unit {
            type Output = $unit;
            fn mul(self, count: usize) -> $unit {
                $unit(self.0 * count)
            }
        }
        impl Mul<$unit> for usize {
            type Output = $unit;
            fn mul(self, length: $unit) -> $unit {
                length * self
            }
        }
        impl Div<usize> for $unit {
            type Output = $unit;
            fn div(self, parts: usize) -> $unit {
                $unit(self.0 / parts)
            }
        }
        impl Sum for $unit {
            fn sum<I: Iterator<Item = $unit>>(lengths: I) -> $unit {
                $unit(lengths.map(|length| length.0).sum())
            }
        }
        impl From<$unit> for usize {
            fn from(length: $unit) -> usize {
                length.0
            }
        }
        impl fmt::Display for $unit {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

arithmetic!(Elements, Bytes);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_convert_and_round_up() {
        assert_eq!(Elements(5).bytes(), Bytes(20));
        assert_eq!(Bytes(64).elements(), Elements(16));
        assert_eq!(Elements(17).next_multiple_of(Bytes(64).elements()), Elements(32));
        assert_eq!(Elements(17).div_ceil(Elements(16)), 2);
        assert_eq!([Elements(1), Elements(2)].into_iter().sum::<Elements>() * 4, Elements(12));
        assert_eq!(format!("{:>5}", Bytes(20)), "   20");
    }
}
