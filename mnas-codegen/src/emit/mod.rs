//! Plan -> Rust. The emitter prints the plan and decides nothing.

pub(crate) mod absolute;

pub mod block;
pub mod conv;
pub mod depthwise;
pub mod file;
mod geometry;
pub mod items;
pub mod kernels;
pub mod memory;
mod operands;
pub mod pooling;
mod rows;
pub mod step;
pub mod surface;
pub mod team;

use proc_macro2::{Literal, TokenStream};
use quote::quote;

/// A literal without a suffix.
pub(crate) fn int(value: impl Into<usize>) -> Literal {
    Literal::usize_unsuffixed(value.into())
}

/// A comment in the generated file: kept as a macro call until the text is formatted.
pub(crate) fn note(text: &str) -> TokenStream {
    quote!(__note!(#text);)
}

/// `base + offset`, or `base` alone.
pub(crate) fn plus(base: TokenStream, offset: impl Into<usize>) -> TokenStream {
    let offset: usize = offset.into();
    if offset == 0 {
        base
    } else {
        let offset = int(offset);
        quote!(#base + #offset)
    }
}

/// `base * factor`, simplified for factors 0 and 1.
pub(crate) fn times(base: TokenStream, factor: impl Into<usize>) -> TokenStream {
    match factor.into() {
        0 => quote!(0),
        1 => base,
        factor => {
            let factor = int(factor);
            quote!(#base * #factor)
        }
    }
}

/// `for _ in 0..count { body }`, or the body alone where it runs once.
pub(crate) fn repeat(index: &TokenStream, count: usize, body: &TokenStream) -> TokenStream {
    match count {
        0 => TokenStream::new(),
        1 => quote!(#body),
        _ => {
            let count = int(count);
            quote!(for #index in 0..#count { #body })
        }
    }
}
