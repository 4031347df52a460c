//! Functions that `core` does not have.

/// `ln 2` rounded down to 15 bits: its product with an exponent is exact.
pub const LN_2_HIGH: f32 = 0.693_145_75;
/// `ln 2 - LN_2_HIGH`.
pub const LN_2_LOW: f32 = 1.428_606_8e-6;
/// Coefficients of the exponential's Taylor series, highest first; the remainder at `ln 2 / 2` is below 6e-9.
pub const TAYLOR: [f32; 8] = [1.0 / 5040.0, 1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0];
/// Beyond this the sigmoid is 0 or 1 to single precision, and the exponential would overflow.
pub const SIGMOID_LIMIT: f32 = 87.0;

/// The larger; `b` where `a` is no number.
#[inline(always)]
pub fn max(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

/// The smaller; `b` where `a` is no number.
#[inline(always)]
pub fn min(a: f32, b: f32) -> f32 {
    if a < b { a } else { b }
}

/// `exp(x)` for `|x| <= 87`, within 3 ULP.
pub fn exp(x: f32) -> f32 {
    let scaled = x * core::f32::consts::LOG2_E;
    let n = (if scaled < 0.0 { scaled - 0.5 } else { scaled + 0.5 }) as i32;
    let r = x - n as f32 * LN_2_HIGH - n as f32 * LN_2_LOW;
    let sum = TAYLOR.iter().fold(0.0, |sum, c| sum * r + c);
    sum * f32::from_bits(((n + 127) as u32) << 23)
}

/// `1 / (1 + exp(-x))`, within 5 ULP where the result is normal.
pub fn sigmoid(x: f32) -> f32 {
    let x = min(max(x, -SIGMOID_LIMIT), SIGMOID_LIMIT);
    1.0 / (1.0 + exp(-x))
}

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
    extern crate std;
    use super::*;

    fn ulps(a: f32, b: f64) -> f64 {
        let b32 = b as f32;
        let ulp = f64::from(f32::from_bits(b32.to_bits() + 1)) - f64::from(b32);
        ((f64::from(a) - b) / ulp).abs()
    }

    #[test]
    fn exp_and_sigmoid_are_within_their_bounds() {
        let (mut worst_exp, mut worst_sigmoid) = (0f64, 0f64);
        for i in -86_000..86_000 {
            let x = i as f32 * 0.001;
            worst_exp = worst_exp.max(ulps(exp(x), f64::from(x).exp()));
            worst_sigmoid = worst_sigmoid.max(ulps(sigmoid(x), 1.0 / (1.0 + (-f64::from(x)).exp())));
        }
        assert!(worst_exp <= 3.0, "{worst_exp}");
        assert!(worst_sigmoid <= 5.0, "{worst_sigmoid}");
        assert_eq!(sigmoid(f32::INFINITY), 1.0);
        assert!(sigmoid(f32::NEG_INFINITY) < 1e-37);
    }

    /// Holds `both`, exp and sigmoid of vectors, to the bounds that they document.
    #[cfg(target_arch = "x86_64")]
    fn vectors_are_within_their_bounds(both: impl Fn(f32) -> (f32, f32)) {
        let (mut worst_exp, mut worst_sigmoid) = (0f64, 0f64);
        for i in -86_000..86_000 {
            let x = i as f32 * 0.001;
            let (e, s) = both(x);
            worst_exp = worst_exp.max(ulps(e, f64::from(x).exp()));
            worst_sigmoid = worst_sigmoid.max(ulps(s, 1.0 / (1.0 + (-f64::from(x)).exp())));
        }
        assert!(worst_exp <= 2.0, "{worst_exp}");
        assert!(worst_sigmoid <= 4.0, "{worst_sigmoid}");
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn avx2_is_within_its_bounds() {
        use core::arch::x86_64::*;
        if !(std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma")) {
            std::eprintln!("skipped: this machine has no AVX2");
            return;
        }
        #[target_feature(enable = "avx2,fma")]
        fn both(x: f32) -> (f32, f32) {
            let v = _mm256_set1_ps(x);
            (_mm256_cvtss_f32(crate::simd::avx2::exp(v)), _mm256_cvtss_f32(crate::simd::avx2::sigmoid(v)))
        }
        // SAFETY: the features were detected above.
        vectors_are_within_their_bounds(|x| unsafe { both(x) });
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn avx512_is_within_its_bounds() {
        use core::arch::x86_64::*;
        if !std::is_x86_feature_detected!("avx512f") {
            std::eprintln!("skipped: this machine has no AVX-512");
            return;
        }
        #[target_feature(enable = "avx512f")]
        fn both(x: f32) -> (f32, f32) {
            let v = _mm512_set1_ps(x);
            (_mm512_cvtss_f32(crate::simd::avx512::exp(v)), _mm512_cvtss_f32(crate::simd::avx512::sigmoid(v)))
        }
        // SAFETY: the feature was detected above.
        vectors_are_within_their_bounds(|x| unsafe { both(x) });
    }

    #[test]
    fn sqrt_is_within_one_ulp() {
        for i in 1..10_000 {
            let x = f64::from(i) * 1.37e-4;
            assert!((sqrt(x) - x.sqrt()).abs() <= x.sqrt() * f64::EPSILON, "{x}");
        }
        assert_eq!(sqrt(0.0), 0.0);
        assert!(sqrt(-1.0).is_nan());
    }
}
