//! How several threads share a step. Every value is made by one of them, in the order in which one thread would make it:
//! the result does not depend on how many there are.
//!
//! What is divided, and into how many parts, is decided here; how many parts a worker takes, when the network runs.

use super::kernel::{ConvKernel, Part};
use super::schedule::{BlockSchedule, Form, Schedule, Scheduler, Size, StepSchedule};
use super::steps::{Block, PackedConv, Step, StepKind};
use crate::tuned::Share;
use std::collections::BTreeMap;

/// How several workers do a step. Between steps, and where it says so, all wait for each other.
#[derive(Clone, Debug, PartialEq)]
pub enum TeamStep {
    /// The first worker does it alone, as one thread does: too little to share.
    Alone,
    /// Each does some of the output rows, as one thread does them.
    Rows {
        /// Floats of scratch of its own: for a gate that each makes for itself.
        scratch: usize,
    },
    /// Each does some of the tiles.
    Tiles(
        /// The kernel that takes a range of them.
        ConvKernel,
    ),
    /// A block.
    Block {
        /// Which parts of it each does.
        form: Form,
        /// How it does them.
        schedule: Box<BlockSchedule>,
    },
    /// A block that some numbers of workers share in a way of their own.
    Counted {
        /// How so many do it.
        of: Vec<(usize, TeamStep)>,
        /// How others do it.
        others: Box<TeamStep>,
    },
}

/// Memory of several threads, in floats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TeamMemory {
    /// Shared by all: the arena, and behind it what a step's workers share.
    pub shared: usize,
    /// For each worker: its own part of a step's scratch, or an arena when it has an image of its own.
    pub own: usize,
}

impl TeamMemory {
    pub(super) fn of(schedules: &[Schedule], arena: usize) -> Self {
        let steps = || schedules.iter().flat_map(|s| &s.team);
        TeamMemory {
            shared: arena + steps().map(|s| s.scratch_len(true)).max().unwrap_or(0),
            own: steps().map(|s| s.scratch_len(false)).max().unwrap_or(0).max(arena),
        }
    }
}

impl TeamStep {
    /// Whether that part of a block's scratch is shared: what one worker writes and another reads.
    pub fn shares(&self, part: &str) -> bool {
        match self {
            TeamStep::Block { form: Form::Strips, .. } => part == "pooled",
            TeamStep::Block { form: Form::Panels, .. } => part == "depthwise" || part == "mean",
            _ => false,
        }
    }

    /// Floats of scratch that workers share, or that each has.
    pub fn scratch_len(&self, shared: bool) -> usize {
        let schedule = match self {
            TeamStep::Block { schedule, .. } => schedule,
            TeamStep::Rows { scratch } if !shared => return *scratch,
            TeamStep::Counted { of, others } => {
                let all = of.iter().map(|(_, step)| step).chain([&**others]);
                return all.map(|step| step.scratch_len(shared)).max().unwrap_or(0);
            }
            _ => return 0,
        };
        schedule.scratch.parts().iter().filter(|(name, _)| self.shares(name) == shared).map(|(_, len)| len).sum()
    }
}

pub(super) fn schedule(scheduler: &Scheduler<'_>, steps: &[Step], alone: &[StepSchedule]) -> Vec<TeamStep> {
    let rows = || TeamStep::Rows { scratch: 0 };
    let one = |(step, alone): (&Step, &StepSchedule)| match (&step.kind, alone) {
        (StepKind::Block(block), _) => Costs::of(scheduler, step, block).best(),
        (_, StepSchedule::Conv { kernel }) if kernel.rows().is_some() => rows(),
        (_, StepSchedule::Conv { kernel }) => {
            // Of two workers each asks for as much of its own share as one does; of more each for less.
            let ahead = kernel.ahead * WORKERS[0];
            TeamStep::Tiles(ConvKernel { ahead, ..kernel.clone().with_part(Part::Tiles) })
        }
        (StepKind::Pool { .. } | StepKind::Elementwise { .. } | StepKind::Depthwise { .. }, _) => rows(),
        (StepKind::SqueezeExcite { .. }, alone) => TeamStep::Rows { scratch: alone.scratch_len() },
        (StepKind::PadImage | StepKind::GlobalAveragePool | StepKind::Conv { .. } | StepKind::Linear { .. }, _) => {
            TeamStep::Alone
        }
    };
    steps.iter().zip(alone).map(one).collect()
}

