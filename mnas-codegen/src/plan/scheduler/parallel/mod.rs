//! How several threads share each step: what is divided, and into how many parts. How many parts a thread takes is
//! decided when the network runs.

mod block;
mod conv;

use super::single::Scheduler;
use crate::plan::cost::THREADS;
use crate::plan::kernel::{ConvKernel, Part};
use crate::plan::schedule::{StepSchedule, TeamStep};
use crate::plan::steps::{Step, StepKind};

pub(super) fn schedule(scheduler: &Scheduler<'_>, steps: &[Step], alone: &[StepSchedule]) -> Vec<TeamStep> {
    let rows = || TeamStep::Rows { scratch: 0 };
    let one = |(step, alone): (&Step, &StepSchedule)| match (&step.kind, alone) {
        (StepKind::Block(block), _) => block::choose(scheduler, step, block),
        (StepKind::Conv { conv, pool: false }, StepSchedule::Conv { kernel }) => {
            conv::choose(scheduler, step, conv, kernel)
        }
        (_, StepSchedule::Conv { kernel }) => {
            // Total prefetch length for two threads; with more threads each prefetches less.
            let ahead = kernel.ahead * THREADS[0];
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
