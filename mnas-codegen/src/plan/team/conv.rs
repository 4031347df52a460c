//! How workers share a convolution: rows of all channels, or channels of all rows.
//!
//! Rows leave a map where it was made, and read all weights each; panels read each weight once, and what the others have
//! made.

use super::{EXPOSED, TeamStep, WORKERS, best, range, share};
use crate::plan::kernel::{ConvKernel, Part};
use crate::plan::schedule::Scheduler;
use crate::plan::steps::{PackedConv, Step};

/// Estimates of a convolution, in cycles of the slowest worker.
pub(super) struct Costs<'a> {
    scheduler: &'a Scheduler<'a>,
    step: &'a Step,
    packed: &'a PackedConv,
    /// As one does it.
    alone: &'a ConvKernel,
    /// Of one.
    work: f64,
    /// Bytes of the weights, and of a row of the input.
    weights: usize,
    row: usize,
}

/// What each worker takes some of.
#[derive(Clone, Copy)]
enum Way {
    Rows,
    Panels,
}

impl<'a> Costs<'a> {
    pub(super) fn of(
        scheduler: &'a Scheduler<'a>,
        step: &'a Step,
        packed: &'a PackedConv,
        alone: &'a ConvKernel,
    ) -> Self {
        let conv = &packed.conv;
        let taps = conv.kernel_size * conv.kernel_size * conv.input_channels;
        Costs {
            scheduler,
            step,
            packed,
            alone,
            work: (packed.output.len() * taps) as f64 / (2.0 * scheduler.isa.lanes as f64),
            weights: scheduler.layers[packed.layer].len() * 4,
            row: step.input_shape.width * scheduler.stride(step.input_shape) * 4,
        }
    }

    pub(super) fn best(&self) -> TeamStep {
        let ways = [(Way::Rows, WORKERS.map(|n| self.rows(n))), (Way::Panels, WORKERS.map(|n| self.panels(n)))];
        let (others, of) = best(ways.into_iter());
        TeamStep::counted(of.into_iter().map(|(count, way)| (count, self.way(way))).collect(), self.way(others))
    }

    fn way(&self, way: Way) -> TeamStep {
        let conv = &self.packed.conv;
        let (pad_top, input_height, height) = (conv.pads.top, self.step.input_shape.height, self.packed.output.height);
        // Where one asks for the next panel, so do several: each takes a panel in fewer rows.
        let prefetch = self.alone.prefetch;
        match (way, self.alone.rows()) {
            (Way::Rows, rows) => {
                let each = height.div_ceil(WORKERS[0]);
                let most = rows.map_or(each, |rows| rows.min(each));
                let (pixels, input_width) = (self.packed.output.width, self.step.input_shape.width);
                let part = Part::Rows { pad_top, input_height, most };
                let kernel = self.alone.clone();
                TeamStep::ConvRows(ConvKernel { part, pixels, input_width, prefetch, ..kernel })
            }
            (Way::Panels, Some(_)) => {
                let part = Part::PanelRows { pad_top, input_height, height };
                let prefetch = self.scheduler.asks(conv);
                TeamStep::Tiles(ConvKernel { part, prefetch, ..self.alone.clone() })
            }
            (Way::Panels, None) => TeamStep::Tiles(self.alone.clone().with_part(Part::Tiles)),
        }
    }

    /// Rows of all panels.
    fn rows(&self, workers: usize) -> f64 {
        let height = self.packed.output.height;
        let [from, to] = range(height, 0, workers);
        let calls = self.alone.rows().map_or(1, |most| (to - from).div_ceil(most));
        self.work * share(height, workers)
            + self.traffic(calls * self.weights, self.row * self.step.input_shape.height / workers)
    }

    /// Rows or tiles of some panels.
    fn panels(&self, workers: usize) -> f64 {
        let input = self.row * self.step.input_shape.height;
        let tiles = match self.alone.rows() {
            Some(_) => self.alone.panel_count() * self.packed.output.height,
            None => self.alone.tile_count(),
        };
        let foreign = input * (workers - 1) / workers;
        self.work * share(tiles, workers)
            + self.traffic(self.weights / workers, input) / workers as f64
            // Once to read it, once when its lines are taken back to be written.
            + 2.0 * foreign as f64 / self.scheduler.target.core_bandwidth
    }

    /// Weights are read so many bytes of, and so much of the input once for each panel.
    fn traffic(&self, weights: usize, input: usize) -> f64 {
        let panels = self.alone.panel_count();
        let target = self.scheduler.target;
        let (weights, input) =
            (weights as f64 / target.bandwidth(self.weights), (panels * input) as f64 / target.bandwidth(input));
        (weights + input) * EXPOSED
    }
}
