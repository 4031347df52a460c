//! Averages and the gate: loops over vectors of channels that are bound by memory, not by arithmetic.

use super::int;
use super::isa::Ops;
use super::kernels::{attributes, safety};
use crate::plan::isa::Isa;
use mnas_dsl::network::{Pads, Shape};
use proc_macro2::{Ident, TokenStream};
use quote::quote;

/// Some pixels of some blocks of `pixels` pixels times a gate a channel, in place.
pub fn scale(pixels: usize, isa: Isa, ops: &Ops, name: &Ident) -> TokenStream {
    let (safety, attribute) = (safety(), attributes(isa));
    let (block, lanes) = (int(pixels * isa.lanes), int(isa.lanes));
    let product = (ops.multiply)(quote!(ld(a, i)), quote!(g));
    quote! {
        #[doc = " Multiplies channels by their gates."]
        #safety
        #attribute
        unsafe fn #name(gate: &[f32], a: &mut [f32], blocks: usize, pixels: ::core::ops::Range<usize>) {
            for b in 0..blocks {
                let g = ld(gate, b * #lanes);
                for p in pixels.start..pixels.end {
                    let i = b * #block + p * #lanes;
                    st(a, i, #product);
                }
            }
        }
    }
}

/// Mean over all pixels of an NHWC tensor, `pixel` floats from one pixel to the next.
pub fn global(shape: Shape, pixel: usize, isa: Isa, ops: &Ops, name: &Ident) -> TokenStream {
    let (safety, attribute) = (safety(), attributes(isa));
    let vectors = int(shape.channels.div_ceil(isa.lanes));
    let (pixels, lanes, stride) = (int(shape.pixels()), int(isa.lanes), int(pixel));
    let zero = (ops.splat)(0.0);
    let sum = (ops.add)(quote!(sum), quote!(ld(a, p * #stride + v * #lanes)));
    let mean = (ops.multiply)(quote!(sum), (ops.splat)(1.0 / shape.pixels() as f32));
    quote! {
        #[doc = " Mean over all pixels."]
        #safety
        #attribute
        unsafe fn #name(a: &[f32], out: &mut [f32]) {
            for v in 0..#vectors {
                let mut sum = #zero;
                for p in 0..#pixels {
                    sum = #sum;
                }
                st(out, v * #lanes, #mean);
            }
        }
    }
}

/// An average pool that does not count padding; `pixel` floats from one pixel to the next.
#[expect(clippy::too_many_arguments, reason = "the shape of one pool")]
pub fn average(
    input: Shape,
    output: Shape,
    pixel: usize,
    kernel_size: usize,
    stride: usize,
    pads: Pads,
    isa: Isa,
    ops: &Ops,
    name: &Ident,
) -> TokenStream {
    let (safety, attribute) = (safety(), attributes(isa));
    let (vectors, lanes, pixel) = (int(pixel / isa.lanes), int(isa.lanes), int(pixel));
    let (oh, ow, h, w) = (int(output.height), int(output.width), int(input.height), int(input.width));
    let (k, s, top, left) = (int(kernel_size), int(stride), int(pads.top), int(pads.left));
    let zero = (ops.splat)(0.0);
    let sum = (ops.add)(quote!(sum), quote!(ld(a, (y * #w + x) * #pixel + v * #lanes)));
    let mean = (ops.multiply)(quote!(sum), quote!(scale));
    let splat = if isa.lanes == 1 { quote!(share) } else { quote!(bc(&[share], 0)) };
    quote! {
        #[doc = " Average pool; padding is not counted."]
        #safety
        #attribute
        unsafe fn #name(a: &[f32], out: &mut [f32]) {
            let mut o = 0;
            for oy in 0usize..#oh {
                let (y0, y1) = ((oy * #s).saturating_sub(#top), (oy * #s + #k - #top).min(#h));
                for ox in 0usize..#ow {
                    let (x0, x1) = ((ox * #s).saturating_sub(#left), (ox * #s + #k - #left).min(#w));
                    let share = 1.0 / ((y1 - y0) * (x1 - x0)) as f32;
                    let scale = #splat;
                    for v in 0..#vectors {
                        let mut sum = #zero;
                        for y in y0..y1 {
                            for x in x0..x1 {
                                sum = #sum;
                            }
                        }
                        st(out, o, #mean);
                        o += #lanes;
                    }
                }
            }
        }
    }
}

/// The image with its channels padded with zeros to `pixel` floats.
pub fn pad_image(shape: Shape, pixel: usize, name: &Ident) -> TokenStream {
    let (pixels, channels, stride) = (int(shape.pixels()), int(shape.channels), int(pixel));
    let safety = safety();
    quote! {
        #[doc = " Pads the channels of the image with zeros."]
        #safety
        unsafe fn #name(a: &[f32], out: &mut [f32]) {
            for p in 0..#pixels {
                for c in 0..#stride {
                    let v = if c < #channels { *from(a, p * #channels + c).get_unchecked(0) } else { 0.0 };
                    *from_mut(out, p * #stride + c).get_unchecked_mut(0) = v;
                }
            }
        }
    }
}
