//! Absolute paths of types that generated code names in the user's module. A type may be called `Option` or `f32`, and so
//! may whatever surrounds it. The module of kernels needs no such paths, for it inherits no names.

use proc_macro2::TokenStream;
use quote::quote;

/// Paths by the usual name in lower case.
pub(crate) struct Absolute {
    pub(crate) f32: TokenStream,
    pub(crate) bool: TokenStream,
    pub(crate) u8: TokenStream,
    pub(crate) u64: TokenStream,
    pub(crate) usize: TokenStream,
    pub(crate) str: TokenStream,
    pub(crate) option: TokenStream,
    pub(crate) some: TokenStream,
    pub(crate) none: TokenStream,
    pub(crate) result: TokenStream,
    pub(crate) fn_mut: TokenStream,
    pub(crate) send: TokenStream,
}

impl Absolute {
    pub(crate) fn new() -> Self {
        Absolute {
            f32: quote!(::core::primitive::f32),
            bool: quote!(::core::primitive::bool),
            u8: quote!(::core::primitive::u8),
            u64: quote!(::core::primitive::u64),
            usize: quote!(::core::primitive::usize),
            str: quote!(::core::primitive::str),
            option: quote!(::core::option::Option),
            some: quote!(::core::option::Option::Some),
            none: quote!(::core::option::Option::None),
            result: quote!(::core::result::Result),
            fn_mut: quote!(::core::ops::FnMut),
            send: quote!(::core::marker::Send),
        }
    }
}
