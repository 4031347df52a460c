//! Pools, sums and gates: loops over vectors of channels that are bound by memory, not by arithmetic.

use super::int;
use super::items::{attributes, safety};
use super::kernels::Kernels;
use crate::plan::{PoolKind, Step, StepKind, With};
use crate::units::Elements;
use mnas_dsl::network::{Activation, Shape};
use proc_macro2::{Ident, TokenStream};
use quote::quote;

/// Multiplies a range of pixels of each block of `pixels` pixels by a gate a channel, in place.
pub fn scale(pixels: usize, kernels: &mut Kernels) -> Ident {
    let (safety, attribute) = (safety(), attributes(kernels.isa));
    let (block, lanes) = (int(pixels * kernels.isa.lanes), int(kernels.isa.lanes));
    let product = (kernels.ops.multiply)(quote!(load(a, i)), quote!(g));
    kernels.function(&format!("scale_x{pixels}"), |name| {
        quote! {
            #[doc = " Multiplies channels by their gates."]
            #safety
            #attribute
            unsafe fn #name(gate: &[f32], a: &mut [f32], blocks: usize, pixels: ::core::ops::Range<usize>) {
                for b in 0..blocks {
                    let g = load(gate, b * #lanes);
                    for p in pixels.start..pixels.end {
                        let i = b * #block + p * #lanes;
                        store(a, i, #product);
                    }
                }
            }
        }
    })
}

/// Mean over all pixels of an NHWC tensor, `pixel` from one pixel to the next.
pub fn global(shape: Shape, pixel: Elements, kernels: &mut Kernels) -> Ident {
    let isa = kernels.isa;
    let (safety, attribute) = (safety(), attributes(isa));
    let vectors = int(shape.channels.div_ceil(isa.lanes));
    let (pixels, lanes, stride) = (int(shape.pixels()), int(isa.lanes), int(pixel));
    let zero = (kernels.ops.splat)(0.0);
    let sum = (kernels.ops.add)(quote!(sum), quote!(load(a, p * #stride + v * #lanes)));
    let mean = (kernels.ops.multiply)(quote!(sum), (kernels.ops.splat)(1.0 / shape.pixels() as f32));
    kernels.function(&format!("global_pool_{}", shape.channels), |name| {
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
                    store(out, v * #lanes, #mean);
                }
            }
        }
    })
}

/// Output row `oy` of a step that pools windows; `pixels` from one pixel to the next, of the input and of the
/// output. Every window reaches into the image.
pub fn window(step: &Step, pixels: [Elements; 2], kernels: &mut Kernels) -> Ident {
    let StepKind::Pool { kind, kernel_size, stride, pads } = &step.kind else {
        unreachable!("only pools have windows");
    };
    let (isa, input, output) = (kernels.isa, step.input_shape, step.output_shape);
    let (safety, attribute) = (safety(), attributes(isa));
    let (vectors, lanes) = (int(input.channels.div_ceil(isa.lanes)), int(isa.lanes));
    let [pixel, out_pixel] = pixels.map(int);
    let (ow, h, w) = (int(output.width), int(input.height), int(input.width));
    let (k, s, top, left) = (int(*kernel_size), int(*stride), int(pads.top), int(pads.left));
    let value = |y: TokenStream, x: TokenStream| quote!(load(a, (#y * #w + #x) * #pixel + v * #lanes));
    let one = value(quote!(y), quote!(x));
    let (name, doc, start, first, next, last) = match kind {
        PoolKind::Average => {
            let splat = if isa.lanes == 1 { quote!(share) } else { quote!(splat(&[share], 0)) };
            (
                "average_pool",
                " A row of an average pool; padding is not counted.",
                quote! {
                    let share = 1.0 / ((y1 - y0) * (x1 - x0)) as f32;
                    let scale = #splat;
                },
                (kernels.ops.splat)(0.0),
                (kernels.ops.add)(quote!(acc), one),
                (kernels.ops.multiply)(quote!(acc), quote!(scale)),
            )
        }
        PoolKind::Max => (
            "max_pool",
            " A row of a max pool; padding never wins.",
            quote!(),
            value(quote!(y0), quote!(x0)),
            (kernels.ops.max)(quote!(acc), one),
            quote!(acc),
        ),
    };
    kernels.function(&format!("{name}{k}x{k}_s{s}_{}_x{ow}", input.channels), |name| {
        quote! {
            #[doc = #doc]
            #safety
            #attribute
            unsafe fn #name(a: &[f32], oy: usize, out: &mut [f32]) {
                let (y0, y1) = ((oy * #s).saturating_sub(#top), (oy * #s + #k - #top).min(#h));
                for ox in 0usize..#ow {
                    let (x0, x1) = ((ox * #s).saturating_sub(#left), (ox * #s + #k - #left).min(#w));
                    #start
                    for v in 0..#vectors {
                        let mut acc = #first;
                        for y in y0..y1 {
                            for x in x0..x1 {
                                acc = #next;
                            }
                        }
                        store(out, ox * #out_pixel + v * #lanes, #last);
                    }
                }
            }
        }
    })
}

/// An activation of `pixels` pixels, `pixel` from one to the next, after a second tensor was added or each channel
/// was multiplied by its gate.
pub fn elementwise(
    with: With,
    activation: Activation,
    [pixels, channels]: [usize; 2],
    pixel: Elements,
    kernels: &mut Kernels,
) -> Ident {
    let isa = kernels.isa;
    let (safety, attribute) = (safety(), attributes(isa));
    let (vectors, lanes, pixel) = (int(channels / isa.lanes), int(isa.lanes), int(pixel));
    let count = int(pixels);
    let (name, second, value) = match with {
        With::Nothing => ("activate", quote!(), quote!(load(a, i))),
        With::Sum => ("add", quote!(b: &[f32],), (kernels.ops.add)(quote!(load(a, i)), quote!(load(b, i)))),
        With::Gate => {
            ("scale", quote!(gate: &[f32],), (kernels.ops.multiply)(quote!(load(a, i)), quote!(load(gate, v * #lanes))))
        }
    };
    let activated = kernels.ops.activate(activation, quote!(x));
    let name = format!("{name}_{pixel}_x{pixels}");
    kernels.function(&name, |name| {
        quote! {
            #[doc = " Pixels of a tensor, vector by vector."]
            #safety
            #attribute
            unsafe fn #name(a: &[f32], #second out: &mut [f32]) {
                for p in 0..#count {
                    for v in 0..#vectors {
                        let i = p * #pixel + v * #lanes;
                        let x = #value;
                        store(out, i, #activated);
                    }
                }
            }
        }
    })
}

/// The image with its channels padded with zeros to length `pixel`.
pub fn pad_image(shape: Shape, pixel: Elements, name: &Ident) -> TokenStream {
    let (pixels, channels, stride) = (int(shape.pixels()), int(shape.channels), int(pixel));
    let safety = safety();
    quote! {
        #[doc = " Pads the channels of the image with zeros."]
        #safety
        unsafe fn #name(a: &[f32], out: &mut [f32]) {
            for p in 0..#pixels {
                for c in 0..#stride {
                    let v = if c < #channels { *tail(a, p * #channels + c).get_unchecked(0) } else { 0.0 };
                    *tail_mut(out, p * #stride + c).get_unchecked_mut(0) = v;
                }
            }
        }
    }
}
