//! Plain Rust for any target: a vector of one.

use super::isa::{Gate, Int8, Isa};
use super::microkernel::{Microkernel, broadcast_budget};
use super::ops::{Ops, float};
use super::pipes::Pipes;
use crate::element::Element;
use crate::numeric::F32;
use proc_macro2::TokenStream;
use quote::quote;

/// Plain Rust for any target. Eight channels are computed beside each other, so that LLVM can use the vectors that there
/// are.
pub const SCALAR: Isa = Isa {
    name: "scalar",
    gate: Gate::ANY,
    features: "",
    detect: mnas_runtime::isa::SCALAR,
    vector_bytes: 4,
    lanes: 1,
    registers: 16,
    pipes: Pipes { multiply_adds: 2, loads: 2, latency: 4 },
    spills: false,
    depthwise_columns: 7,
    prefetch: false,
    f32: Microkernel { numeric: &F32, k_group: 1, lanes: 1, channels: 8, budget: broadcast_budget, ops },
    int8: Some(Int8 { module: "portable", pixels: [1, 1, 1, 1], columns: 1, is_portable: true }),
    peak,
};

fn ops() -> Ops {
    Ops {
        element: Element::F32,
        vector: quote!(f32),
        imports: |runtime| quote!(use #runtime::isa::portable as simd;),
        load: quote!(unsafe { *a.get_unchecked(i) }),
        broadcast: quote!(unsafe { *a.get_unchecked(i) }),
        store: quote!(unsafe { *a.get_unchecked_mut(i) = v }),
        prefetch: quote!(),
        prefetch_l2: quote!(),
        multiply_add: |x, w, c| quote!(#x * #w + #c),
        pin: |_| quote!(),
        add: |a, b| quote!((#a + #b)),
        multiply: |a, b| quote!((#a * #b)),
        max: |a, b| quote!(simd::max(#a, #b)),
        min: |a, b| quote!(simd::min(#a, #b)),
        splat: |v| {
            let v = float(v);
            quote!(#v)
        },
        sigmoid: |v| quote!(simd::sigmoid(#v)),
    }
}

/// Four beside each other, as the tiles are: the compiler can use the vectors that there are.
fn peak() -> TokenStream {
    quote! {
        type Vector = [f32; 4];
        const LANES: usize = 4;
        #[inline(always)]
        unsafe fn splat(v: f32) -> Vector { [v; 4] }
        #[inline(always)]
        unsafe fn load(a: &[f32], i: usize) -> Vector {
            unsafe {
                [*a.get_unchecked(i), *a.get_unchecked(i + 1), *a.get_unchecked(i + 2), *a.get_unchecked(i + 3)]
            }
        }
        #[inline(always)]
        unsafe fn multiply_add(x: Vector, w: Vector, c: Vector) -> Vector {
            [x[0] * w[0] + c[0], x[1] * w[1] + c[1], x[2] * w[2] + c[2], x[3] * w[3] + c[3]]
        }
    }
}
