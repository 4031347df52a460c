//! AVX-512, its foundation: detection, and functions of whole vectors, equal to those of `portable` but for rounding.

use core::arch::x86_64::*;

/// Whether the processor has AVX-512's foundation with AVX2 and FMA, and the system saves the registers.
pub fn is_detected() -> bool {
    // FMA (12) of leaf 1; AVX2 (5) and AVX-512 (16) of leaf 7. The system saves the XMM (1) and YMM (2) registers, masks (5)
    // and the rest of ZMM (6, 7).
    super::x86_64::has(1 << 12, 1 << 5 | 1 << 16, 0b1110_0110)
}

/// `exp(x)` for `|x| <= 87`, within 2 ULP: `2^n * exp(r)`, `r` in `[-ln 2 / 2, ln 2 / 2]` by its Taylor series.
///
/// # Safety
///
/// The processor has AVX-512, which functions with it enabled know.
#[inline]
#[target_feature(enable = "avx512f")]
pub fn exp(x: __m512) -> __m512 {
    let n = _mm512_roundscale_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(_mm512_mul_ps(
        x,
        _mm512_set1_ps(core::f32::consts::LOG2_E),
    ));
    // ln 2 in two parts, so that the product with n is exact in the first.
    let r = _mm512_fnmadd_ps(n, _mm512_set1_ps(super::super::math::LN_2_HIGH), x);
    let r = _mm512_fnmadd_ps(n, _mm512_set1_ps(super::super::math::LN_2_LOW), r);
    let mut sum = _mm512_set1_ps(super::super::math::TAYLOR[0]);
    for c in &super::super::math::TAYLOR[1..] {
        sum = _mm512_fmadd_ps(sum, r, _mm512_set1_ps(*c));
    }
    let exponent = _mm512_slli_epi32::<23>(_mm512_add_epi32(_mm512_cvtps_epi32(n), _mm512_set1_epi32(127)));
    _mm512_mul_ps(sum, _mm512_castsi512_ps(exponent))
}

/// `1 / (1 + exp(-x))`, within 4 ULP where the result is normal.
///
/// # Safety
///
/// As [`exp`].
#[inline]
#[target_feature(enable = "avx512f")]
pub fn sigmoid(x: __m512) -> __m512 {
    let limit = _mm512_set1_ps(super::super::math::SIGMOID_LIMIT);
    let x = _mm512_min_ps(_mm512_max_ps(x, _mm512_sub_ps(_mm512_setzero_ps(), limit)), limit);
    let one = _mm512_set1_ps(1.0);
    _mm512_div_ps(one, _mm512_add_ps(one, exp(_mm512_sub_ps(_mm512_setzero_ps(), x))))
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;

    #[test]
    fn exp_and_sigmoid_are_within_their_bounds() {
        if !is_detected() {
            std::eprintln!("skipped: this machine has no AVX-512");
            return;
        }
        #[target_feature(enable = "avx512f")]
        fn both(x: f32) -> (f32, f32) {
            let v = _mm512_set1_ps(x);
            (_mm512_cvtss_f32(exp(v)), _mm512_cvtss_f32(sigmoid(v)))
        }
        // SAFETY: the features were detected above.
        crate::bounds::are_within(2.0, 4.0, |x| unsafe { both(x) });
    }

    #[test]
    fn detection_agrees_with_std() {
        assert_eq!(
            is_detected(),
            std::is_x86_feature_detected!("avx2")
                && std::is_x86_feature_detected!("fma")
                && std::is_x86_feature_detected!("avx512f")
        );
    }
}
