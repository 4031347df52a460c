//! Where the input rows of output row `oy` are, as expressions.

use super::{int, plus, times};
use crate::plan::WindowRows;
use proc_macro2::{Ident, TokenStream};
use quote::quote;

/// The statements that give `ky_from` and `ky_to`, the kernel rows that meet the input, for a window that starts at row
/// `at - pad_top`.
pub(super) fn kernel_rows(rows: &WindowRows) -> TokenStream {
    let at = times(quote!(oy), rows.stride);
    let (k, bottom) = (int(rows.kernel_size), int(rows.height + rows.pad_top));
    let from = if rows.pad_top == 0 {
        quote!(0)
    } else {
        let top = int(rows.pad_top);
        quote!(if at < #top { #top - at } else { 0 })
    };
    quote! {
        let at: usize = #at;
        let ky_from = #from;
        let ky_to = if at + #k <= #bottom { #k } else { #bottom - at };
    }
}

/// Calls a convolution's kernel for one output row: with the input rows that exist, from the first of them.
pub(super) fn conv_row_call(
    name: &Ident,
    rows: &WindowRows,
    weights: &TokenStream,
    residual: &TokenStream,
    out: &TokenStream,
) -> TokenStream {
    if rows.kernel_size == 1 {
        let at = times(quote!(oy), rows.stride * rows.row);
        return quote!(#name(tail(input, #at), #weights, #residual #out););
    }
    let meets = kernel_rows(rows);
    let first = if rows.pad_top == 0 {
        quote!(at)
    } else {
        let top = int(rows.pad_top);
        quote!((at + ky_from - #top))
    };
    let (first, row) = (times(first, rows.row), int(rows.row));
    quote! {
        #meets
        #name(tail(input, #first), #row, ky_from, ky_to, #weights, #residual #out);
    }
}

/// Where each input row of the window at row `at - pad_top` starts.
pub(super) fn row_offsets(rows: &WindowRows) -> Vec<TokenStream> {
    let (top, row) = (int(rows.pad_top), int(rows.row));
    let offset = |ky: usize| {
        let y = plus(quote!(at), ky);
        // Rows that do not exist are not read; wrapping keeps their offsets from being computed below zero.
        let y = match (rows.pad_top, ky) {
            (0, 0) => y,
            (0, _) => quote!((#y)),
            (_, 0) => quote!(at.wrapping_sub(#top)),
            _ => quote!((#y).wrapping_sub(#top)),
        };
        match rows.line_buffer.map(int) {
            Some(line_buffer) => quote!((#y % #line_buffer).wrapping_mul(#row)),
            None => quote!(#y.wrapping_mul(#row)),
        }
    };
    (0..rows.kernel_size).map(offset).collect()
}
