//! How workers share a block: strips of rows, or panels of channels.

use super::{EXPOSED, TeamStep, WORKERS, best, range, share};
use crate::plan::kernel::ConvKernel;
use crate::plan::schedule::{BlockSchedule, Form, Scheduler, Size};
use crate::plan::steps::{Block, PackedConv, Step};
use crate::plan::tuning::Share;
use std::collections::BTreeMap;

/// Estimates of a block, in cycles of the slowest worker.
pub(super) struct Costs<'a> {
    scheduler: &'a Scheduler<'a>,
    step: &'a Step,
    block: &'a Block,
    size: Size,
    /// Of expansion, depthwise convolution and projection, done by one.
    work: [f64; 3],
    /// Bytes of weights of expansion and projection.
    weights: usize,
    /// Bytes of a row of the expanded tensor, and of one of what the depthwise convolution makes.
    row: [usize; 2],
}

impl<'a> Costs<'a> {
    pub(super) fn of(scheduler: &'a Scheduler<'a>, step: &'a Step, block: &'a Block) -> Self {
        // Two multiply-adds a cycle; the depthwise convolution reaches half of that.
        let speed = 2.0 * scheduler.isa.lanes as f64;
        let work = |p: &PackedConv| {
            let inputs = if p.conv.depthwise { 2 } else { p.conv.input_channels };
            (p.output.len() * p.conv.kernel_size * p.conv.kernel_size * inputs) as f64 / speed
        };
        let size = Size::of(step, block);
        let channels = scheduler.padded(block.depthwise.conv.output_channels) * 4;
        let bytes = |p: &PackedConv| scheduler.layers[p.layer].len() * 4;
        let expand = block.expand.as_ref();
        Costs {
            scheduler,
            step,
            block,
            size,
            work: [expand.map_or(0.0, work), work(&block.depthwise), work(&block.project)],
            weights: expand.map_or(0, bytes) + bytes(&block.project),
            row: [if expand.is_some() { size.middle.width * channels } else { 0 }, size.out.width * channels],
        }
    }

    pub(super) fn best(&self) -> TeamStep {
        let choice = self.scheduler.choice(self.step);
        let (share, mut counted) = match choice.team {
            Some(share) => (share, BTreeMap::new()),
            None => self.estimated(),
        };
        counted.extend(choice.teams.iter().map(|(count, share)| (*count, *share)));
        let of = counted.into_iter().map(|(count, share)| (count, self.chosen(share)));
        TeamStep::counted(of.collect(), self.chosen(share))
    }

    fn chosen(&self, share: Share) -> TeamStep {
        let (strip, form) = match share {
            Share::Strips(strip) => (strip, Form::Strips),
            Share::Panels => (self.size.out.height, Form::Panels),
        };
        TeamStep::Block { form, schedule: Box::new(self.block(strip, form)) }
    }

    fn estimated(&self) -> (Share, BTreeMap<usize, Share>) {
        let height = self.size.out.height;
        let strips = (1..height).filter(|strip| height.is_multiple_of(*strip)).map(Share::Strips);
        // Of equals strips need no barrier: they stand first.
        best(strips.chain([Share::Panels]).map(|share| {
            let cost = |workers| match share {
                Share::Strips(strip) => self.strips(strip, workers),
                Share::Panels => self.panels(workers),
            };
            (share, WORKERS.map(cost))
        }))
    }

    fn block(&self, strip: usize, form: Form) -> BlockSchedule {
        let reason = match form {
            Form::Panels => {
                "for each worker some channels of the expanded tensor, then some tiles of the output".into()
            }
            _ => format!("for each worker some of {} strips of {strip}", self.size.out.height / strip),
        };
        self.scheduler.block(self.step, self.block, strip, reason, form)
    }

    /// Runs of strips of so many rows.
    fn strips(&self, strip: usize, workers: usize) -> f64 {
        let (middle, out) = (self.size.middle.height, self.size.out.height);
        let d = &self.block.depthwise.conv;
        let cost = |index: usize| {
            let rows = range(out / strip, index, workers).map(|strip_index| strip_index * strip);
            let rows = rows[0]..rows[1];
            if rows.is_empty() {
                return 0.0;
            }
            // Neighbours' rows on both sides, but not beyond the edges.
            let first = (rows.start * d.stride).saturating_sub(d.pads.top);
            let last = ((rows.end - 1) * d.stride + d.kernel_size).saturating_sub(d.pads.top).min(middle);
            let (expanded, mine) = ((last - first) as f64 / middle as f64, rows.len() as f64 / out as f64);
            let work = self.work[0] * expanded + (self.work[1] + self.work[2]) * mine;
            let kept = self.row[0] * ((strip - 1) * d.stride + d.kernel_size).min(middle) + self.row[1] * strip;
            let bandwidth = self.scheduler.target.strip_bandwidth(kept, self.scheduler.target.near());
            let between = self.row[0] * (last - first) + self.row[1] * rows.len();
            work + self.traffic(bandwidth, between, rows.len() / strip)
        };
        let waits = if self.block.squeeze_excite.is_some() { self.scheduler.target.barrier } else { 0.0 };
        waits + (0..workers).map(cost).fold(0.0, f64::max)
    }

    /// Panels of the expansion, tiles of the projection.
    fn panels(&self, workers: usize) -> f64 {
        let schedule = self.block(self.size.out.height, Form::Panels);
        let vectors = self.block.depthwise.conv.output_channels.div_ceil(self.scheduler.isa.lanes);
        let panels = schedule.expand.as_ref().map_or(vectors, ConvKernel::panel_count);
        let tiles = schedule.project.tile_count();
        let work = (self.work[0] + self.work[1]) * share(panels, workers) + self.work[2] * share(tiles, workers);
        // What the depthwise convolution makes is read by all: by each what the others have made.
        let made = self.row[1] * self.size.out.height;
        let foreign = made * (workers - 1) / workers;
        let near = self.row[0] * self.size.middle.height / panels;
        let bandwidth = self.scheduler.target.bandwidth(near);
        work + self.traffic(bandwidth, (near * panels + made) / workers, 1) / workers as f64
            // Once to read it, once when its lines are taken back to be written.
            + 2.0 * foreign as f64 / self.scheduler.target.core_bandwidth
            + self.scheduler.target.barrier
    }

    /// Tensors between the layers are written and read, weights read so many times.
    fn traffic(&self, bandwidth: f64, between: usize, times: usize) -> f64 {
        (times * self.weights + 2 * between) as f64 / bandwidth * EXPOSED
    }
}
