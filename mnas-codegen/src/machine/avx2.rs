//! AVX2 with FMA.

use super::isa::{Gate, Int8, Isa};
use super::microkernel::{Microkernel, broadcast_budget};
use super::ops::{Ops, float};
use super::pipes::Pipes;
use crate::element::Element;
use crate::numeric::F32;
use proc_macro2::TokenStream;
use quote::quote;

/// AVX2 with FMA: sixteen registers of eight.
pub const AVX2: Isa = Isa {
    name: "avx2",
    gate: Gate::arch("x86_64"),
    features: "avx2,fma",
    detect: mnas_runtime::isa::AVX2,
    vector_bytes: 32,
    lanes: 8,
    registers: 16,
    pipes: Pipes { multiply_adds: 2, loads: 2, latency: 4 },
    spills: true,
    depthwise_columns: 8,
    prefetch: true,
    f32: Microkernel { numeric: &F32, k_group: 1, lanes: 8, channels: 8, budget, ops },
    // Widened weights take four registers, and a vector takes two.
    int8: Some(Int8 { module: "avx2", pixels: [3, 1, 1, 1], columns: 2, is_portable: false }),
    peak,
};

/// With a single vector LLVM loads many splats ahead, which take half of the registers.
fn budget(registers: usize, vectors: usize) -> usize {
    if vectors == 1 { registers / 2 } else { broadcast_budget(registers, vectors) }
}

fn ops() -> Ops {
    Ops {
        element: Element::F32,
        vector: quote!(__m256),
        imports: |runtime| {
            quote!(
                use ::core::arch::x86_64::*;
                use #runtime::isa::avx2 as simd;
            )
        },
        load: quote!(unsafe { _mm256_loadu_ps(a.as_ptr().add(i)) }),
        broadcast: quote!(unsafe { _mm256_broadcast_ss(&*a.as_ptr().add(i)) }),
        store: quote!(unsafe { _mm256_storeu_ps(a.as_mut_ptr().add(i), v) }),
        prefetch: quote!(unsafe { _mm_prefetch::<_MM_HINT_T0>(a.as_ptr().wrapping_add(i).cast::<i8>()) }),
        prefetch_l2: quote!(unsafe { _mm_prefetch::<_MM_HINT_T1>(a.as_ptr().wrapping_add(i).cast::<i8>()) }),
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

fn peak() -> TokenStream {
    ops().peak(
        quote!(
            use std::arch::x86_64::*;
        ),
        AVX2.lanes,
        quote!(_mm256_set1_ps(v)),
    )
}
