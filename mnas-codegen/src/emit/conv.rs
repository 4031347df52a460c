//! Convolutions as packed matrix products: panels of output channels outermost, pixels inside, the register tile
//! as straight-line code, the reduction as a loop with literal bounds.

use super::isa::Ops;
use super::kernels::{attributes, safety};
use super::segments::{Segment, UNROLL_ALL, segments};
use super::{int, kernel_rows, plus, repeat, times};
use crate::graph::Residual;
use crate::plan::isa::Isa;
use crate::plan::{ConvKernel, Destination, PanelGroup, Part, Source};
use mnas_dsl::network::Activation;
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use std::ops::Range;

/// Steps of the reduction that are written out inside its loop.
const UNROLL: usize = 4;
/// Floats of a cache line.
const CACHE_LINE: usize = 16;
/// Instructions up to which LLVM writes a loop out in full, rounded up.
const WRITTEN_OUT: usize = 500;

/// The function of a kernel.
pub fn emit(kernel: &ConvKernel, isa: Isa, ops: &Ops, name: &Ident) -> TokenStream {
    let c = Conv { kernel, isa, ops };
    let (safety, attribute) = (safety(), attributes(isa));
    let parameters = parameters(kernel);
    let doc = format!(
        " {k}x{k} convolution, stride {s}, {i} to {o} channels, {p} pixels a {what}.",
        what = if kernel.rows().is_some() { "row" } else { "call" },
        k = kernel.kernel_size,
        s = kernel.stride,
        i = kernel.input_channels,
        o = kernel.output_channels,
        p = kernel.pixels
    );
    let mut at = Start::default();
    let groups: TokenStream = kernel.panels.iter().map(|g| c.group(g, &mut at)).collect();
    let body = match kernel.part {
        Part::All | Part::Runs | Part::Rows { .. } => {
            let activate = c.activate_all();
            quote!(let mut wp = 0; let mut oc = 0; #groups #activate)
        }
        Part::Panels => groups,
        Part::Tiles => {
            let tiles = int(at.tile);
            quote!(let tiles = worker.range(#tiles); #groups)
        }
    };
    quote! {
        #[doc = #doc]
        #safety
        #attribute
        unsafe fn #name(#parameters) { #body }
    }
}

/// What the function takes beyond input, weights and output follows from the kernel.
fn parameters(kernel: &ConvKernel) -> TokenStream {
    let rows = match kernel.part {
        Part::Rows { .. } => quote!(rows: ::core::ops::Range<usize>,),
        _ if kernel.kernel_size > 1 => quote!(row_stride: usize, ky_from: usize, ky_to: usize,),
        _ => quote!(),
    };
    let residual = if kernel.residual.is_some() { quote!(residual: &[f32],) } else { quote!() };
    let gate = if kernel.gated { quote!(gate: &[f32], panel: &mut [f32],) } else { quote!() };
    let out = match kernel.part {
        Part::All | Part::Rows { .. } => quote!(out: &mut [f32]),
        Part::Runs => quote!(out: &mut [f32], runs: usize),
        Part::Panels => quote!(out: &mut [f32], panels: ::core::ops::Range<usize>),
        Part::Tiles => quote!(out: &[Cell<f32>], worker: &Worker<'_>),
    };
    quote!(a: &[f32], #rows w: &[f32], #residual #gate #out)
}

/// Where a group of panels starts: the number of its first panel and tile, its weights, its output.
#[derive(Default)]
struct Start {
    panel: usize,
    tile: usize,
    weights: usize,
    output: usize,
}

struct Conv<'a> {
    kernel: &'a ConvKernel,
    isa: Isa,
    ops: &'a Ops,
}

impl Conv<'_> {
    /// Rows of the packed reduction.
    fn rows(&self) -> usize {
        self.kernel.kernel_size * self.kernel.kernel_size * self.kernel.input_channels
    }

    /// What a call makes of the group's panels.
    fn group(&self, g: &PanelGroup, at: &mut Start) -> TokenStream {
        let (size, step) = ((self.rows() + 1) * g.width, self.panel_step(g));
        // Where means are made, a panel is one tile.
        let each = if self.kernel.destination == Destination::Pool {
            1
        } else {
            segments(self.kernel, g.pixels).iter().map(|s| s.count).sum()
        };
        let panel = self.one_panel(g);
        let wp = |p: TokenStream| plus(times(p, size), at.weights);
        let out = match self.kernel.part {
            Part::All | Part::Runs | Part::Rows { .. } => {
                let size = int(size);
                repeat(&quote!(_), g.count, &quote!(#panel wp += #size;))
            }
            Part::Panels => {
                // All panels before another are as wide as the first.
                let first = self.kernel.panels.first().map_or(0, |first| self.panel_step(first));
                let (from, to) = (int(at.panel), int(at.panel + g.count));
                let (wp, oc) = (wp(quote!((p - #from))), times(quote!((p - panels.start)), first));
                quote! {
                    for p in panels.start.max(#from)..panels.end.min(#to) {
                        let wp = #wp;
                        let mut oc = #oc;
                        #panel
                    }
                }
            }
            Part::Tiles => {
                let (from, to) = (int(at.tile), int(at.tile + g.count * each));
                let (wp, oc, each) = (wp(quote!(p)), plus(times(quote!(p), step), at.output), int(each));
                quote! {
                    let first = tiles.start.max(#from).min(#to) - #from;
                    let last = tiles.end.max(#from).min(#to) - #from;
                    for p in first / #each..last.div_ceil(#each) {
                        let from_tile = first.max(p * #each) - p * #each;
                        let to_tile = last.min(p * #each + #each) - p * #each;
                        let wp = #wp;
                        let mut oc = #oc;
                        #panel
                    }
                }
            }
        };
        at.panel += g.count;
        at.tile += g.count * each;
        at.weights += g.count * size;
        at.output += g.count * step;
        out
    }

    /// Floats from one panel's output channels to the next one's.
    fn panel_step(&self, g: &PanelGroup) -> usize {
        g.channels / (g.vectors * self.isa.lanes) * self.step_of(g)
    }

    /// Floats from one tile's output channels to the next one's.
    fn step_of(&self, g: &PanelGroup) -> usize {
        match self.kernel.destination {
            Destination::Blocked { block } => g.vectors * block,
            Destination::Nhwc { .. } | Destination::Pool => g.vectors * self.isa.lanes,
        }
    }

    fn one_panel(&self, g: &PanelGroup) -> TokenStream {
        let tile = g.vectors * self.isa.lanes;
        let step = int(self.step_of(g));
        let pool = self.kernel.destination == Destination::Pool;
        let clear: TokenStream = if pool { self.pool_clear(g.vectors) } else { quote!() };
        let mean: TokenStream = if pool { self.pool_mean(g.vectors) } else { quote!() };
        let mut index = 0;
        let mut tiles = TokenStream::new();
        for s in segments(self.kernel, g.pixels) {
            tiles.extend(self.segment(g, &s, index));
            index += s.count;
        }
        let output = int(self.kernel.pixels * self.output_pixel());
        if self.kernel.part == Part::Runs {
            let input = int(self.kernel.pixels * self.pixel());
            tiles = quote!(for run in 0..runs { let (ra, ro) = (run * #input, run * #output); #tiles });
        } else if let Part::Rows { pad_top, input_height, .. } = self.kernel.part {
            let input = self.input_row(pad_top, input_height);
            tiles = quote!(for oy in rows.start..rows.end { #input let ro = (oy - rows.start) * #output; #tiles });
        }
        let gate = if self.kernel.gated { self.gate(g) } else { quote!() };
        let base = if self.kernel.gated { quote!(0) } else { quote!(wp) };
        let subs = g.channels / tile;
        let tiles = quote!(#clear #tiles #mean oc += #step;);
        let tile_width = int(tile);
        let column = if subs == 1 {
            quote!(let wt = #base; #tiles)
        } else {
            let subs = int(subs);
            quote!(for sub in 0..#subs { let wt = #base + sub * #tile_width; #tiles })
        };
        quote!(#gate #column)
    }

    /// Where in the input the first row starts that output row `oy` reads; of a larger kernel, also which of its rows meet
    /// the input.
    fn input_row(&self, pad_top: usize, input_height: usize) -> TokenStream {
        let row = self.row_len();
        if self.kernel.kernel_size == 1 {
            let at = times(quote!(oy), self.kernel.stride * row);
            return quote!(let ra = #at;);
        }
        let rows = kernel_rows(self.kernel.kernel_size, self.kernel.stride, pad_top, input_height);
        let (row, top) = (int(row), int(pad_top));
        match pad_top {
            0 => quote!(#rows let ra = at * #row;),
            _ => quote!(#rows let ra = (at + ky_from - #top) * #row;),
        }
    }

    /// Floats of a row of the input.
    fn row_len(&self) -> usize {
        match self.kernel.source {
            Source::Nhwc { stride } => self.kernel.input_width * stride,
            Source::Blocked { .. } => self.kernel.input_width * self.isa.lanes,
        }
    }

    /// How a vector of the output is written, and read where it is summed up.
    fn output(&self) -> (Ident, Ident) {
        let (write, read) = if self.kernel.part == Part::Tiles { ("put", "get") } else { ("st", "ld") };
        (format_ident!("{write}"), format_ident!("{read}"))
    }

    /// Where the tile reads its weights: the packed ones, or the gated panel.
    fn panel(&self) -> Ident {
        if self.kernel.gated { format_ident!("panel") } else { format_ident!("w") }
    }

    /// Multiplies a panel by the gate: its biases stay, each row is scaled.
    fn gate(&self, g: &PanelGroup) -> TokenStream {
        let (rows, width) = (int(self.kernel.input_channels), int(g.width));
        let lanes = self.isa.lanes;
        let vectors: Vec<_> = (0..g.channels / lanes).map(|v| int(v * lanes)).collect();
        let bias: TokenStream = vectors.iter().map(|v| quote!(st(panel, #v, ld(w, wp + #v));)).collect();
        let scaled: TokenStream = vectors
            .iter()
            .map(|v| {
                let product = (self.ops.multiply)(quote!(s), quote!(ld(w, wp + at + #v)));
                quote!(st(panel, at + #v, #product);)
            })
            .collect();
        quote! {
            #bias
            for r in 0..#rows {
                let at = (r + 1) * #width;
                let s = bc(gate, r);
                #scaled
            }
        }
    }

    fn pool_clear(&self, vectors: usize) -> TokenStream {
        let zero = (self.ops.splat)(0.0);
        let (write, _) = self.output();
        (0..vectors)
            .map(|n| {
                let at = plus(quote!(oc), n * self.isa.lanes);
                quote!(#write(out, #at, #zero);)
            })
            .collect()
    }

    fn pool_mean(&self, vectors: usize) -> TokenStream {
        let scale = (self.ops.splat)(1.0 / self.kernel.pixels as f32);
        let (write, read) = self.output();
        (0..vectors)
            .map(|n| {
                let at = plus(quote!(oc), n * self.isa.lanes);
                let mean = (self.ops.multiply)(quote!(#read(out, #at)), scale.clone());
                quote!(#write(out, #at, #mean);)
            })
            .collect()
    }

    /// Floats from one output pixel's input to the next one's.
    fn pixel(&self) -> usize {
        match self.kernel.source {
            Source::Nhwc { stride } => stride * self.kernel.stride,
            Source::Blocked { .. } => self.isa.lanes * self.kernel.stride,
        }
    }

    /// Floats from one output pixel to the next.
    fn output_pixel(&self) -> usize {
        match self.kernel.destination {
            Destination::Nhwc { stride } => stride,
            Destination::Blocked { .. } => self.isa.lanes,
            Destination::Pool => 0,
        }
    }

    /// The tiles of a segment, of which `index` is the first one's number in its panel.
    fn segment(&self, g: &PanelGroup, s: &Segment, index: usize) -> TokenStream {
        let input_start = match self.kernel.source {
            // Each column of the kernel says where.
            Source::Nhwc { .. } if s.mixed => 0,
            Source::Nhwc { stride } => {
                (s.start * self.kernel.stride + s.taps.0
                    - self.kernel.pad_left.min(s.start * self.kernel.stride + s.taps.0))
                    * stride
            }
            Source::Blocked { .. } => s.start * self.pixel(),
        };
        let output_pixel = self.output_pixel();
        let body = self.tile(g, s, output_pixel);
        let prefetch = if self.kernel.prefetch { self.prefetch_start(g, s) } else { quote!() };
        let (a0, a1) = (int(input_start), int(s.pixels * self.pixel()));
        let o0 = plus(quote!(oc), s.start * output_pixel);
        let (a0, o0) = match self.kernel.part {
            Part::Runs | Part::Rows { .. } => (quote!(ra + #a0), quote!(ro + #o0)),
            Part::All | Part::Panels | Part::Tiles => (quote!(#a0), o0),
        };
        let o1 = int(s.pixels * output_pixel);
        if self.kernel.part == Part::Tiles && self.kernel.destination != Destination::Pool {
            let (from, to) = (int(index), int(index + s.count));
            return quote! {
                for t in from_tile.max(#from)..to_tile.min(#to) {
                    let a0 = #a0 + (t - #from) * #a1;
                    let o = #o0 + (t - #from) * #o1;
                    #body
                }
            };
        }
        if s.count == 1 {
            quote! {{
                let a0 = #a0;
                let o = #o0;
                #prefetch
                #body
            }}
        } else {
            let count = int(s.count);
            quote! {
                for t in 0..#count {
                    let a0 = #a0 + t * #a1;
                    let o = #o0 + t * #o1;
                    #prefetch
                    #body
                }
            }
        }
    }

    /// The register tile: accumulators start from the biases, run over the reduction, are finished and stored.
    fn tile(&self, g: &PanelGroup, s: &Segment, output_pixel: usize) -> TokenStream {
        let lanes = self.isa.lanes;
        let acc = |p: usize, n: usize| format_ident!("c{p}_{n}");
        let panel = self.panel();
        let mut start = TokenStream::new();
        for n in 0..g.vectors {
            let first = acc(0, n);
            let at = plus(quote!(wt), n * lanes);
            start.extend(quote!(let mut #first = ld(#panel, #at);));
            for p in 1..s.pixels {
                let name = acc(p, n);
                start.extend(quote!(let mut #name = #first;));
            }
        }
        let reduce = self.reduction(g, s);
        let finish = if self.kernel.destination == Destination::Pool {
            self.finish_pool(g, s, &acc)
        } else {
            self.finish_store(g, s, output_pixel, &acc)
        };
        quote!(#start #reduce #finish)
    }

    /// One step: a row of weights, and the value of each of the pixels times it. `at` is the offset in floats from `ap`,
    /// where the first of the pixels is.
    fn step(&self, g: &PanelGroup, s: &Segment, pixels: &Range<usize>, at: usize, row: usize) -> TokenStream {
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

    /// Where a tile starts with its share of the next panel: `next`, in floats. Tiles share it evenly, for the cache
    /// that it comes from gives so much a cycle and no more.
    fn prefetch_start(&self, g: &PanelGroup, s: &Segment) -> TokenStream {
        let share = self.prefetch_share(g, s);
        let mut next = plus(quote!(wp), (self.rows() + 1) * g.width + s.start / s.pixels * share);
        let mut each = |index: TokenStream, shares: usize| {
            let offset = times(index, shares * share);
            next = quote!(#next + #offset);
        };
        if g.channels > g.vectors * self.isa.lanes {
            each(quote!(sub), self.tiles(s));
        }
        if self.kernel.rows().is_some() {
            each(quote!((oy - rows.start)), self.kernel.pixels.div_ceil(s.pixels));
        }
        if s.count > 1 {
            each(quote!(t), 1);
        }
        quote!(let mut next = #next;)
    }

    /// Floats of the next panel that a tile asks for.
    fn prefetch_share(&self, g: &PanelGroup, s: &Segment) -> usize {
        let subs = g.channels / (g.vectors * self.isa.lanes);
        ((self.rows() + 1) * g.width).div_ceil(self.tiles(s) * subs)
    }

    /// Tiles as large as those of the segment that a call makes of so many channels as a tile has.
    fn tiles(&self, s: &Segment) -> usize {
        self.kernel.pixels.div_ceil(s.pixels) * self.kernel.rows().unwrap_or(1)
    }

    /// What step `i` of [`UNROLL`] asks for: cache lines of the tile's share, as many as it takes in every step.
    fn prefetch_step(&self, g: &PanelGroup, s: &Segment, i: usize) -> TokenStream {
        let lines = (self.prefetch_share(g, s) * UNROLL).div_ceil(self.rows() * CACHE_LINE);
        let mut out: TokenStream = (0..lines)
            .filter(|line| line * UNROLL / lines == i)
            .map(|line| {
                let at = plus(quote!(next), line * CACHE_LINE);
                quote!(pf(w, #at);)
            })
            .collect();
        if i + 1 == UNROLL {
            let all = int(lines * CACHE_LINE);
            out.extend(quote!(next += #all;));
        }
        out
    }

    fn reduction(&self, g: &PanelGroup, s: &Segment) -> TokenStream {
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
            Part::Rows { .. } => {
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
    fn column(&self, g: &PanelGroup, s: &Segment, kx: usize, stride: usize) -> TokenStream {
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
    fn run(&self, g: &PanelGroup, s: &Segment, pixels: &Range<usize>, n: usize) -> TokenStream {
        let steps = |count: usize| -> TokenStream { (0..count).map(|i| self.step(g, s, pixels, i, i)).collect() };
        if n <= UNROLL_ALL {
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
    fn count(&self, g: &PanelGroup, s: &Segment, count: usize, steps: usize) -> TokenStream {
        let step = g.vectors + s.pixels + g.vectors * s.pixels;
        let count_literal = int(count);
        if self.isa.few_registers() && count * steps * step <= WRITTEN_OUT {
            quote!(::core::hint::black_box(#count_literal))
        } else {
            quote!(#count_literal)
        }
    }

    /// Steps over all input channels, which lie in blocks of lanes, `block` floats from one to the next.
    fn run_blocked(&self, g: &PanelGroup, s: &Segment, block: usize) -> TokenStream {
        let (lanes, n, all) = (self.isa.lanes, self.kernel.input_channels, 0..s.pixels);
        if n <= UNROLL_ALL {
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

    fn finish_store(
        &self,
        g: &PanelGroup,
        s: &Segment,
        output_pixel: usize,
        acc: &impl Fn(usize, usize) -> Ident,
    ) -> TokenStream {
        let between = match self.kernel.destination {
            Destination::Blocked { block } => block,
            Destination::Nhwc { .. } | Destination::Pool => self.isa.lanes,
        };
        let mut out = TokenStream::new();
        let (write, _) = self.output();
        for p in 0..s.pixels {
            for n in 0..g.vectors {
                let c = acc(p, n);
                let at = plus(quote!(o), p * output_pixel + n * between);
                let add = |value| (self.ops.add)(value, quote!(ld(residual, #at)));
                let activation = if self.late() { Activation::Linear } else { self.kernel.activation };
                let activate = |value| self.ops.activate(activation, value);
                out.extend(match self.kernel.residual {
                    Residual::None => {
                        let value = activate(quote!(#c));
                        quote!(#write(out, #at, #value);)
                    }
                    Residual::Last => {
                        let value = add(activate(quote!(#c)));
                        quote!(#write(out, #at, #value);)
                    }
                    Residual::BeforeActivation => {
                        let (sum, value) = (add(quote!(#c)), activate(quote!(#c)));
                        quote!(let #c = #sum; #write(out, #at, #value);)
                    }
                });
            }
        }
        out
    }

    /// Whether the activation has a loop of its own: of a vector's output, where it needs registers for its constants.
    fn late(&self) -> bool {
        let exp = matches!(self.kernel.activation, Activation::Sigmoid | Activation::Swish);
        let vector = self.kernel.pixels == 1 && self.kernel.part == Part::All && self.kernel.residual == Residual::None;
        exp && vector && matches!(self.kernel.destination, Destination::Nhwc { .. })
    }

    /// The loop of [`Self::late`].
    fn activate_all(&self) -> TokenStream {
        if !self.late() {
            return TokenStream::new();
        }
        let lanes = self.isa.lanes;
        let vectors = int(self.kernel.panels.iter().map(|g| g.channels * g.count / lanes).sum());
        let lanes = int(lanes);
        let value = self.ops.activate(self.kernel.activation, quote!(x));
        quote! {
            for v in 0..#vectors {
                let x = ld(out, v * #lanes);
                st(out, v * #lanes, #value);
            }
        }
    }

    fn finish_pool(&self, g: &PanelGroup, s: &Segment, acc: &impl Fn(usize, usize) -> Ident) -> TokenStream {
        let mut out = TokenStream::new();
        let (write, read) = self.output();
        for n in 0..g.vectors {
            let at = plus(quote!(o), n * self.isa.lanes);
            let mut sum = quote!(#read(out, #at));
            for p in 0..s.pixels {
                let c = acc(p, n);
                sum = (self.ops.add)(sum, self.ops.activate(self.kernel.activation, quote!(#c)));
            }
            out.extend(quote!(#write(out, #at, #sum);));
        }
        out
    }
}
