//! AVX-512, its foundation alone.

use super::isa::{Gate, Isa};
use super::microkernel::{Microkernel, broadcast_budget};
use super::ops::{Ops, float};
use super::pipes::Pipes;
use crate::element::Element;
use crate::numeric::F32;
use proc_macro2::TokenStream;
use quote::quote;

/// AVX-512, its foundation: thirty-two registers of sixteen.
pub const AVX512: Isa = Isa {
    name: "avx512",
    gate: Gate::arch("x86_64"),
    features: "avx512f,avx2,fma",
    detect: mnas_runtime::isa::AVX512,
    vector_bytes: 64,
    lanes: 16,
    registers: 32,
    pipes: Pipes { multiply_adds: 2, loads: 2, latency: 4 },
    spills: false,
    depthwise_columns: 14,
    prefetch: true,
    f32: Microkernel { numeric: &F32, k_group: 1, lanes: 16, channels: 16, budget: broadcast_budget, ops },
    int8: None,
    peak,
};

fn ops() -> Ops {
    Ops {
        element: Element::F32,
        vector: quote!(__m512),
        imports: |runtime| {
            quote!(
                use ::core::arch::x86_64::*;
                use #runtime::isa::avx512 as simd;
            )
        },
        load: quote!(unsafe { _mm512_loadu_ps(a.as_ptr().add(i)) }),
        broadcast: quote!(unsafe { _mm512_set1_ps(*a.as_ptr().add(i)) }),
        store: quote!(unsafe { _mm512_storeu_ps(a.as_mut_ptr().add(i), v) }),
        prefetch: quote!(unsafe { _mm_prefetch::<_MM_HINT_T0>(a.as_ptr().wrapping_add(i).cast::<i8>()) }),
        prefetch_l2: quote!(unsafe { _mm_prefetch::<_MM_HINT_T1>(a.as_ptr().wrapping_add(i).cast::<i8>()) }),
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

fn peak() -> TokenStream {
    ops().peak(
        quote!(
            use std::arch::x86_64::*;
        ),
        AVX512.lanes,
        quote!(_mm512_set1_ps(v)),
    )
}
