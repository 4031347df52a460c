//! A convolution of all channels: tiles of pixels times vectors of output channels.

use super::{VECTOR, attributes, constants, finish_run, tiles};
use crate::emit::{int, plus, repeat};
use crate::int8::kernel::{Added, ConvKernel, Finish, Output};
use crate::int8::map::LANES;
use crate::int8::tile::{Run, choose, runs};
use crate::machine::Isa;
use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};

/// Most dot products that are written out in full.
const WRITTEN_OUT: usize = 12;
/// Weights of this many bytes stay in the first-level cache while a row of the map is computed.
const FEW_WEIGHTS: usize = 16 * 1024;

/// Panels from `start` on, `vectors` of them in a tile.
struct Group {
    start: usize,
    count: usize,
    vectors: usize,
}

/// The function. A call computes the rows, or the groups of panels, that `part` names.
pub(super) fn emit(kernel: &ConvKernel, isa: &Isa, name: &Ident, part_is_rows: bool) -> TokenStream {
    let [height, width] = kernel.runs();
    let vectors = choose(&tiles(isa), width, kernel.panels());
    let groups = [
        Group { start: 0, count: kernel.panels() / vectors, vectors },
        Group { start: kernel.panels() / vectors * vectors, count: 1, vectors: kernel.panels() % vectors },
    ];
    let tiles_of_group = |group: &Group| -> TokenStream {
        runs(width, tiles(isa).pixels[group.vectors - 1])
            .iter()
            .map(|run| tiles_of(kernel, isa, group.vectors, run))
            .collect()
    };
    let groups = groups.iter().filter(|group| group.vectors > 0 && group.count > 0);
    let weights = kernel.panels() * kernel.panel_len();
    let rows = if part_is_rows {
        quote!(part.clone())
    } else {
        let height = int(height);
        quote!(0..#height)
    };
    let body: TokenStream = if part_is_rows && weights <= FEW_WEIGHTS {
        // Row by row: all weights stay near.
        let groups: TokenStream = groups
            .map(|group| {
                let (start, end) = (int(group.start), int(group.start + group.count * group.vectors));
                let (step, tiles) = (int(group.vectors), tiles_of_group(group));
                quote!(for panel in (#start..#end).step_by(#step) { #tiles })
            })
            .collect();
        quote!(for row in part { #groups })
    } else {
        groups
            .map(|group| {
                let (start, end) = (int(group.start), int(group.start + group.count * group.vectors));
                let (step, tiles) = (int(group.vectors), tiles_of_group(group));
                let panels = if part_is_rows {
                    quote!((#start..#end).step_by(#step))
                } else {
                    // A share of the panels, in whole groups.
                    quote!((part.start.max(#start)..part.end.min(#end)).step_by(#step))
                };
                quote!(for panel in #panels { for row in #rows { #tiles } })
            })
            .collect()
    };
    let residual = kernel.residual.map(|_| quote!(r: &[u8],));
    let attribute = attributes(isa);
    quote! {
        #attribute
        unsafe fn #name(x: &[u8], w: &[u8], #residual y: &[Cell<u8>], part: Range<usize>) { #body }
    }
}

/// Panels that a share of threads has to begin at a multiple of.
pub(super) fn panels_of_group(kernel: &ConvKernel, isa: &Isa) -> usize {
    choose(&tiles(isa), kernel.runs()[1], kernel.panels())
}

fn tiles_of(kernel: &ConvKernel, isa: &Isa, vectors: usize, run: &Run) -> TokenStream {
    let output = kernel.output.layout();
    let pixel = kernel.stride * kernel.input.block;
    let tile = tile(kernel, isa, vectors, run.pixels);
    let residual = kernel.residual.map(|added| {
        let layout = added.layout;
        let (block, row) = (int(layout.block_stride()), int(layout.row()));
        let start = int(layout.origin() + run.start * layout.block);
        let step = int(run.pixels * layout.block);
        quote!(let ri = panel * #block + row * #row + #start + tile * #step;)
    });
    let (x_row, x_start, x_step) =
        (int(kernel.input.row() * kernel.stride), int(kernel.first + run.start * pixel), int(run.pixels * pixel));
    let (block, y_row) = (int(output.block_stride()), int(output.row()));
    let (y_start, y_step) = (int(output.origin() + run.start * output.block), int(run.pixels * output.block));
    let panel_len = int(kernel.panel_len());
    let body = quote! {
        let wi = panel * #panel_len;
        let xi = row * #x_row + #x_start + tile * #x_step;
        let yi = panel * #block + row * #y_row + #y_start + tile * #y_step;
        #residual
        #tile
    };
    if run.count == 1 { quote!({ let tile = 0; #body }) } else { repeat(&quote!(tile), run.count, &body) }
}

fn tile(kernel: &ConvKernel, isa: &Isa, vectors: usize, pixels: usize) -> TokenStream {
    let panel_len = kernel.panel_len();
    let sums = |p: usize, n: usize| format_ident!("a{p}_{n}");
    let quads_at = VECTOR + kernel.finish.constants();
    let begin = (0..vectors).map(|n| {
        let at = plus(quote!(wi), n * panel_len);
        let bias = format_ident!("b{n}");
        let copies = (0..pixels).map(|p| {
            let name = sums(p, n);
            quote!(let mut #name = #bias;)
        });
        quote!(let #bias = sums(w, #at); #(#copies)*)
    });
    let begin = quote!(#(#begin)*);
    // One dot product of every pixel and vector: quads at `w[wq + w_offset..]` and `x[xq + x_offset..]`.
    let step = |w_offset: usize, x_offset: usize| -> TokenStream {
        let weights = (0..vectors).map(|n| {
            let (name, at) = (format_ident!("w{n}"), plus(quote!(wq), w_offset + n * panel_len));
            quote!(let #name = weights(w, #at);)
        });
        let dots = (0..pixels).map(|p| {
            let at = plus(quote!(xq), x_offset + p * kernel.stride * kernel.input.block);
            let dots = (0..vectors).map(|n| {
                let (a, w) = (sums(p, n), format_ident!("w{n}"));
                quote!(#a = simd::dot(#a, q, #w);)
            });
            quote!(let q = quad(x, #at); #(#dots)*)
        });
        quote!(#(#weights)* #(#dots)*)
    };
    let reduction = reduction(kernel, isa, quads_at, &step);
    let end = (0..vectors).map(|n| {
        let (names, loads) = constants(kernel.finish, n, &plus(quote!(wi), n * panel_len + VECTOR));
        let output = kernel.output.layout();
        let at = |p: usize| plus(quote!(yi), n * output.block_stride() + p * output.block);
        let stores: TokenStream = match (kernel.residual, kernel.finish, kernel.output) {
            (Some(added), Finish::Multiply { lower }, Output::Bytes(..)) => {
                let stores = (0..pixels).map(|p| add(&added, lower, &sums(p, n), &names[0], n, p, &at(p)));
                stores.collect()
            }
            _ => {
                let what = (kernel.finish, kernel.output);
                finish_run(what, kernel.is_bounded, pixels, |p| sums(p, n), at, &names)
            }
        };
        quote!(#loads #stores)
    });
    quote!(#begin #reduction #(#end)*)
}

/// Statements that store the sum of a result and the residual, of vector `n` and pixel `p`.
fn add(added: &Added, lower: u8, sums: &Ident, factor: &Ident, n: usize, p: usize, at: &TokenStream) -> TokenStream {
    let r = plus(quote!(ri), n * added.layout.block_stride() + p * added.layout.block);
    let (zero, lower) = (int(usize::from(added.zero)), int(usize::from(lower)));
    let offset = Literal::i32_unsuffixed(added.offset.abs());
    let offset = if added.offset < 0 { quote!(-#offset) } else { quote!(#offset) };
    let other = quote!(simd::add_sums(bytes(r, #r), simd::splat_sum(#offset)));
    quote!(put_sum(y, #at, simd::multiply(simd::to_floats(#sums), #factor), #zero, #lower, #other);)
}

/// The loops over the window and the input channels.
fn reduction(
    kernel: &ConvKernel,
    isa: &Isa,
    quads_at: usize,
    step: &dyn Fn(usize, usize) -> TokenStream,
) -> TokenStream {
    let [rows, columns] = kernel.window;
    let (input, per_pixel) = (&kernel.input, kernel.quads_of_pixel());
    let per_block = input.block / 4;
    let offset = |quad: usize| quad / per_block * input.block_stride() + quad % per_block * 4;
    if kernel.quads() <= WRITTEN_OUT && !tiles(isa).is_portable {
        let steps = (0..rows).flat_map(|ky| (0..columns).map(move |kx| (ky, kx))).flat_map(|(ky, kx)| {
            (0..per_pixel).map(move |quad| {
                let w = ((ky * columns + kx) * per_pixel + quad) * 4 * LANES;
                (w, ky * input.row() + kx * input.block + offset(quad))
            })
        });
        let steps: TokenStream = steps.map(|(w, x)| step(w, x)).collect();
        let start = int(quads_at);
        return quote!(let (wq, xq) = (wi + #start, xi); #steps);
    }
    // Whole blocks of channels in a loop, the rest behind it.
    let blocks = per_pixel / per_block;
    let of_block: TokenStream = (0..per_block).map(|quad| step(quad * 4 * LANES, quad * 4)).collect();
    let (w_block, x_block) = (int(per_block * 4 * LANES), int(input.block_stride()));
    let in_loop = quote! {
        for block in 0..blocks {
            let (wq, xq) = (wk + block * #w_block, xk + block * #x_block);
            #of_block
        }
    };
    let rest: TokenStream = (blocks * per_block..per_pixel).map(|quad| step(quad * 4 * LANES, offset(quad))).collect();
    let rest = if rest.is_empty() { rest } else { quote!(let (wq, xq) = (wk, xk); #rest) };
    let count = int(blocks);
    let channels = match blocks {
        0 => rest,
        _ => quote!({ let blocks = #count; #in_loop } #rest),
    };
    let start = int(quads_at);
    if rows * columns == 1 {
        return quote!(let (wk, xk) = (wi + #start, xi); #channels);
    }
    let (w_row, x_row) = (int(columns * per_pixel * 4 * LANES), int(input.row()));
    let (w_column, x_column) = (int(per_pixel * 4 * LANES), int(input.block));
    let [rows, columns] = [rows, columns].map(int);
    quote! {
        for ky in 0..#rows {
            for kx in 0..#columns {
                let (wk, xk) = (wi + #start + ky * #w_row + kx * #w_column, xi + ky * #x_row + kx * #x_column);
                #channels
            }
        }
    }
}
