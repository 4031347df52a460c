//! Plain Rust for any processor: the functions of one value.

use super::super::math;

/// The larger; `b` where `a` is NaN.
#[inline(always)]
pub fn max(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

/// The smaller; `b` where `a` is NaN.
#[inline(always)]
pub fn min(a: f32, b: f32) -> f32 {
    if a < b { a } else { b }
}

/// `exp(x)` for `|x| <= 87`, within 3 ULP.
pub fn exp(x: f32) -> f32 {
    let scaled = x * core::f32::consts::LOG2_E;
    let n = (if scaled < 0.0 { scaled - 0.5 } else { scaled + 0.5 }) as i32;
    let r = x - n as f32 * math::LN_2_HIGH - n as f32 * math::LN_2_LOW;
    let sum = math::TAYLOR.iter().fold(0.0, |sum, c| sum * r + c);
    sum * f32::from_bits(((n + 127) as u32) << 23)
}

/// `1 / (1 + exp(-x))`, within 5 ULP where the result is normal.
pub fn sigmoid(x: f32) -> f32 {
    let x = min(max(x, -math::SIGMOID_LIMIT), math::SIGMOID_LIMIT);
    1.0 / (1.0 + exp(-x))
}

#[cfg(test)]
mod tests {
    use super::{exp, sigmoid};

    #[test]
    fn exp_and_sigmoid_are_within_their_bounds() {
        crate::bounds::are_within(3.0, 5.0, |x| (exp(x), sigmoid(x)));
        assert_eq!(sigmoid(f32::INFINITY), 1.0);
        assert!(sigmoid(f32::NEG_INFINITY) < 1e-37);
    }
}
