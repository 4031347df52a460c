//! What a register tile sums up: loops over kernel rows, kernel columns and input channels, and a step of them.

use super::super::segments::Segment;
use super::super::{int, plus};
use super::{Conv, UNROLL, WRITTEN_OUT};
use crate::plan::kernel::is_loop;
use crate::plan::{PanelGroup, Part, Source};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use std::ops::Range;

impl Conv<'_> {
    pub(super) fn reduction(&self, g: &PanelGroup, s: &Segment) -> TokenStream {
        let k = self.kernel.kernel_size;
        let width = int(g.width);
        if k == 1 {
            let run = match self.kernel.source {
                Source::Nhwc { .. } => self.run(g, s, &(0..s.pixels), self.kernel.input_channels),
                Source::Blocked { block } => self.run_blocked(g, s, block),
            };
            return quote! { let mut ap = a0; let mut wk = wt + #width; #run };
        }
        let (taps, channels) = (s.taps.1 - s.taps.0, self.kernel.input_channels);
        let row = int(k * channels * g.width);
        let first = plus(quote!(wt + #width + ky * #row), s.taps.0 * channels * g.width);
        let Source::Nhwc { stride } = self.kernel.source else { return quote!() };
        // A loop, not a run of all taps: neighbouring pixels share inputs, and LLVM would keep those in registers that
        // the accumulators need.
        let cells = if s.mixed {
            let columns = s.taps.0..s.taps.1;
            columns.map(|kx| self.column(g, s, kx, stride)).collect()
        } else if taps == 1 {
            self.run(g, s, &(0..s.pixels), channels)
        } else {
            let (run, tap) = (self.run(g, s, &(0..s.pixels), channels), int(channels * g.width));
            let (stride, taps) = (int(stride), int(taps));
            quote! {
                for kx in 0..#taps {
                    let (mut ap, mut wk) = (ap + kx * #stride, wk + kx * #tap);
                    #run
                }
            }
        };
        let row_stride = match self.kernel.part {
            Part::Rows { .. } | Part::PanelRows { .. } => {
                let row = int(self.row_len());
                quote!(#row)
            }
            _ => quote!(row_stride),
        };
        let mutable = if s.mixed { quote!() } else { quote!(mut) };
        quote! {
            for ky in ky_from..ky_to {
                let #mutable ap = a0 + (ky - ky_from) * #row_stride;
                let #mutable wk = #first;
                #cells
            }
        }
    }

    /// What column `kx` of the kernel adds to those pixels of a mixed tile at which it meets the input.
    pub(super) fn column(&self, g: &PanelGroup, s: &Segment, kx: usize, stride: usize) -> TokenStream {
        let pixels = s.pixels_at(self.kernel, kx);
        if pixels.is_empty() {
            return TokenStream::new();
        }
        let column = (s.start + pixels.start) * self.kernel.stride + kx - self.kernel.pad_left;
        let channels = self.kernel.input_channels;
        let ap = plus(quote!(ap), column * stride);
        let wk = plus(quote!(wk), (kx - s.taps.0) * channels * g.width);
        let run = self.run(g, s, &pixels, channels);
        quote!({ let (mut ap, mut wk) = (#ap, #wk); #run })
    }

    /// `n` steps over values that follow each other: a loop of [`UNROLL`] of them and the rest, or all written out.
    pub(super) fn run(&self, g: &PanelGroup, s: &Segment, pixels: &Range<usize>, n: usize) -> TokenStream {
        let steps = |count: usize| -> TokenStream { (0..count).map(|i| self.step(g, s, pixels, i, i)).collect() };
        if !is_loop(n) {
            let body = steps(n);
            return quote! { let (ap, wk) = (ap, wk); #body };
        }
        let (body, rest) = (steps(UNROLL), steps(n % UNROLL));
        let (advance, rows, count) = (int(UNROLL), int(UNROLL * g.width), self.count(g, s, n / UNROLL, UNROLL));
        quote! {
            for _ in 0..#count {
                #body
                ap += #advance;
                wk += #rows;
            }
            #rest
        }
    }

    /// How often a loop over `steps` steps runs. Of a loop that LLVM would write out in full it is not told: neighbouring
    /// tiles have the same weights, and LLVM would keep all of them, most on the stack.
    pub(super) fn count(&self, g: &PanelGroup, s: &Segment, count: usize, steps: usize) -> TokenStream {
        let step = g.vectors + s.pixels + g.vectors * s.pixels;
        let count_literal = int(count);
        if self.isa.few_registers() && count * steps * step <= WRITTEN_OUT {
            quote!(::core::hint::black_box(#count_literal))
        } else {
            quote!(#count_literal)
        }
    }

    /// Steps over all input channels, which lie in blocks of lanes, `block` floats from one to the next.
    pub(super) fn run_blocked(&self, g: &PanelGroup, s: &Segment, block: usize) -> TokenStream {
        let (lanes, n, all) = (self.isa.lanes, self.kernel.input_channels, 0..s.pixels);
        if !is_loop(n) {
            let body: TokenStream = (0..n).map(|i| self.step(g, s, &all, i / lanes * block + i % lanes, i)).collect();
            return quote! { let (ap, wk) = (ap, wk); #body };
        }
        if lanes < UNROLL {
            let body: TokenStream = (0..UNROLL).map(|i| self.step(g, s, &all, i / lanes * block, i)).collect();
            let rest: TokenStream = (0..n % UNROLL).map(|i| self.step(g, s, &all, i / lanes * block, i)).collect();
            let (advance, rows, count) = (int(UNROLL / lanes * block), int(UNROLL * g.width), int(n / UNROLL));
            return quote! {
                for _ in 0..#count {
                    #body
                    ap += #advance;
                    wk += #rows;
                }
                #rest
            };
        }
        let one_block = self.run(g, s, &all, lanes);
        let rest = if n % lanes > 0 { self.run(g, s, &all, n % lanes) } else { quote!() };
        let (advance, rows) = (int(block), int(lanes * g.width));
        let blocks = self.count(g, s, n / lanes, lanes);
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

    /// One step: a row of weights, and the value of each of the pixels times it. `at` is the offset in floats from `ap`,
    /// where the first of the pixels is.
    pub(super) fn step(
        &self,
        g: &PanelGroup,
        s: &Segment,
        pixels: &Range<usize>,
        at: usize,
        row: usize,
    ) -> TokenStream {
        let panel = self.panel();
        let mut out = TokenStream::new();
        let w: Vec<_> = (0..g.vectors).map(|n| format_ident!("w{n}")).collect();
        for (n, w) in w.iter().enumerate() {
            let index = plus(quote!(wk), row * g.width + n * self.isa.lanes);
            out.extend(quote!(let #w = ld(#panel, #index);));
        }
        if self.kernel.prefetch {
            out.extend(self.prefetch_step(g, s, row % UNROLL));
        }
        if self.kernel.ahead > 0 {
            out.extend(self.ahead_step(row % UNROLL));
        }
        for p in pixels.clone() {
            let index = plus(quote!(ap), at + (p - pixels.start) * self.pixel());
            out.extend(quote!(let x = bc(a, #index);));
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
