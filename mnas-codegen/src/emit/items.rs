//! What every function of a kernel module has: attributes, and the end of its documentation.

use crate::machine::Isa;
use proc_macro2::TokenStream;
use quote::quote;

/// Attributes of every function of an instruction set's module.
pub fn attributes(isa: Isa) -> TokenStream {
    if isa.features.is_empty() {
        quote!()
    } else {
        let features = isa.features;
        quote!(#[target_feature(enable = #features)])
    }
}

/// The end of every kernel's documentation: what its caller has to guarantee.
pub fn safety() -> TokenStream {
    quote! {
        #[doc = ""]
        #[doc = " # Safety"]
        #[doc = " The slices hold what the plan says."]
    }
}
