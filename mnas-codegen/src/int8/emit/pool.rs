//! Means over all pixels, and pools by windows.

use super::{VECTOR, attributes, finish, row_start};
use crate::emit::{int, times};
use crate::int8::kernel::{Finish, Output, PoolKernel};
use crate::int8::map::Layout;
use crate::machine::Isa;
use mnas_dsl::network::Activation;
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

/// The mean over all pixels, for the blocks of channels that `part` names.
pub(super) fn global(input: &Layout, zero: u8, output: Output, isa: &Isa, name: &Ident) -> TokenStream {
    let (block, row) = (times(quote!(block), input.block_stride()), row_start(input, &quote!(row)));
    let column = times(quote!(column), input.block);
    let (height, width, vector) = (int(input.height), int(input.width), int(VECTOR));
    let zeros = int(usize::from(zero) * input.height * input.width);
    let (sum, multiplier) = (format_ident!("sum"), format_ident!("multiplier"));
    let what = match output {
        Output::Bytes(..) => Finish::Multiply { lower: 0 },
        Output::Floats(_) => Finish::Floats(Activation::Linear),
    };
    let to = times(quote!(block), output.layout().block);
    let end = finish(what, output, &sum, &to, &[multiplier]);
    let attribute = attributes(isa);
    quote! {
        #attribute
        unsafe fn #name(x: &[u8], w: &[u8], y: &[Cell<u8>], part: Range<usize>) {
            for block in part {
                let mut sum = simd::splat_sum(-#zeros);
                for row in 0..#height {
                    for column in 0..#width {
                        sum = simd::add_sums(sum, bytes(x, #block + #row + #column));
                    }
                }
                let multiplier = floats(w, block * #vector);
                #end
            }
        }
    }
}

/// A pool by windows, for the blocks of channels that `part` names.
pub(super) fn windows(kernel: &PoolKernel, isa: &Isa, name: &Ident) -> TokenStream {
    let PoolKernel { input, output, .. } = kernel;
    let [height, width, rows, columns, k, stride, top, left] = [
        input.height,
        input.width,
        output.height,
        output.width,
        kernel.kernel_size,
        kernel.stride,
        kernel.pads[0],
        kernel.pads[1],
    ]
    .map(int);
    let from = {
        let (block, row) = (times(quote!(block), input.block_stride()), row_start(input, &quote!(y0)));
        let column = times(quote!(x0), input.block);
        quote!(#block + #row + #column)
    };
    let to = {
        let (block, row) = (times(quote!(block), output.block_stride()), row_start(output, &quote!(row)));
        let column = times(quote!(column), output.block);
        quote!(#block + #row + #column)
    };
    let zero = int(usize::from(kernel.zero));
    let (begin, each, end) = if kernel.is_average {
        (
            quote!(let (mut sum, mut count) = (simd::splat_sum(0), 0);),
            quote!(sum = simd::add_sums(sum, bytes(x, #from)); count += 1;),
            quote! {
                let sum = simd::to_floats(simd::add_sums(sum, simd::splat_sum(-#zero * count)));
                put(y, #to, simd::multiply(sum, simd::splat(1.0 / count as f32)), #zero, 0);
            },
        )
    } else {
        (
            quote!(let mut most = simd::splat_sum(0);),
            quote!(most = simd::max_sums(most, bytes(x, #from));),
            quote!(put(y, #to, simd::to_floats(most), 0, 0);),
        )
    };
    let attribute = attributes(isa);
    quote! {
        #attribute
        unsafe fn #name(x: &[u8], w: &[u8], y: &[Cell<u8>], part: Range<usize>) {
            for block in part {
                for row in 0..#rows {
                    for column in 0..#columns {
                        #begin
                        for y0 in (row * #stride).max(#top) - #top..(row * #stride + #k).min(#height + #top) - #top {
                            for x0 in (column * #stride).max(#left) - #left..(column * #stride + #k).min(#width + #left) - #left {
                                #each
                            }
                        }
                        #end
                    }
                }
            }
        }
    }
}
