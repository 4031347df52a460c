//! The loops of a convolution kernel.

use super::segments::{Cut, cut};
use crate::graph::Residual;
use crate::machine::Isa;
use crate::plan::kernel::{
    ConvKernel, ConvLoops, GroupLoops, InputLayout, LoopRange, OutputLayout, PanelGroup, Prefetch, Reduction, Segment,
    Trips, UNROLL, Unrolled, is_loop,
};
use crate::plan::layout::CACHE_LINE;
use crate::units::Elements;
use mnas_dsl::network::Activation;

/// Instructions up to which LLVM fully unrolls a loop, rounded up.
const LLVM_UNROLLS: usize = 500;

impl ConvKernel {
    /// Fills in the loops, for kernels of `isa`.
    pub fn lay_out(&mut self, isa: Isa) {
        let cuts: Vec<Vec<Cut>> = self.panels.iter().map(|g| cut(self, g.pixels)).collect();
        let tiles = |cuts: &[Cut]| cuts.iter().map(|c| c.count).sum::<usize>();
        let (input_row, input_pixel) = match self.source {
            InputLayout::Nhwc { stride } => (stride * self.input_width, stride * self.stride),
            InputLayout::Nchwc { .. } => (Elements(self.input_width * isa.lanes), Elements(self.stride * isa.lanes)),
        };
        let (output_pixel, output_vector) = match self.destination {
            OutputLayout::Nhwc { stride } => (stride, Elements(isa.lanes)),
            OutputLayout::Nchwc { block_stride } => (Elements(isa.lanes), block_stride),
            OutputLayout::Pool => (Elements::ZERO, Elements(isa.lanes)),
        };
        let groups = self.panels.iter().zip(&cuts).map(|(g, cuts)| GroupLoops {
            segments: self.segments(g, cuts, isa, input_pixel),
            shares: match (&self.destination, self.range) {
                (_, LoopRange::PanelRows { height, .. }) => height,
                // Where means are computed, a panel is one tile.
                (OutputLayout::Pool, _) => 1,
                _ => tiles(cuts),
            },
        });
        let groups = groups.collect();
        let column_tiles = |(g, cuts): (&PanelGroup, &Vec<Cut>)| g.count * g.columns(isa) * tiles(cuts);
        let steps = self.panels.iter().zip(&cuts).map(column_tiles).sum::<usize>() * self.reduction_len();
        let line = CACHE_LINE.elements();
        let prefetch_lines =
            if self.prefetch_len > Elements::ZERO { (self.prefetch_len * UNROLL).div_ceil(line * steps) } else { 0 };
        let late_activation = self.late_activation();
        self.loops =
            ConvLoops { groups, prefetch_lines, late_activation, input_row, input_pixel, output_pixel, output_vector };
    }

    fn segments(&self, g: &PanelGroup, cuts: &[Cut], isa: Isa, input_pixel: Elements) -> Vec<Segment> {
        let mut first_tile = 0;
        let segment = |cut: &Cut| {
            let at = first_tile;
            first_tile += cut.count;
            let columns = cut.columns(self);
            let input = match self.source {
                InputLayout::Nhwc { .. } if columns.is_some() => Elements::ZERO,
                InputLayout::Nhwc { stride } => {
                    let column = cut.start * self.stride + cut.taps.0;
                    stride * column.saturating_sub(self.pad_left)
                }
                InputLayout::Nchwc { .. } => input_pixel * cut.start,
            };
            let prefetch = self.prefetch.then(|| self.share(g, cut, isa));
            let reduction = self.reduction(g, cut, isa);
            let Cut { start, count, pixels, taps, .. } = *cut;
            Segment { start, count, pixels, first_tile: at, taps, columns, input, reduction, prefetch }
        };
        cuts.iter().map(segment).collect()
    }

    fn reduction(&self, g: &PanelGroup, cut: &Cut, isa: Isa) -> Reduction {
        let (n, lanes) = (self.input_channels, isa.lanes);
        // Instructions of a step: loads, splats, multiply-adds.
        let step = g.vectors + cut.pixels + g.vectors * cut.pixels;
        let trips = |count, steps| {
            let hidden = isa.spills && count * steps * step <= LLVM_UNROLLS;
            Trips { count, hidden }
        };
        let unrolled = |n: usize| {
            if is_loop(n) {
                Unrolled { trips: Some(trips(n / UNROLL, UNROLL)), rest: n % UNROLL }
            } else {
                Unrolled { trips: None, rest: n }
            }
        };
        match self.source {
            InputLayout::Nchwc { .. } if is_loop(n) && lanes >= UNROLL => Reduction::Blocks {
                blocks: trips(n / lanes, lanes),
                block: unrolled(lanes),
                rest: (n % lanes > 0).then(|| unrolled(n % lanes)),
            },
            _ => Reduction::Channels(unrolled(n)),
        }
    }

    fn share(&self, g: &PanelGroup, cut: &Cut, isa: Isa) -> Prefetch {
        let (panel, columns) = (Elements((isa.f32.numeric.panel)(self.reduction_len(), g.width)), g.columns(isa));
        // Tiles as large as those of the segment that a call computes of a column of tiles.
        let in_row = self.pixels.div_ceil(cut.pixels);
        let tiles = in_row * self.rows().unwrap_or(1);
        let share = Elements(panel.0.div_ceil(tiles * columns));
        Prefetch {
            start: panel + share * (cut.start / cut.pixels),
            per_tile: if cut.count > 1 { share } else { Elements::ZERO },
            per_column: if columns > 1 { share * tiles } else { Elements::ZERO },
            per_row: if self.rows().is_some() { share * in_row } else { Elements::ZERO },
            lines: (share * UNROLL).div_ceil(CACHE_LINE.elements() * self.reduction_len()),
        }
    }

    /// The activation of a vector's output is a loop of its own where it needs registers for its constants.
    fn late_activation(&self) -> bool {
        let exp = matches!(self.activation, Activation::Sigmoid | Activation::Swish);
        let vector = self.pixels == 1 && self.range == LoopRange::All && self.residual == Residual::None;
        exp && vector && matches!(self.destination, OutputLayout::Nhwc { .. })
    }
}

impl PanelGroup {
    /// Tiles side by side in a panel.
    pub fn columns(&self, isa: Isa) -> usize {
        self.channels / (self.vectors * isa.lanes)
    }
}
