//! Prefetches inside of a tile's reduction: the next panel of weights, and what is read after the call.

use super::super::{int, plus, times};
use super::Conv;
use crate::plan::kernel::{Prefetch, UNROLL};
use crate::plan::layout::CACHE_LINE;
use crate::units::Elements;
use proc_macro2::TokenStream;
use quote::quote;

impl Conv<'_> {
    /// Where a tile starts with its share of the next panel: `next`, in floats. `t` is the tile's index in its segment.
    pub(super) fn prefetch_start(&self, prefetch: &Prefetch, t: &TokenStream) -> TokenStream {
        let mut next = plus(quote!(wp), prefetch.start);
        let steps = [
            (quote!(sub), prefetch.per_column),
            (quote!((oy - rows.start)), prefetch.per_row),
            (t.clone(), prefetch.per_tile),
        ];
        for (index, step) in steps.into_iter().filter(|(_, step)| *step > Elements::ZERO) {
            let offset = times(index, step);
            next = quote!(#next + #offset);
        }
        quote!(let mut next = #next;)
    }

    /// What step `i` of [`UNROLL`] prefetches of the next panel.
    pub(super) fn prefetch_step(&self, prefetch: &Prefetch, i: usize) -> TokenStream {
        step(&quote!(prefetch), &quote!(w), &quote!(next), prefetch.lines, i)
    }

    /// What step `i` of [`UNROLL`] prefetches of what is read after the call.
    pub(super) fn prefetch_following(&self, i: usize) -> TokenStream {
        step(&quote!(prefetch_l2), &quote!(prefetched), &quote!(prefetch_at), self.loops.prefetch_lines, i)
    }
}

/// `lines` cache lines every [`UNROLL`] steps: those of step `i`.
fn step(function: &TokenStream, of: &TokenStream, at: &TokenStream, lines: usize, i: usize) -> TokenStream {
    let mut out: TokenStream = (0..lines)
        .filter(|line| line * UNROLL / lines == i)
        .map(|line| {
            let index = plus(at.clone(), line * CACHE_LINE.elements());
            quote!(#function(#of, #index);)
        })
        .collect();
    if i + 1 == UNROLL {
        let all = int(lines * CACHE_LINE.elements());
        out.extend(quote!(#at += #all;));
    }
    out
}
