//! How several threads share a step. Every value is computed by one of them, in the order in which one thread would
//! compute it, so the result does not depend on the number of threads.

use super::step::BlockSchedule;
use crate::plan::kernel::ConvKernel;

/// How many do a block, and what each of them does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One, everything.
    Alone,
    /// Several, some of the strips each.
    Strips,
    /// Several, some panels of the expansion each, and some tiles of the projection.
    Panels,
}

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
    pub(in crate::plan) fn of<'a>(steps: impl Iterator<Item = &'a TeamStep> + Clone, arena: usize) -> Self {
        let most = |shared| steps.clone().map(|s| s.scratch_len(shared)).max().unwrap_or(0);
        TeamMemory { shared: arena + most(true), own: most(false).max(arena) }
    }
}

impl TeamStep {
    /// What so many workers do, and what others do.
    pub(in crate::plan) fn counted(mut of: Vec<(usize, TeamStep)>, others: TeamStep) -> Self {
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
