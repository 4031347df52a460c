//! The reduction of a register tile: loops over kernel rows, kernel columns and input channels, and a step of them.

use super::super::{int, plus};
use super::Conv;
use crate::plan::kernel::{Column, Reduction, Segment, Trips, UNROLL, Unrolled};
use crate::plan::{InputLayout, LoopRange, PanelGroup};
use crate::units::Elements;
use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote};
use std::ops::Range;

impl Conv<'_> {
    pub(super) fn reduction(&self, g: &PanelGroup, s: &Segment) -> TokenStream {
        let k = self.kernel.kernel_size;
        let width = int(g.width);
        let all = 0..s.pixels;
        if k == 1 {
            let run = self.channels(g, s, &all);
            return quote! { let mut ap = a0; let mut wk = wt + #width; #run };
        }
        let (taps, channels) = (s.taps.1 - s.taps.0, self.kernel.input_channels);
        let row = int(k * channels * g.width);
        let first = plus(quote!(wt + #width + ky * #row), s.taps.0 * channels * g.width);
        let InputLayout::Nhwc { stride } = self.kernel.source else { return quote!() };
        // A loop, not a run of all taps: neighbouring pixels share inputs, and LLVM would keep those in registers that
        // the accumulators need.
        let cells = if let Some(columns) = &s.columns {
            columns.iter().map(|column| self.column(g, s, column)).collect()
        } else if taps == 1 {
            self.channels(g, s, &all)
        } else {
            let (run, tap) = (self.channels(g, s, &all), int(channels * g.width));
            let (stride, taps) = (int(stride), int(taps));
            quote! {
                for kx in 0..#taps {
                    let (mut ap, mut wk) = (ap + kx * #stride, wk + kx * #tap);
                    #run
                }
            }
        };
        let row_stride = match self.kernel.range {
            LoopRange::Rows { .. } | LoopRange::PanelRows { .. } => {
                let row = int(self.loops.input_row);
                quote!(#row)
            }
            _ => quote!(row_stride),
        };
        let mutable = if s.columns.is_some() { quote!() } else { quote!(mut) };
        quote! {
            for ky in ky_from..ky_to {
                let #mutable ap = a0 + (ky - ky_from) * #row_stride;
                let #mutable wk = #first;
                #cells
            }
        }
    }

    /// What a kernel column adds to those pixels of a tile at which it meets the input.
    fn column(&self, g: &PanelGroup, s: &Segment, column: &Column) -> TokenStream {
        let ap = plus(quote!(ap), column.input);
        let wk = plus(quote!(wk), (column.kx - s.taps.0) * self.kernel.input_channels * g.width);
        let run = self.channels(g, s, &column.pixels());
        quote!({ let (mut ap, mut wk) = (#ap, #wk); #run })
    }

    /// Steps over all input channels.
    fn channels(&self, g: &PanelGroup, s: &Segment, pixels: &Range<usize>) -> TokenStream {
        let lanes = self.isa.lanes;
        // Floats from the first channel to channel `i`.
        let offset = |i: usize| match self.kernel.source {
            InputLayout::Nhwc { .. } => Elements(i),
            InputLayout::Nchwc { block_stride } => i / lanes * block_stride + Elements(i % lanes),
        };
        match s.reduction {
            Reduction::Channels(unrolled) => self.unrolled(g, s, pixels, unrolled, &offset),
            Reduction::Blocks { blocks, block, rest } => {
                let beside = Elements;
                let one_block = self.unrolled(g, s, pixels, block, &beside);
                let rest = rest.map_or(quote!(), |rest| self.unrolled(g, s, pixels, rest, &beside));
                let (advance, rows, blocks) = (int(offset(lanes)), int(lanes * g.width), count(blocks));
                quote! {
                    let (mut block, mut rows) = (ap, wk);
                    for _ in 0..#blocks {
                        let (mut ap, mut wk) = (block, rows);
                        #one_block
                        block += #advance;
                        rows += #rows;
                    }
                    let (mut ap, mut wk) = (block, rows);
                    #rest
                }
            }
        }
    }

    /// A loop of [`UNROLL`] steps and the steps behind it; channel `i` of them is `offset(i)` floats from the first.
    fn unrolled(
        &self,
        g: &PanelGroup,
        s: &Segment,
        pixels: &Range<usize>,
        Unrolled { trips, rest }: Unrolled,
        offset: &dyn Fn(usize) -> Elements,
    ) -> TokenStream {
        let steps = |n: usize| -> TokenStream { (0..n).map(|i| self.step(g, s, pixels, offset(i), i)).collect() };
        let rest = steps(rest);
        let Some(trips) = trips else { return quote! { let (ap, wk) = (ap, wk); #rest } };
        let (body, advance, rows, count) = (steps(UNROLL), int(offset(UNROLL)), int(UNROLL * g.width), count(trips));
        quote! {
            for _ in 0..#count {
                #body
                ap += #advance;
                wk += #rows;
            }
            #rest
        }
    }

    /// One step: a row of weights, and the value of each of the pixels times it. `at` is the offset in floats from `ap`,
    /// where the first of the pixels is.
    fn step(&self, g: &PanelGroup, s: &Segment, pixels: &Range<usize>, at: Elements, row: usize) -> TokenStream {
        let panel = self.panel();
        let mut out = TokenStream::new();
        let w: Vec<_> = (0..g.vectors).map(|n| format_ident!("w{n}")).collect();
        for (n, w) in w.iter().enumerate() {
            let index = plus(quote!(wk), row * g.width + n * self.isa.lanes);
            out.extend(quote!(let #w = load(#panel, #index);));
        }
        if let Some(prefetch) = &s.prefetch {
            out.extend(self.prefetch_step(prefetch, row % UNROLL));
        }
        if self.loops.prefetch_lines > 0 {
            out.extend(self.prefetch_following(row % UNROLL));
        }
        for p in pixels.clone() {
            let index = plus(quote!(ap), at + (p - pixels.start) * self.loops.input_pixel);
            out.extend(quote!(let x = splat(a, #index);));
            for (n, w) in w.iter().enumerate() {
                let c = format_ident!("c{p}_{n}");
                let sum = (self.ops.multiply_add)(quote!(x), quote!(#w), quote!(#c));
                out.extend(quote!(#c = #sum;));
            }
            let sums: Vec<_> = (0..g.vectors).map(|n| format_ident!("c{p}_{n}")).collect();
            out.extend((self.ops.pin)(&sums));
        }
        out
    }
}

/// A trip count, in a form that LLVM does not see through where it is hidden.
fn count(Trips { count, hidden }: Trips) -> TokenStream {
    let count: Literal = int(count);
    if hidden { quote!(::core::hint::black_box(#count)) } else { quote!(#count) }
}
