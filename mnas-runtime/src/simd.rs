//! Functions of whole vectors, one module an instruction set, equal to those of `math` but for rounding.

/// AVX2 with FMA.
#[cfg(target_arch = "x86_64")]
pub mod avx2 {
    use core::arch::x86_64::*;

    /// `exp(x)` for `|x| <= 87`, within 2 ULP: `2^n * exp(r)`, `r` in `[-ln 2 / 2, ln 2 / 2]` by its Taylor series.
    ///
    /// # Safety
    ///
    /// The processor has AVX2 and FMA, which functions with both enabled know.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    pub fn exp(x: __m256) -> __m256 {
        let n = _mm256_round_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(_mm256_mul_ps(
            x,
            _mm256_set1_ps(core::f32::consts::LOG2_E),
        ));
        // ln 2 in two parts, so that the product with n is exact in the first.
        let r = _mm256_fnmadd_ps(n, _mm256_set1_ps(super::super::math::LN_2_HIGH), x);
        let r = _mm256_fnmadd_ps(n, _mm256_set1_ps(super::super::math::LN_2_LOW), r);
        let mut sum = _mm256_set1_ps(super::super::math::TAYLOR[0]);
        for c in &super::super::math::TAYLOR[1..] {
            sum = _mm256_fmadd_ps(sum, r, _mm256_set1_ps(*c));
        }
        let exponent = _mm256_slli_epi32::<23>(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)));
        _mm256_mul_ps(sum, _mm256_castsi256_ps(exponent))
    }

    /// `1 / (1 + exp(-x))`, within 4 ULP where the result is normal.
    ///
    /// # Safety
    ///
    /// As [`exp`].
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    pub fn sigmoid(x: __m256) -> __m256 {
        let limit = _mm256_set1_ps(super::super::math::SIGMOID_LIMIT);
        let x = _mm256_min_ps(_mm256_max_ps(x, _mm256_sub_ps(_mm256_setzero_ps(), limit)), limit);
        let one = _mm256_set1_ps(1.0);
        _mm256_div_ps(one, _mm256_add_ps(one, exp(_mm256_sub_ps(_mm256_setzero_ps(), x))))
    }
}

/// AVX-512, its foundation.
#[cfg(target_arch = "x86_64")]
pub mod avx512 {
    use core::arch::x86_64::*;

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
}
