//! `mnas_net!`: a network in the source of a program.
//!
//! Use it through the crate `mnas`, which has the documentation of the macro and what its code stands on. Here
//! tokens, files and mistakes are only handed on: what they mean is decided in `mnas-dsl` and `mnas-codegen`.
#![forbid(unsafe_code)]

mod expand;
mod files;

use proc_macro2::TokenTree;
use quote::quote;

/// Compiles a network; the code names `::mnas_runtime`, or the path given by `crate = path`.
///
/// See `mnas::mnas_net!`, which is the same and needs no other crate than `mnas`.
#[proc_macro]
pub fn mnas_net(tokens: proc_macro::TokenStream) -> proc_macro::TokenStream {
    expand::expand(tokens.into(), quote!(::mnas_runtime)).into()
}

/// As [`mnas_net!`], behind the path of the runtime in brackets: how `mnas` hands on its own.
#[doc(hidden)]
#[proc_macro]
pub fn mnas_net_in(tokens: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let mut tokens = proc_macro2::TokenStream::from(tokens).into_iter();
    let runtime = match tokens.next() {
        Some(TokenTree::Group(group)) => group.stream(),
        _ => quote!(::mnas_runtime),
    };
    expand::expand(tokens.collect(), runtime).into()
}
