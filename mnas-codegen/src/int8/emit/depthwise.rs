//! A depthwise convolution: windows of four pixels of a row, each a dot product for every output that it covers.

use super::{VECTOR, attributes, constants, finish_run};
use crate::emit::{int, plus};
use crate::int8::kernel::DepthwiseKernel;
use crate::int8::map::{LANES, QUAD};
use crate::int8::tile::{Run, runs};
use crate::machine::Isa;
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use std::collections::BTreeMap;

/// The function. A call computes the blocks of channels that `part` names.
pub(super) fn emit(kernel: &DepthwiseKernel, isa: &Isa, name: &Ident) -> TokenStream {
    let output = kernel.output.layout();
    let tiles: TokenStream =
        runs(output.width, super::tiles(isa).columns).iter().map(|run| tiles_of(kernel, run)).collect();
    let (height, panel_len) = (int(output.height), int(kernel.panel_len()));
    let (x_block, x_row) = (int(kernel.input.block_stride()), int(kernel.input.row() * kernel.stride));
    let (y_block, y_row) = (int(output.block_stride()), int(output.row()));
    let attribute = attributes(isa);
    quote! {
        #attribute
        unsafe fn #name(x: &[u8], w: &[u8], y: &[Cell<u8>], part: Range<usize>) {
            for block in part {
                let wi = block * #panel_len;
                for row in 0..#height {
                    let (xr, yr) = (block * #x_block + row * #x_row, block * #y_block + row * #y_row);
                    #tiles
                }
            }
        }
    }
}

fn tiles_of(kernel: &DepthwiseKernel, run: &Run) -> TokenStream {
    let output = kernel.output.layout();
    let pixel = kernel.stride * kernel.input.block;
    let (x_start, x_step) = (int(kernel.first + run.start * pixel), int(run.pixels * pixel));
    let (y_start, y_step) = (int(output.origin() + run.start * output.block), int(run.pixels * output.block));
    let tile = tile(kernel, run.pixels);
    let count = int(run.count);
    quote! {
        for tile in 0..#count {
            let (xi, yi) = (xr + #x_start + tile * #x_step, yr + #y_start + tile * #y_step);
            #tile
        }
    }
}

fn tile(kernel: &DepthwiseKernel, pixels: usize) -> TokenStream {
    let sums = |p: usize| format_ident!("a{p}");
    let begin = (0..pixels).map(|p| {
        let name = sums(p);
        quote!(let mut #name = bias;)
    });
    let quads_at = VECTOR + kernel.finish.constants();
    let (shifts, quads) = (kernel.shifts(), kernel.quads());
    // The outputs of each window, by the window's first pixel: output, shift, quad.
    let mut windows: BTreeMap<usize, Vec<(usize, usize, usize)>> = BTreeMap::new();
    for p in 0..pixels {
        let shift = if shifts == 2 { p % 2 } else { 0 };
        let start = p * kernel.stride - shift;
        // The last quad may hold no tap of this output.
        let used = (kernel.kernel_size + shift).div_ceil(QUAD);
        for quad in 0..used {
            windows.entry(start + quad * QUAD).or_default().push((p, shift, quad));
        }
    }
    let rows = (0..kernel.kernel_size).map(|ky| {
        let used: std::collections::BTreeSet<(usize, usize)> =
            windows.values().flatten().map(|&(_, shift, quad)| (shift, quad)).collect();
        let weight = |shift: usize, quad: usize| format_ident!("w{shift}_{quad}");
        let weights = used.iter().map(|&(shift, quad)| {
            let at = quads_at + ((ky * shifts + shift) * quads + quad) * 4 * LANES;
            let (name, at) = (weight(shift, quad), plus(quote!(wi), at));
            quote!(let #name = weights(w, #at);)
        });
        let dots = windows.iter().map(|(&first, outputs)| {
            let at = plus(quote!(xi), ky * kernel.input.row() + first * kernel.input.block);
            let dots = outputs.iter().map(|&(p, shift, quad)| {
                let (a, w) = (sums(p), weight(shift, quad));
                quote!(#a = simd::dot_window(#a, x4, #w);)
            });
            quote!(let x4 = window(x, #at); #(#dots)*)
        });
        quote!(#(#weights)* #(#dots)*)
    });
    let (names, loads) = constants(kernel.finish, 0, &plus(quote!(wi), VECTOR));
    let at = |p: usize| plus(quote!(yi), p * kernel.output.layout().block);
    let stores = finish_run((kernel.finish, kernel.output), kernel.is_bounded, pixels, sums, at, &names);
    quote! {
        let bias = sums(w, wi);
        #(#begin)*
        #(#rows)*
        #loads
        #stores
    }
}
