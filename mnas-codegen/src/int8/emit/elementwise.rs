//! Kernels that read each value once: gates, sums, margins.

use super::{VECTOR, attributes, constants, finish, row_start};
use crate::emit::{int, times};
use crate::int8::kernel::{Finish, Output};
use crate::int8::map::{LANES, Layout};
use crate::machine::Isa;
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

/// Loops over the pixels of a block: `body` is written for each, with `row` and `column`.
fn pixels(layout: &Layout, body: &TokenStream) -> TokenStream {
    let (height, width) = (int(layout.height), int(layout.width));
    quote!(for row in 0..#height { for column in 0..#width { #body } })
}

/// Where the pixel (`row`, `column`) of `block` starts.
fn pixel(layout: &Layout) -> TokenStream {
    let (block, row) = (times(quote!(block), layout.block_stride()), row_start(layout, &quote!(row)));
    let column = times(quote!(column), layout.block);
    quote!(#block + #row + #column)
}

/// A map times its gate `g`, for the blocks of channels that `part` names.
pub(super) fn gate(input: &Layout, zero: u8, output: Output, isa: &Isa, name: &Ident) -> TokenStream {
    let (from, to) = (pixel(input), pixel(&output.layout()));
    let zero = int(usize::from(zero));
    let to_zero = match output {
        Output::Bytes(_, zero) => int(usize::from(zero)),
        Output::Floats(_) => int(0_usize),
    };
    let (vector, lanes) = (int(VECTOR), int(LANES));
    let body = pixels(
        input,
        &quote! {
            let a = simd::to_floats(simd::add_sums(bytes(x, #from), zero));
            put(y, #to, simd::multiply(simd::multiply(a, gate), multiplier), #to_zero, 0);
        },
    );
    let attribute = attributes(isa);
    quote! {
        #attribute
        unsafe fn #name(x: &[u8], w: &[u8], g: &[u8], y: &[Cell<u8>], part: Range<usize>) {
            let zero = simd::splat_sum(-#zero);
            for block in part {
                let (gate, multiplier) = (simd::to_floats(bytes(g, block * #lanes)), floats(w, block * #vector));
                #body
            }
        }
    }
}

/// The sum of two maps, for the blocks of channels that `part` names.
pub(super) fn add(
    inputs: &[Layout; 2],
    zeros: i32,
    output: Output,
    what: Option<Finish>,
    isa: &Isa,
    name: &Ident,
) -> TokenStream {
    let (a, b, to) = (pixel(&inputs[0]), pixel(&inputs[1]), pixel(&output.layout()));
    let zeros = proc_macro2::Literal::i32_unsuffixed(zeros);
    let sum = format_ident!("sum");
    let (loads, end) = match (what, output) {
        (Some(what), _) => {
            let (names, loads) = constants(what, 0, &quote!(0));
            (loads, finish(what, output, &sum, &to, &names))
        }
        (None, Output::Bytes(_, zero)) => {
            let zero = int(usize::from(zero));
            (quote!(), quote!(put(y, #to, simd::to_floats(#sum), #zero, 0);))
        }
        (None, Output::Floats(_)) => unreachable!("a sum that is the network's output has a finish"),
    };
    let body = pixels(
        &inputs[0],
        &quote! {
            let #sum = simd::add_sums(simd::add_sums(bytes(x, #a), bytes(r, #b)), zeros);
            #end
        },
    );
    let attribute = attributes(isa);
    quote! {
        #attribute
        unsafe fn #name(x: &[u8], w: &[u8], r: &[u8], y: &[Cell<u8>], part: Range<usize>) {
            let zeros = simd::splat_sum(-#zeros);
            #loads
            for block in part { #body }
        }
    }
}

/// Fills the margins of a map with its zero point, for the blocks of channels that `part` names.
pub(super) fn margins(layout: &Layout, zero: u8, name: &Ident) -> TokenStream {
    let (margins, row) = (layout.margins, layout.row());
    let block = times(quote!(block), layout.block_stride());
    let zero = int(usize::from(zero));
    let mut parts = Vec::new();
    let mut part = |start: usize, len: usize| {
        if len > 0 {
            let (start, len) = (int(start), int(len));
            parts.push(quote!(fill(y, at + #start, #len, #zero);));
        }
    };
    part(0, margins.top * row);
    part((margins.top + layout.height) * row, margins.bottom * row);
    let (left, right) = (margins.left * layout.block, margins.right * layout.block);
    let mut columns = Vec::new();
    for (start, len) in [(margins.top * row, left), ((margins.top + 1) * row - right, right)] {
        if len > 0 {
            let (start, len, row) = (int(start), int(len), int(row));
            columns.push(quote!(fill(y, at + #start + row * #row, #len, #zero);));
        }
    }
    let height = int(layout.height);
    let columns = if columns.is_empty() { quote!() } else { quote!(for row in 0..#height { #(#columns)* }) };
    quote! {
        unsafe fn #name(y: &[Cell<u8>], part: Range<usize>) {
            for block in part {
                let at = #block;
                #(#parts)*
                #columns
            }
        }
    }
}
