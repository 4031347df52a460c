//! Images of 8-bit values: how they are normalised.

use crate::emit::absolute::Absolute;
use mnas_dsl::network::Preprocess;
use proc_macro2::{Literal, TokenStream};
use quote::quote;

/// What 8-bit values are multiplied by, and what is added then, a channel each.
pub(crate) fn normalization_values(p: &Preprocess) -> (Vec<f32>, Vec<f32>) {
    let scale = p.std.iter().map(|s| (1.0 / (p.divide * s)) as f32);
    let shift = p.mean.iter().zip(&p.std).map(|(m, s)| (-m / s) as f32);
    (scale.collect(), shift.collect())
}

/// [`normalization_values`] as literals.
pub(super) fn normalization(p: &Preprocess) -> (Vec<Literal>, Vec<TokenStream>) {
    let (scale, shift) = normalization_values(p);
    let scale = scale.into_iter().map(Literal::f32_unsuffixed);
    let shift = shift.into_iter().map(|value| {
        if value < 0.0 {
            let magnitude = Literal::f32_unsuffixed(-value);
            quote!(-#magnitude)
        } else {
            let value = Literal::f32_unsuffixed(value.abs());
            quote!(#value)
        }
    });
    (scale.collect(), shift.collect())
}

/// `infer_u8` of the type, which needs the image at `range` of the arena.
pub(super) fn infer_u8(p: &Preprocess, runtime: &TokenStream, range: &TokenStream, lens: [&Literal; 3]) -> TokenStream {
    let Absolute { f32, u8, some, .. } = &Absolute::new();
    let [arena_len, input_len, output_len] = lens;
    let (scale, shift) = normalization(p);
    quote! {
        /// As [`Self::infer`], for 8-bit values, normalised as the spec's `preprocess` says.
        pub fn infer_u8(
            &self,
            workspace: &mut #runtime::Workspace<#arena_len>,
            image: &[#u8; #input_len],
            output: &mut [#f32; #output_len],
        ) {
            if let #some(staged) = workspace.arena().get_mut(#range) {
                #runtime::image::normalize(image, &[#(#scale),*], &[#(#shift),*], staged);
            }
            self.infer_staged(workspace, output);
        }
    }
}
