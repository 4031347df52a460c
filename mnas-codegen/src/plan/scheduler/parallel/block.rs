//! How threads share a block: row blocks, or panels of channels.

use super::super::single::Scheduler;
use crate::plan::cost::{self, BlockSizes, THREADS};
use crate::plan::kernel::ConvKernel;
use crate::plan::schedule::{BlockSchedule, ParallelStep, Parallelism, PerThreadCount, StepSchedule};
use crate::plan::steps::{Block, Step};
use std::collections::BTreeMap;

/// The measured share of a block if there is one, else the cheapest by estimate.
pub(super) fn choose(scheduler: &Scheduler<'_>, step: &Step, block: &Block) -> PerThreadCount {
    let s = Sharing { scheduler, step, block, sizes: scheduler.block_sizes(step, block) };
    let choice = scheduler.choice(step);
    let (default, mut counted) = match choice.parallelism {
        Some(parallelism) => (parallelism, BTreeMap::new()),
        None => s.estimated(),
    };
    counted.extend(choice.per_thread_count.iter().map(|(count, parallelism)| (*count, *parallelism)));
    let variants = counted.into_iter().map(|(count, parallelism)| (count, s.step(parallelism)));
    PerThreadCount::new(variants.collect(), s.step(default))
}

struct Sharing<'a> {
    scheduler: &'a Scheduler<'a>,
    step: &'a Step,
    block: &'a Block,
    sizes: BlockSizes,
}

impl Sharing<'_> {
    fn step(&self, parallelism: Parallelism) -> ParallelStep {
        ParallelStep { parallelism, schedule: StepSchedule::Block(Box::new(self.schedule(parallelism))) }
    }

    fn estimated(&self) -> (Parallelism, BTreeMap<usize, Parallelism>) {
        let (height, target) = (self.sizes.out.height, self.scheduler.target);
        let parts = self.panel_parts();
        // Row blocks need no barrier: in case of a tie the first wins.
        let row_blocks = (1..height).filter(|rows| height.is_multiple_of(*rows)).map(Parallelism::RowBlocks);
        cost::best(row_blocks.chain([Parallelism::Panels]).map(|parallelism| {
            let cost = |threads| match parallelism {
                Parallelism::RowBlocks(rows) => self.sizes.shared_row_blocks(rows, threads, target),
                _ => self.sizes.shared_panels(parts, threads, target),
            };
            (parallelism, THREADS.map(cost))
        }))
    }

    /// Panels of the expansion and tiles of the projection, where threads take some of each.
    fn panel_parts(&self) -> [usize; 2] {
        let schedule = self.schedule(Parallelism::Panels);
        let vectors = self.block.depthwise.conv.output_channels.div_ceil(self.scheduler.isa.lanes);
        let panels = schedule.expand.as_ref().map_or(vectors, ConvKernel::panel_count);
        [panels, schedule.project.tile_count()]
    }

    fn schedule(&self, parallelism: Parallelism) -> BlockSchedule {
        let height = self.sizes.out.height;
        let (rows, reason) = match parallelism {
            Parallelism::RowBlocks(rows) => {
                (rows, format!("each worker computes some of {} row blocks of {rows}", height / rows))
            }
            _ => (
                height,
                "each worker computes some channels of the expanded tensor, then some tiles of the output".into(),
            ),
        };
        self.scheduler.block(self.step, self.block, rows, reason, parallelism)
    }
}
