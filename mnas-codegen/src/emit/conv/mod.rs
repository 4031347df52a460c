//! Convolutions as packed matrix products: panels of output channels outermost, pixels inside, the register tile
//! as straight-line code, the reduction as a loop with literal bounds.

mod finish;
mod prefetch;
mod reduction;

use super::geometry::kernel_rows;
use super::items::{attributes, safety};
use super::{int, plus, repeat, times};
use crate::machine::{Isa, Ops};
use crate::plan::kernel::{GroupLoops, Segment};
use crate::plan::{ConvKernel, ConvLoops, LoopRange, OutputLayout, PanelGroup, WindowRows};
use crate::units::Elements;
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

/// The function of a kernel.
pub fn emit(kernel: &ConvKernel, isa: Isa, ops: &Ops, name: &Ident) -> TokenStream {
    let loops = &kernel.loops;
    assert_eq!(loops.groups.len(), kernel.panels.len(), "a kernel is laid out before it is printed");
    let c = Conv { kernel, loops, isa, ops };
    let (safety, attribute) = (safety(), attributes(isa));
    let parameters = parameters(kernel);
    let prefetch_at = match (kernel.prefetch_len, kernel.range) {
        (Elements::ZERO, _) => quote!(),
        // Each thread prefetches what it will read itself.
        (_, LoopRange::Tiles) => quote!(let mut prefetch_at = prefetch_at;),
        _ => quote!(let mut prefetch_at = 0;),
    };
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
    let groups: TokenStream =
        kernel.panels.iter().zip(&loops.groups).map(|(g, loops)| c.group(g, loops, &mut at)).collect();
    let body = match kernel.range {
        LoopRange::All | LoopRange::Runs | LoopRange::Rows { .. } => {
            let activate = c.activate_all();
            quote!(let mut wp = 0; let mut oc = 0; #groups #activate)
        }
        LoopRange::Panels => groups,
        LoopRange::Tiles => {
            let tiles = int(at.tile);
            quote!(let tiles = worker.range(#tiles); #groups)
        }
        LoopRange::PanelRows { .. } => {
            let all = int(at.tile);
            quote!(let panel_rows = worker.range(#all); #groups)
        }
    };
    quote! {
        #[doc = #doc]
        #safety
        #attribute
        unsafe fn #name(#parameters) { #prefetch_at #body }
    }
}

/// What the function takes beyond input, weights and output follows from the kernel.
fn parameters(kernel: &ConvKernel) -> TokenStream {
    let rows = match kernel.range {
        LoopRange::Rows { .. } => quote!(rows: ::core::ops::Range<usize>,),
        LoopRange::PanelRows { .. } => quote!(),
        _ if kernel.kernel_size > 1 => quote!(row_stride: usize, ky_from: usize, ky_to: usize,),
        _ => quote!(),
    };
    let residual = if kernel.residual.is_some() { quote!(residual: &[f32],) } else { quote!() };
    let gate = if kernel.gated { quote!(gate: &[f32], panel: &mut [f32],) } else { quote!() };
    let out = match kernel.range {
        LoopRange::All | LoopRange::Rows { .. } => quote!(out: &mut [f32]),
        LoopRange::Runs => quote!(out: &mut [f32], runs: usize),
        LoopRange::Panels => quote!(out: &mut [f32], panels: ::core::ops::Range<usize>),
        LoopRange::Tiles | LoopRange::PanelRows { .. } => quote!(out: &[Cell<f32>], worker: &Worker<'_>),
    };
    let prefetched = match (kernel.prefetch_len, kernel.range) {
        (Elements::ZERO, _) => quote!(),
        (_, LoopRange::Tiles) => quote!(prefetched: &[f32], prefetch_at: usize,),
        _ => quote!(prefetched: &[f32],),
    };
    quote!(a: &[f32], #rows w: &[f32], #prefetched #residual #gate #out)
}

/// Where a group of panels starts: the number of its first panel, of its first tile or row, its weights, its output.
#[derive(Default)]
struct Start {
    panel: usize,
    tile: usize,
    weights: Elements,
    output: Elements,
}

struct Conv<'a> {
    kernel: &'a ConvKernel,
    loops: &'a ConvLoops,
    isa: Isa,
    ops: &'a Ops,
}

impl Conv<'_> {
    /// What a call computes of the group's panels.
    fn group(&self, g: &PanelGroup, loops: &GroupLoops, at: &mut Start) -> TokenStream {
        let (size, step) =
            (Elements((self.isa.f32.numeric.panel)(self.kernel.reduction_len(), g.width)), self.panel_step(g));
        let (each, panel) = (loops.shares, self.one_panel(g, loops));
        let wp = |p: TokenStream| plus(times(p, size), at.weights);
        let out = match self.kernel.range {
            LoopRange::All | LoopRange::Runs | LoopRange::Rows { .. } => {
                let size = int(size);
                repeat(&quote!(_), g.count, &quote!(#panel wp += #size;))
            }
            LoopRange::Panels => {
                // All panels but the last are as wide as the first.
                let first = self.kernel.panels.first().map_or(Elements::ZERO, |first| self.panel_step(first));
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
            LoopRange::Tiles | LoopRange::PanelRows { .. } => {
                let (from, to) = (int(at.tile), int(at.tile + g.count * each));
                let (wp, oc, each) = (wp(quote!(p)), plus(times(quote!(p), step), at.output), int(each));
                let begin = quote!(first.max(p * #each) - p * #each);
                let end = quote!(last.min(p * #each + #each) - p * #each);
                let (range, bounds) = if self.kernel.range == LoopRange::Tiles {
                    (quote!(tiles), quote!(let from_tile = #begin; let to_tile = #end;))
                } else {
                    (quote!(panel_rows), quote!(let rows = #begin..#end;))
                };
                quote! {
                    let first = #range.start.max(#from).min(#to) - #from;
                    let last = #range.end.max(#from).min(#to) - #from;
                    for p in first / #each..last.div_ceil(#each) {
                        #bounds
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

    /// From one panel's output channels to the next one's.
    fn panel_step(&self, g: &PanelGroup) -> Elements {
        g.columns(self.isa) * self.column_step(g)
    }

    /// From one tile's output channels to the next one's.
    fn column_step(&self, g: &PanelGroup) -> Elements {
        g.vectors * self.loops.output_vector
    }

    fn one_panel(&self, g: &PanelGroup, loops: &GroupLoops) -> TokenStream {
        let tile = g.vectors * self.isa.lanes;
        let step = int(self.column_step(g));
        let pool = self.kernel.destination == OutputLayout::Pool;
        let clear: TokenStream = if pool { self.pool_clear(g.vectors) } else { quote!() };
        let mean: TokenStream = if pool { self.pool_mean(g.vectors) } else { quote!() };
        let mut tiles: TokenStream = loops.segments.iter().map(|s| self.segment(g, s)).collect();
        let output = int(self.kernel.pixels * self.loops.output_pixel);
        if self.kernel.range == LoopRange::Runs {
            let input = int(self.kernel.pixels * self.loops.input_pixel);
            tiles = quote!(for run in 0..runs { let (ra, ro) = (run * #input, run * #output); #tiles });
        } else if let LoopRange::Rows { pad_top, input_height, .. }
        | LoopRange::PanelRows { pad_top, input_height, .. } = self.kernel.range
        {
            let input = self.input_row(pad_top, input_height);
            // Counted from the first of all rows, or of the rows of this call.
            let row = if self.is_shared() { quote!(oy) } else { quote!((oy - rows.start)) };
            tiles = quote!(for oy in rows.start..rows.end { #input let ro = #row * #output; #tiles });
        }
        let gate = if self.kernel.gated { self.gate(g) } else { quote!() };
        let base = if self.kernel.gated { quote!(0) } else { quote!(wp) };
        let subs = g.columns(self.isa);
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
    fn input_row(&self, pad_top: usize, height: usize) -> TokenStream {
        let (kernel_size, stride, row) = (self.kernel.kernel_size, self.kernel.stride, self.loops.input_row);
        if kernel_size == 1 {
            let at = times(quote!(oy), stride * row);
            return quote!(let ra = #at;);
        }
        let rows = kernel_rows(&WindowRows { kernel_size, stride, pad_top, height, row, line_buffer: None });
        let (row, top) = (int(row), int(pad_top));
        match pad_top {
            0 => quote!(#rows let ra = at * #row;),
            _ => quote!(#rows let ra = (at + ky_from - #top) * #row;),
        }
    }

    /// Whether several threads write the output, each its share.
    fn is_shared(&self) -> bool {
        matches!(self.kernel.range, LoopRange::Tiles | LoopRange::PanelRows { .. })
    }

    /// How a vector of the output is written, and read where it is summed up.
    fn output(&self) -> (Ident, Ident) {
        let (write, read) = if self.is_shared() { ("store_cells", "load_cells") } else { ("store", "load") };
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
        let bias: TokenStream = vectors.iter().map(|v| quote!(store(panel, #v, load(w, wp + #v));)).collect();
        let scaled: TokenStream = vectors
            .iter()
            .map(|v| {
                let product = (self.ops.multiply)(quote!(s), quote!(load(w, wp + at + #v)));
                quote!(store(panel, at + #v, #product);)
            })
            .collect();
        quote! {
            #bias
            for r in 0..#rows {
                let at = (r + 1) * #width;
                let s = splat(gate, r);
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

    /// The tiles of a segment.
    fn segment(&self, g: &PanelGroup, s: &Segment) -> TokenStream {
        let output_pixel = self.loops.output_pixel;
        let body = self.tile(g, s);
        let tiles = self.kernel.range == LoopRange::Tiles && self.kernel.destination != OutputLayout::Pool;
        let from = int(s.first_tile);
        let t = if tiles { quote!((t - #from)) } else { quote!(t) };
        let prefetch = s.prefetch.as_ref().map_or(quote!(), |prefetch| self.prefetch_start(prefetch, &t));
        let (a0, a1) = (int(s.input), int(s.pixels * self.loops.input_pixel));
        let o0 = plus(quote!(oc), s.start * output_pixel);
        let (a0, o0) = match self.kernel.range {
            LoopRange::Runs | LoopRange::Rows { .. } | LoopRange::PanelRows { .. } => {
                (quote!(ra + #a0), quote!(ro + #o0))
            }
            LoopRange::All | LoopRange::Panels | LoopRange::Tiles => (quote!(#a0), o0),
        };
        let o1 = int(s.pixels * output_pixel);
        if tiles {
            let (from, to) = (int(s.first_tile), int(s.first_tile + s.count));
            return quote! {
                for t in from_tile.max(#from)..to_tile.min(#to) {
                    let a0 = #a0 + (t - #from) * #a1;
                    let o = #o0 + (t - #from) * #o1;
                    #prefetch
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
    fn tile(&self, g: &PanelGroup, s: &Segment) -> TokenStream {
        let lanes = self.isa.lanes;
        let acc = |p: usize, n: usize| format_ident!("c{p}_{n}");
        let panel = self.panel();
        let mut start = TokenStream::new();
        for n in 0..g.vectors {
            let first = acc(0, n);
            let at = plus(quote!(wt), n * lanes);
            start.extend(quote!(let mut #first = load(#panel, #at);));
            for p in 1..s.pixels {
                let name = acc(p, n);
                start.extend(quote!(let mut #name = #first;));
            }
        }
        let reduce = self.reduction(g, s);
        let finish = if self.kernel.destination == OutputLayout::Pool {
            self.finish_pool(g, s, &acc)
        } else {
            self.finish_store(g, s, &acc)
        };
        quote!(#start #reduce #finish)
    }
}
