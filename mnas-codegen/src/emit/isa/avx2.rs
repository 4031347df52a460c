//! AVX2 with FMA.

use super::{Ops, float};
use quote::quote;

pub(crate) fn ops() -> Ops {
    Ops {
        vector: quote!(__m256),
        imports: |runtime| {
            quote!(
                use ::core::arch::x86_64::*;
                use #runtime::simd::avx2 as simd;
            )
        },
        load: quote!(unsafe { _mm256_loadu_ps(a.as_ptr().add(i)) }),
        broadcast: quote!(unsafe { _mm256_broadcast_ss(&*a.as_ptr().add(i)) }),
        store: quote!(unsafe { _mm256_storeu_ps(a.as_mut_ptr().add(i), v) }),
        prefetch: quote!(unsafe { _mm_prefetch::<_MM_HINT_T0>(a.as_ptr().wrapping_add(i).cast::<i8>()) }),
        prefetch_far: quote!(unsafe { _mm_prefetch::<_MM_HINT_T1>(a.as_ptr().wrapping_add(i).cast::<i8>()) }),
        multiply_add: |x, w, c| quote!(_mm256_fmadd_ps(#x, #w, #c)),
        pin: |sums| {
            // No instruction, and a comment that names every operand, as it has to.
            let text = format!("/*{}*/", "{}".repeat(sums.len()));
            quote!(::core::arch::asm!(#text, #(inout(ymm_reg) #sums),*, options(nostack, preserves_flags));)
        },
        add: |a, b| quote!(_mm256_add_ps(#a, #b)),
        multiply: |a, b| quote!(_mm256_mul_ps(#a, #b)),
        max: |a, b| quote!(_mm256_max_ps(#a, #b)),
        min: |a, b| quote!(_mm256_min_ps(#a, #b)),
        splat: |v| {
            let v = float(v);
            if v.to_string() == "0.0" { quote!(_mm256_setzero_ps()) } else { quote!(_mm256_set1_ps(#v)) }
        },
        sigmoid: |v| quote!(simd::sigmoid(#v)),
    }
}
