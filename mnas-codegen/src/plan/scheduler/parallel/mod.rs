//! How several threads share each step: what is divided, and into how many parts. How many parts a thread takes is
//! decided when the network runs.

mod block;
mod conv;

use super::single::Scheduler;
use crate::plan::cost::THREADS;
use crate::plan::kernel::{ConvKernel, LoopRange};
use crate::plan::schedule::{ParallelStep, Parallelism, PerThreadCount, StepSchedule};
use crate::plan::steps::{Step, StepKind};

pub(super) fn schedule(scheduler: &Scheduler<'_>, steps: &[Step], single: &[StepSchedule]) -> Vec<PerThreadCount> {
    let one = |(step, single): (&Step, &StepSchedule)| {
        let every = |parallelism| PerThreadCount::every(ParallelStep { parallelism, schedule: single.clone() });
        match (&step.kind, single) {
            (StepKind::Block(block), _) => block::choose(scheduler, step, block),
            (StepKind::Conv { conv, pool: false }, StepSchedule::Conv { kernel }) => {
                conv::choose(scheduler, step, conv, kernel)
            }
            (_, StepSchedule::Conv { kernel }) => {
                // Total prefetch length for two threads; with more threads each prefetches less.
                let prefetch_len = kernel.prefetch_len * THREADS[0];
                let kernel = ConvKernel { prefetch_len, ..kernel.clone().with_range(LoopRange::Tiles) };
                let schedule = StepSchedule::Conv { kernel };
                PerThreadCount::every(ParallelStep { parallelism: Parallelism::Tiles, schedule })
            }
            // Each thread computes the gate of squeeze-excite for itself, which costs less than a barrier.
            (
                StepKind::Pool { .. }
                | StepKind::Elementwise { .. }
                | StepKind::Depthwise { .. }
                | StepKind::SqueezeExcite { .. },
                _,
            ) => every(Parallelism::Rows),
            (StepKind::PadImage | StepKind::GlobalAveragePool | StepKind::Conv { .. } | StepKind::Linear { .. }, _) => {
                every(Parallelism::Single)
            }
        }
    };
    steps.iter().zip(single).map(one).collect()
}
