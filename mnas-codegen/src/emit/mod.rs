//! Plan -> Rust. Prints what the plan says and decides nothing.

mod absolute;
pub mod api;
pub mod block;
pub mod conv;
pub mod depthwise;
pub mod file;
pub mod isa;
pub mod kernels;
pub mod pooling;
mod rows;
mod segments;
pub mod team;
mod team_api;

use proc_macro2::{Literal, TokenStream};
use quote::quote;

/// A literal without a suffix.
pub(crate) fn int(value: usize) -> Literal {
    Literal::usize_unsuffixed(value)
}

/// A comment in the generated file: kept as a macro call until the text is formatted.
pub(crate) fn note(text: &str) -> TokenStream {
    quote!(__note!(#text);)
}

/// `base + offset`, or `base` alone.
pub(crate) fn plus(base: TokenStream, offset: usize) -> TokenStream {
    if offset == 0 {
        base
    } else {
        let offset = int(offset);
        quote!(#base + #offset)
    }
}

/// `base * factor`, without what does nothing.
pub(crate) fn times(base: TokenStream, factor: usize) -> TokenStream {
    match factor {
        0 => quote!(0),
        1 => base,
        _ => {
            let factor = int(factor);
            quote!(#base * #factor)
        }
    }
}

/// The statements that give `ky_from` and `ky_to`, the kernel rows that meet the input, for output row `oy`
/// whose window starts at row `at - pad_top`.
pub(crate) fn kernel_rows(kernel_size: usize, stride: usize, pad_top: usize, height: usize) -> TokenStream {
    let at = times(quote!(oy), stride);
    let (k, bottom) = (int(kernel_size), int(height + pad_top));
    let from = if pad_top == 0 {
        quote!(0)
    } else {
        let top = int(pad_top);
        quote!(if at < #top { #top - at } else { 0 })
    };
    quote! {
        let at: usize = #at;
        let ky_from = #from;
        let ky_to = if at + #k <= #bottom { #k } else { #bottom - at };
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