/// Numbers of workers for which a choice has to be good.
const WORKERS: [usize; 2] = [2, 4];
/// The part of a block's time that a number of workers has to save to get code of its own.
const WORTH: f64 = 0.03;
/// The part of the traffic that does not hide behind multiply-adds.
const EXPOSED: f64 = 0.25;

/// Estimates of a block, in cycles of the slowest worker.
struct Costs<'a> {
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

/// The largest of equal shares, as a part of all.
fn share(tasks: usize, workers: usize) -> f64 {
    tasks.div_ceil(workers) as f64 / tasks.max(1) as f64
}

/// Where the share of a worker begins and ends, as `Worker::range` cuts it.
fn range(tasks: usize, index: usize, workers: usize) -> [usize; 2] {
    let (each, longer) = (tasks / workers, tasks % workers);
    [index, index + 1].map(|index| index * each + index.min(longer))
}

impl<'a> Costs<'a> {
    fn of(scheduler: &'a Scheduler<'a>, step: &'a Step, block: &'a Block) -> Self {
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

    fn best(&self) -> TeamStep {
        let choice = self.scheduler.choice(self.step);
        let (share, mut counted) = match choice.team {
            Some(share) => (share, BTreeMap::new()),
            None => self.estimated(),
        };
        counted.extend(choice.teams.iter().map(|(count, share)| (*count, *share)));
        let others = self.chosen(share);
        let of = counted.into_iter().map(|(count, share)| (count, self.chosen(share)));
        // What others do too is no other way.
        let of: Vec<(usize, TeamStep)> = of.filter(|(_, step)| *step != others).collect();
        if of.is_empty() { others } else { TeamStep::Counted { of, others: Box::new(others) } }
    }

    fn chosen(&self, share: Share) -> TeamStep {
        let (strip, form) = match share {
            Share::Strips(strip) => (strip, Form::Strips),
            Share::Panels => (self.size.out.height, Form::Panels),
        };
        TeamStep::Block { form, schedule: Box::new(self.block(strip, form)) }
    }

    /// What is good for several numbers of workers, and what is better by more than [`WORTH`] for one of them.
    fn estimated(&self) -> (Share, BTreeMap<usize, Share>) {
        let height = self.size.out.height;
        let strips = (1..height).filter(|strip| height.is_multiple_of(*strip)).map(Share::Strips);
        // Of equals the strips are shorter and need no barrier: they stand first.
        let costs = strips.chain([Share::Panels]).map(|share| {
            let cost = |workers| match share {
                Share::Strips(strip) => self.strips(strip, workers),
                Share::Panels => self.panels(workers),
            };
            (share, WORKERS.map(cost))
        });
        let costs: Vec<(Share, [f64; 2])> = costs.collect();
        let least = |cost: &dyn Fn(&[f64; 2]) -> f64| {
            let best = costs.iter().min_by(|a, b| cost(&a.1).total_cmp(&cost(&b.1)));
            *best.expect("panels are always a way")
        };
        let all = least(&|cost| WORKERS.iter().zip(cost).map(|(&workers, cost)| workers as f64 * cost).sum());
        let own = WORKERS.iter().enumerate().filter_map(|(at, &workers)| {
            let best = least(&|cost| cost[at]);
            (best.1[at] < all.1[at] * (1.0 - WORTH)).then_some((workers, best.0))
        });
        (all.0, own.collect())
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
        let panels = schedule.expand.as_ref().map_or(vectors, |k| k.panels.iter().map(|g| g.count).sum());
        let project = &schedule.project;
        let tiles: usize = project.panels.iter().map(|g| g.count * project.pixels.div_ceil(g.pixels)).sum();
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
