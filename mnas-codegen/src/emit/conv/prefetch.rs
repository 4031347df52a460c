//! Which lines a tile asks for while it computes: of the next panel of weights, and of what is read after the call.

use super::super::segments::{Segment, segments};
use super::super::{int, plus, times};
use super::{CACHE_LINE, Conv, UNROLL};
use crate::plan::PanelGroup;
use proc_macro2::TokenStream;
use quote::quote;

impl Conv<'_> {
    /// Where a tile starts with its share of the next panel: `next`, in floats. Tiles share it evenly, for the cache
    /// that it comes from gives so much a cycle and no more. `t` is the tile's number in its segment.
    pub(super) fn prefetch_start(&self, g: &PanelGroup, s: &Segment, t: &TokenStream) -> TokenStream {
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
            each(t.clone(), 1);
        }
        quote!(let mut next = #next;)
    }

    /// Floats of the next panel that a tile asks for.
    pub(super) fn prefetch_share(&self, g: &PanelGroup, s: &Segment) -> usize {
        let subs = g.channels / (g.vectors * self.isa.lanes);
        ((self.rows() + 1) * g.width).div_ceil(self.tiles(s) * subs)
    }

    /// Tiles as large as those of the segment that a call makes of so many channels as a tile has.
    pub(super) fn tiles(&self, s: &Segment) -> usize {
        self.kernel.pixels.div_ceil(s.pixels) * self.kernel.rows().unwrap_or(1)
    }

    /// What step `i` of [`UNROLL`] asks for: cache lines of the tile's share, as many as it takes in every step.
    pub(super) fn prefetch_step(&self, g: &PanelGroup, s: &Segment, i: usize) -> TokenStream {
        let lines = (self.prefetch_share(g, s) * UNROLL).div_ceil(self.rows() * CACHE_LINE);
        ask(&quote!(pf), &quote!(w), &quote!(next), lines, i)
    }

    /// The same of what is read after the call, evenly over all of its steps.
    pub(super) fn ahead_step(&self, i: usize) -> TokenStream {
        let tiles = |g: &PanelGroup| {
            let pixels: usize = segments(self.kernel, g.pixels).iter().map(|s| s.count).sum();
            g.count * g.channels / (g.vectors * self.isa.lanes) * pixels
        };
        let steps = self.kernel.panels.iter().map(tiles).sum::<usize>() * self.rows();
        let lines = (self.kernel.ahead * UNROLL).div_ceil(steps * CACHE_LINE);
        ask(&quote!(pf_far), &quote!(ahead), &quote!(asked), lines, i)
    }
}

/// `lines` cache lines every [`UNROLL`] steps: those of step `i`.
fn ask(function: &TokenStream, of: &TokenStream, at: &TokenStream, lines: usize, i: usize) -> TokenStream {
    let mut out: TokenStream = (0..lines)
        .filter(|line| line * UNROLL / lines == i)
        .map(|line| {
            let index = plus(at.clone(), line * CACHE_LINE);
            quote!(#function(#of, #index);)
        })
        .collect();
    if i + 1 == UNROLL {
        let all = int(lines * CACHE_LINE);
        out.extend(quote!(#at += #all;));
    }
    out
}
