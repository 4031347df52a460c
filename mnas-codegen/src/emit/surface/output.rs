//! From the arena to the caller's array.

use crate::emit::int;
use crate::plan::Plan;
use proc_macro2::TokenStream;
use quote::quote;

/// From `made`, where channels are padded, to `output`.
pub(super) fn copy_made(plan: &Plan) -> TokenStream {
    let (channels, stride) = (int(plan.output.channels), int(plan.stride(plan.output)));
    quote! {
        for (to, from) in output.chunks_exact_mut(#channels).zip(made.chunks_exact(#stride)) {
            for (o, v) in to.iter_mut().zip(from) {
                *o = *v;
            }
        }
    }
}
