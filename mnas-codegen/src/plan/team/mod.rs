//! How several threads share a step. Every value is made by one of them, in the order in which one thread would make it:
//! the result does not depend on how many there are.
//!
//! What is divided, and into how many parts, is decided here; how many parts a worker takes, when the network runs.

mod block;
mod conv;

use super::kernel::{ConvKernel, Part};
use super::schedule::{BlockSchedule, Form, Schedule, Scheduler, StepSchedule};
use super::steps::{Step, StepKind};
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
    /// A convolution: each does some of the output rows.
    ConvRows(
        /// The kernel that takes a range of them.
        ConvKernel,
    ),
    /// A convolution: each does some of the tiles, or of the rows of each panel.
    Tiles(
        /// The kernel that finds its worker's share.
        ConvKernel,
    ),
    /// A block.
    Block {
        /// Which parts of it each does.
        form: Form,
        /// How it does them.
        schedule: Box<BlockSchedule>,
    },
    /// A block or convolution that some numbers of workers share in a way of their own.
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
    /// What so many workers do, and what others do.
    fn counted(mut of: Vec<(usize, TeamStep)>, others: TeamStep) -> Self {
        // What others do too is no other way.
        of.retain(|(_, step)| *step != others);
        if of.is_empty() { others } else { TeamStep::Counted { of, others: Box::new(others) } }
    }

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
        (StepKind::Block(block), _) => block::Costs::of(scheduler, step, block).best(),
        (StepKind::Conv { conv, pool: false }, StepSchedule::Conv { kernel }) => {
            conv::Costs::of(scheduler, step, conv, kernel).best()
        }
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

/// The largest of equal shares, as a part of all.
fn share(tasks: usize, workers: usize) -> f64 {
    tasks.div_ceil(workers) as f64 / tasks.max(1) as f64
}

/// Of ways with their costs for [`WORKERS`]: what is good for all of them, and what is better by more than [`WORTH`] for
/// one number.
fn best<T: Copy>(costs: impl Iterator<Item = (T, [f64; 2])>) -> (T, BTreeMap<usize, T>) {
    let costs: Vec<(T, [f64; 2])> = costs.collect();
    let least = |cost: &dyn Fn(&[f64; 2]) -> f64| {
        let best = costs.iter().min_by(|a, b| cost(&a.1).total_cmp(&cost(&b.1)));
        *best.expect("there is always a way")
    };
    let all = least(&|cost| WORKERS.iter().zip(cost).map(|(&workers, cost)| workers as f64 * cost).sum());
    let own = WORKERS.iter().enumerate().filter_map(|(at, &workers)| {
        let best = least(&|cost| cost[at]);
        (best.1[at] < all.1[at] * (1.0 - WORTH)).then_some((workers, best.0))
    });
    (all.0, own.collect())
}

/// Where the share of a worker begins and ends, as `Worker::range` cuts it.
fn range(tasks: usize, index: usize, workers: usize) -> [usize; 2] {
    let (each, longer) = (tasks / workers, tasks % workers);
    [index, index + 1].map(|index| index * each + index.min(longer))
}
