//! Depthwise convolution of some output rows: a tile of columns of one vector of channels, taps written out, edges at
//! compile time; top and bottom are a range of kernel rows.

use super::items::{attributes, safety};
use super::{int, plus};
use crate::graph::Residual;
use crate::machine::{Isa, Ops};
use crate::plan::kernel::DepthwiseSegment;
use crate::plan::{DepthwiseKernel, InputLayout, OutputLayout};
use crate::units::Elements;
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

/// The function of a kernel.
pub fn emit(k: &DepthwiseKernel, isa: Isa, ops: &Ops, name: &Ident) -> TokenStream {
    assert!(!k.loops.segments.is_empty(), "a kernel is laid out before it is printed");
    let (safety, attribute) = (safety(), attributes(isa));
    let d = Depthwise { k, isa, ops };
    let lanes = isa.lanes;
    let taps = k.kernel_size * k.kernel_size;
    let vectors = k.channels.div_ceil(lanes);
    let subs = k.panel / lanes;
    let block = match k.source {
        InputLayout::Nhwc { .. } => int(lanes),
        InputLayout::Nchwc { block_stride } => int(block_stride),
    };
    let (output_block, output_pixel) = d.output();
    let output_block = int(output_block);
    let tiles: TokenStream = k.loops.segments.iter().map(|s| d.segment(s)).collect();
    let (panel_len, count, lanes_literal) = (int((taps + 1) * k.panel), int(vectors / subs), int(lanes));
    let advance_pool = if k.pool.is_some() { quote!(sums += #lanes_literal;) } else { quote!() };
    // Channel vectors are the outer loop, so each input row is fetched from a distant cache once instead of `kernel_size`
    // times.
    let out_row = int(k.output_width * output_pixel);
    // Each row has its own sums, so that their order of addition does not depend on the threads that computed them.
    let pool_row = int(k.pool.unwrap_or_default());
    let (row_sums, next_sums) = if k.pool.is_some() {
        (quote!(let mut row_sums = sums;), quote!(row_sums += #pool_row;))
    } else {
        (quote!(), quote!())
    };
    let all_rows = quote! {
        let mut or = ob;
        #row_sums
        for (offsets, ky_from, ky_to) in rows {
            let (ky_from, ky_to) = (*ky_from, *ky_to);
            #tiles
            or += #out_row;
            #next_sums
        }
    };
    let vector = quote! {
        #all_rows
        ab += #block;
        ob += #output_block;
        #advance_pool
    };
    let panel = |subs: usize| match subs {
        0 => quote!(),
        1 => quote!(let wt = wp; #vector),
        _ => {
            let subs = int(subs);
            quote!(for sub in 0..#subs { let wt = wp + sub * #lanes_literal; #vector })
        }
    };
    // The last panel may hold fewer vectors than the others.
    let (body, rest) = (panel(subs), panel(vectors % subs));
    let pool_parameter = if k.pool.is_some() { quote!(pooled: &mut [f32],) } else { quote!() };
    let residual_parameter = if k.residual.is_some() { quote!(residual: &[f32],) } else { quote!() };
    let start_pool = if k.pool.is_some() { quote!(let mut sums = 0;) } else { quote!() };
    let (range, body) = if k.ranged {
        let subs = int(subs);
        let input = if let InputLayout::Nhwc { .. } = k.source { quote!(v) } else { quote!((v - first)) };
        let sums = if k.pool.is_some() { quote!(let sums = v * #lanes_literal;) } else { quote!() };
        let body = quote! {
            let first = vectors.start;
            for v in vectors {
                let wt = v / #subs * #panel_len + v % #subs * #lanes_literal;
                let (ab, ob) = (#input * #block, (v - first) * #output_block);
                #sums
                #all_rows
            }
        };
        (quote!(, vectors: ::core::ops::Range<usize>), body)
    } else {
        let body = quote! {
            let mut wp = 0;
            let mut ab = 0;
            let mut ob = 0;
            #start_pool
            for _ in 0..#count {
                #body
                wp += #panel_len;
            }
            #rest
        };
        (quote!(), body)
    };
    let size = int(k.kernel_size);
    let doc = format!(
        " Rows of a {n}x{n} depthwise convolution, stride {s}, {c} channels, {w} columns.",
        n = k.kernel_size,
        s = k.stride,
        c = k.channels,
        w = k.output_width
    );
    quote! {
        #[doc = #doc]
        #[doc = ""]
        #[doc = " Each of `rows` has the offsets of its input rows, and from which to which of them exist."]
        #safety
        #attribute
        unsafe fn #name(a: &[f32], rows: &[([usize; #size], usize, usize)], w: &[f32], #pool_parameter #residual_parameter out: &mut [f32] #range) {
            #body
        }
    }
}

struct Depthwise<'a> {
    k: &'a DepthwiseKernel,
    isa: Isa,
    ops: &'a Ops,
}

impl Depthwise<'_> {
    /// From one block of output channels to the next, and from one output pixel to the next.
    fn output(&self) -> (Elements, Elements) {
        match self.k.destination {
            OutputLayout::Nchwc { block_stride } => (block_stride, Elements(self.isa.lanes)),
            OutputLayout::Nhwc { stride } => (Elements(self.isa.lanes), stride),
            OutputLayout::Pool => unreachable!("no depthwise convolution keeps the mean alone"),
        }
    }

    fn segment(&self, s: &DepthwiseSegment) -> TokenStream {
        let k = self.k;
        let lanes = self.isa.lanes;
        let (_, output_pixel) = self.output();
        let pixel = match k.source {
            InputLayout::Nhwc { stride } => stride,
            InputLayout::Nchwc { .. } => Elements(lanes),
        };
        let acc: Vec<_> = (0..s.columns).map(|c| format_ident!("c{c}")).collect();
        let weights: Vec<_> = (0..k.kernel_size).map(|c| format_ident!("w{c}")).collect();

        // The first input column that the tile reads, and how far it reaches.
        let left = (s.start * k.stride).saturating_sub(k.pad_left);
        let column = |o: usize, tap: usize| ((s.start + o) * k.stride + tap).checked_sub(k.pad_left);
        let last = column(s.columns - 1, k.kernel_size - 1).map_or(0, |c| c + 1).min(k.input_width);

        let mut row = TokenStream::new();
        for (tap, w) in weights.iter().enumerate() {
            let at = plus(quote!(wr), tap * self.k.panel);
            row.extend(quote!(let #w = load(w, #at);));
        }
        for input in left..last {
            let at = plus(quote!(ar), (input - left) * pixel);
            let mut uses = TokenStream::new();
            for (o, c) in acc.iter().enumerate() {
                for (tap, w) in weights.iter().enumerate() {
                    if column(o, tap) == Some(input) {
                        let sum = (self.ops.multiply_add)(quote!(x), quote!(#w), quote!(#c));
                        uses.extend(quote!(#c = #sum;));
                    }
                }
            }
            if !uses.is_empty() {
                row.extend(quote!(let x = load(a, #at); #uses));
            }
        }
        let start: TokenStream = acc
            .iter()
            .enumerate()
            .map(|(i, c)| if i == 0 { quote!(let mut #c = load(w, wt);) } else { quote!(let mut #c = c0;) })
            .collect();
        let mut finish = TokenStream::new();
        for (o, c) in acc.iter().enumerate() {
            let at = plus(quote!(o), o * output_pixel);
            let value = self.ops.activate(k.activation, quote!(#c));
            let sum = (self.ops.add)(quote!(#c), quote!(load(residual, #at)));
            finish.extend(match k.residual {
                Residual::None => quote!(let #c = #value;),
                Residual::Last => quote!(let #c = #value; let #c = #sum;),
                Residual::BeforeActivation => quote!(let #c = #sum; let #c = #value;),
            });
            finish.extend(quote!(store(out, #at, #c);));
        }
        if k.pool.is_some() {
            let total = acc.iter().fold(quote!(load(pooled, row_sums)), |sum, c| (self.ops.add)(sum, quote!(#c)));
            finish.extend(quote!(store(pooled, row_sums, #total);));
        }
        let (panel, row_len) = (int(k.panel), int(k.kernel_size * k.panel));
        let body = quote! {
            #start
            for ky in ky_from..ky_to {
                let ar = a0 + row(offsets, ky);
                let wr = wt + #panel + ky * #row_len;
                #row
            }
            #finish
        };
        let a0 = plus(quote!(ab), left * pixel);
        let o0 = plus(quote!(or), s.start * output_pixel);
        if s.count == 1 {
            return quote! {{ let a0 = #a0; let o = #o0; #body }};
        }
        let (count, a1, o1) = (int(s.count), int(s.columns * k.stride * pixel), int(s.columns * output_pixel));
        quote! {
            for t in 0..#count {
                let a0 = #a0 + t * #a1;
                let o = #o0 + t * #o1;
                #body
            }
        }
    }
}
