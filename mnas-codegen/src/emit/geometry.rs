//! Where the input rows of an output row are, as expressions.

use super::{int, plus, times};
use crate::plan::{ConvKernel, Source};
use mnas_dsl::network::Shape;
use proc_macro2::{Ident, TokenStream};
use quote::quote;

/// The statements that give `ky_from` and `ky_to`, the kernel rows that meet the input, for output row `oy`
/// whose window starts at row `at - pad_top`.
pub(super) fn kernel_rows(kernel_size: usize, stride: usize, pad_top: usize, height: usize) -> TokenStream {
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

/// Calls a convolution's kernel for output row `oy`: the input rows that exist, from the first of them.
pub(super) fn conv_row_call(
    kernel: &ConvKernel,
    name: &Ident,
    input: Shape,
    pad_top: usize,
    weights: &TokenStream,
    residual: &TokenStream,
    out: &TokenStream,
) -> TokenStream {
    let Source::Nhwc { stride } = kernel.source else { return TokenStream::new() };
    let row_len = input.width * stride;
    if kernel.kernel_size == 1 {
        let at = times(quote!(oy), kernel.stride * row_len);
        return quote!(#name(from(input, #at), #weights, #residual #out););
    }
    let rows = kernel_rows(kernel.kernel_size, kernel.stride, pad_top, input.height);
    let first = if pad_top == 0 {
        quote!(at)
    } else {
        let top = int(pad_top);
        quote!((at + ky_from - #top))
    };
    let (first, row) = (times(first, row_len), int(row_len));
    quote! {
        #rows
        #name(from(input, #first), #row, ky_from, ky_to, #weights, #residual #out);
    }
}

/// Where the input rows of the window at row `at - pad_top` start; in a ring of so many rows, or in all of them.
pub(super) fn row_offsets(kernel_size: usize, pad_top: usize, row_len: usize, ring: Option<usize>) -> Vec<TokenStream> {
    let (top, row) = (int(pad_top), int(row_len));
    let offset = |ky: usize| {
        let y = plus(quote!(at), ky);
        // Rows that do not exist are not read; wrapping keeps their offsets from being computed below zero.
        let y = match (pad_top, ky) {
            (0, 0) => y,
            (0, _) => quote!((#y)),
            (_, 0) => quote!(at.wrapping_sub(#top)),
            _ => quote!((#y).wrapping_sub(#top)),
        };
        match ring.map(int) {
            Some(ring) => quote!((#y % #ring).wrapping_mul(#row)),
            None => quote!(#y.wrapping_mul(#row)),
        }
    };
    (0..kernel_size).map(offset).collect()
}
