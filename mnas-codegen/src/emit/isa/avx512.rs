//! AVX-512, its foundation alone.

use super::{Ops, float};
use quote::quote;

pub(crate) fn ops() -> Ops {
    Ops {
        vector: quote!(__m512),
        imports: |runtime| {
            quote!(
                use ::core::arch::x86_64::*;
                use #runtime::simd::avx512 as simd;
            )
        },
        load: quote!(unsafe { _mm512_loadu_ps(a.as_ptr().add(i)) }),
        broadcast: quote!(unsafe { _mm512_set1_ps(*a.as_ptr().add(i)) }),
        store: quote!(unsafe { _mm512_storeu_ps(a.as_mut_ptr().add(i), v) }),
        prefetch: quote!(unsafe { _mm_prefetch::<_MM_HINT_T0>(a.as_ptr().wrapping_add(i).cast::<i8>()) }),
        prefetch_far: quote!(unsafe { _mm_prefetch::<_MM_HINT_T1>(a.as_ptr().wrapping_add(i).cast::<i8>()) }),
        multiply_add: |x, w, c| quote!(_mm512_fmadd_ps(#x, #w, #c)),
        pin: |_| quote!(),
        add: |a, b| quote!(_mm512_add_ps(#a, #b)),
        multiply: |a, b| quote!(_mm512_mul_ps(#a, #b)),
        max: |a, b| quote!(_mm512_max_ps(#a, #b)),
        min: |a, b| quote!(_mm512_min_ps(#a, #b)),
        splat: |v| {
            let v = float(v);
            if v.to_string() == "0.0" { quote!(_mm512_setzero_ps()) } else { quote!(_mm512_set1_ps(#v)) }
        },
        sigmoid: |v| quote!(simd::sigmoid(#v)),
    }
}
