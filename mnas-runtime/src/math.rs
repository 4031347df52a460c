//! Functions that `core` does not have.

/// `ln 2` rounded down to 15 bits: its product with an exponent is exact.
pub const LN_2_HIGH: f32 = 0.693_145_75;
/// `ln 2 - LN_2_HIGH`.
pub const LN_2_LOW: f32 = 1.428_606_8e-6;
/// Coefficients of the exponential's Taylor series, highest first; the remainder at `ln 2 / 2` is below 6e-9.
pub const TAYLOR: [f32; 8] = [1.0 / 5040.0, 1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0];
/// Beyond this the sigmoid is 0 or 1 to single precision, and the exponential would overflow.
pub const SIGMOID_LIMIT: f32 = 87.0;

/// The square root of a positive number, within 1 ULP, by Newton's iteration.
pub fn sqrt(x: f64) -> f64 {
    if x <= 0.0 || !x.is_finite() {
        return if x == 0.0 { 0.0 } else { f64::NAN };
    }
    // Half of the exponent is a guess within a factor of 1.1; each step squares the relative error.
    let mut y = f64::from_bits((x.to_bits() >> 1) + (1023 << 51));
    for _ in 0..5 {
        y = 0.5 * (y + x / y);
    }
    y
}

#[cfg(test)]
mod tests {
    use super::sqrt;

    #[test]
    fn sqrt_is_within_one_ulp() {
        for i in (1..10_000).step_by(if cfg!(miri) { 99 } else { 1 }) {
            let x = f64::from(i) * 1.37e-4;
            assert!((sqrt(x) - x.sqrt()).abs() <= x.sqrt() * f64::EPSILON, "{x}");
        }
        assert_eq!(sqrt(0.0), 0.0);
        assert!(sqrt(-1.0).is_nan());
    }
}
