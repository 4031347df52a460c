//! Element types of weight files and how their bytes become `f32`.

/// The type of a tensor's elements in a file (little-endian).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ElementType {
    /// IEEE 754 binary16.
    F16,
    /// The upper half of a binary32.
    Bf16,
    /// IEEE 754 binary32.
    F32,
    /// IEEE 754 binary64.
    F64,
    /// An integer or boolean by its name and size in bytes: never a weight.
    Integer(&'static str, usize),
}

impl ElementType {
    /// Bytes of one element.
    pub fn size(self) -> usize {
        match self {
            ElementType::F16 | ElementType::Bf16 => 2,
            ElementType::F32 => 4,
            ElementType::F64 => 8,
            ElementType::Integer(_, bytes) => bytes,
        }
    }

    /// Its usual name.
    pub fn name(self) -> &'static str {
        match self {
            ElementType::F16 => "float16",
            ElementType::Bf16 => "bfloat16",
            ElementType::F32 => "float32",
            ElementType::F64 => "float64",
            ElementType::Integer(name, _) => name,
        }
    }

    /// Whether weights may have it.
    pub fn is_float(self) -> bool {
        !matches!(self, ElementType::Integer(..))
    }

    /// Element `index` of `bytes`, or `None` past its end and for integers.
    pub fn get(self, bytes: &[u8], index: usize) -> Option<f32> {
        let start = index.checked_mul(self.size())?;
        let bytes = bytes.get(start..)?;
        match self {
            ElementType::F16 => Some(f16_to_f32(u16::from_le_bytes(*bytes.first_chunk()?))),
            ElementType::Bf16 => Some(f32::from_bits(u32::from(u16::from_le_bytes(*bytes.first_chunk()?)) << 16)),
            ElementType::F32 => Some(f32::from_le_bytes(*bytes.first_chunk()?)),
            ElementType::F64 => Some(f64::from_le_bytes(*bytes.first_chunk()?) as f32),
            ElementType::Integer(..) => None,
        }
    }
}

/// IEEE 754 binary16 to binary32, exact for every value.
fn f16_to_f32(half: u16) -> f32 {
    let sign = u32::from(half >> 15) << 31;
    let exponent = u32::from(half >> 10) & 0x1f;
    let fraction = u32::from(half) & 0x3ff;
    let magnitude = match exponent {
        // Subnormal: fraction * 2^-24, which binary32 holds exactly as a normal number.
        0 => (fraction as f32 / 16_777_216.0).to_bits(),
        0x1f => 0x7f80_0000 | fraction << 13,
        _ => (exponent + 112) << 23 | fraction << 13,
    };
    f32::from_bits(sign | magnitude)
}

/// The nearest IEEE 754 binary16, ties to even; `None` for NaN and where that would be infinite.
pub(crate) fn f32_to_f16(x: f32) -> Option<u16> {
    let sign = (x.to_bits() >> 16 & 0x8000) as u16;
    let bits = x.abs().to_bits();
    let magnitude = if bits < 0x3880_0000 {
        // Below 2^-14: a multiple of 2^-24, and the product is exact.
        (x.abs() * 16_777_216.0).round_ties_even() as u32
    } else {
        let even = bits >> 13 & 1;
        (bits.saturating_add(0xfff + even) >> 13) - (112 << 10)
    };
    (magnitude < 0x7c00).then_some(sign | magnitude as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_half_comes_back() {
        for half in (0..=u16::MAX).filter(|half| half & 0x7c00 != 0x7c00) {
            assert_eq!(f32_to_f16(f16_to_f32(half)), Some(half), "{half:#06x}");
        }
    }

    #[test]
    fn halves_are_the_nearest() {
        // Between neighbours: below the middle, the middle, above it.
        for half in (0..0x7bff_u16).step_by(7) {
            let (low, high) = (f16_to_f32(half), f16_to_f32(half + 1));
            let middle = f32::midpoint(low, high);
            assert_eq!(f32_to_f16(middle.next_down()), Some(half));
            assert_eq!(f32_to_f16(middle), Some(half + (half & 1)));
            assert_eq!(f32_to_f16(-middle.next_up()), Some((half + 1) | 0x8000));
        }
        assert_eq!(f32_to_f16(65_519.996), Some(0x7bff));
        for beyond in [65_520.0, f32::MAX, f32::INFINITY, f32::NEG_INFINITY, f32::NAN] {
            assert_eq!(f32_to_f16(beyond), None, "{beyond}");
        }
    }

    #[test]
    fn halves_become_the_same_numbers() {
        for (half, expected) in [
            (0x0000, 0.0),
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x3555, 0.333_251_95),
            (0x7bff, 65504.0),
            (0x0400, 6.103_515_6e-5),
            (0x0001, 5.960_464_5e-8),
            (0x83ff, -6.097_555e-5),
            (0x7c00, f32::INFINITY),
            (0xfc00, f32::NEG_INFINITY),
        ] {
            assert_eq!(f16_to_f32(half), expected, "{half:#06x}");
        }
        assert!(f16_to_f32(0x7e00).is_nan());
        assert!(f16_to_f32(0x8000).is_sign_negative());
    }

    #[test]
    fn reads_past_the_end_give_nothing() {
        assert_eq!(ElementType::F32.get(&[0, 0, 128, 63], 0), Some(1.0));
        assert_eq!(ElementType::F32.get(&[0, 0, 128, 63], 1), None);
        assert_eq!(ElementType::F64.get(&[0; 8], usize::MAX), None);
        assert_eq!(ElementType::Bf16.get(&[0x80, 0xbf], 0), Some(-1.0));
        assert_eq!(ElementType::Integer("int64", 8).get(&[0; 8], 0), None);
    }
}
