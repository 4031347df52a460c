//! Plain Rust: a vector of one.

use super::{Ops, float};
use quote::quote;

pub(crate) fn ops() -> Ops {
    Ops {
        vector: quote!(f32),
        imports: |runtime| quote!(use #runtime::math as simd;),
        load: quote!(unsafe { *a.get_unchecked(i) }),
        broadcast: quote!(unsafe { *a.get_unchecked(i) }),
        store: quote!(unsafe { *a.get_unchecked_mut(i) = v }),
        prefetch: quote!(),
        prefetch_far: quote!(),
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
