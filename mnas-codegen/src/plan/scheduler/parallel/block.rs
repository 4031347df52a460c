//! How threads share a block: row blocks, or panels of channels.

use super::super::single::Scheduler;
use crate::plan::cost::{self, BlockSizes, THREADS};
use crate::plan::kernel::ConvKernel;
use crate::plan::schedule::{BlockSchedule, Form, TeamStep};
use crate::plan::steps::{Block, Step};
use crate::plan::tuning::Share;
use std::collections::BTreeMap;

/// The measured share of a block if there is one, else the cheapest by estimate.
pub(super) fn choose(scheduler: &Scheduler<'_>, step: &Step, block: &Block) -> TeamStep {
    let s = Sharing { scheduler, step, block, sizes: scheduler.block_sizes(step, block) };
    let choice = scheduler.choice(step);
    let (share, mut counted) = match choice.team {
        Some(share) => (share, BTreeMap::new()),
        None => s.estimated(),
    };
    counted.extend(choice.teams.iter().map(|(count, share)| (*count, *share)));
    let of = counted.into_iter().map(|(count, share)| (count, s.step(share)));
    TeamStep::counted(of.collect(), s.step(share))
}

struct Sharing<'a> {
    scheduler: &'a Scheduler<'a>,
    step: &'a Step,
    block: &'a Block,
    sizes: BlockSizes,
}

impl Sharing<'_> {
    fn step(&self, share: Share) -> TeamStep {
        let (rows, form) = match share {
            Share::Strips(rows) => (rows, Form::Strips),
            Share::Panels => (self.sizes.out.height, Form::Panels),
        };
        TeamStep::Block { form, schedule: Box::new(self.schedule(rows, form)) }
    }

    fn estimated(&self) -> (Share, BTreeMap<usize, Share>) {
        let (height, target) = (self.sizes.out.height, self.scheduler.target);
        let parts = self.panel_parts();
        // Row blocks need no barrier: in case of a tie the first wins.
        let row_blocks = (1..height).filter(|rows| height.is_multiple_of(*rows)).map(Share::Strips);
        cost::best(row_blocks.chain([Share::Panels]).map(|share| {
            let cost = |threads| match share {
                Share::Strips(rows) => self.sizes.shared_row_blocks(rows, threads, target),
                Share::Panels => self.sizes.shared_panels(parts, threads, target),
            };
            (share, THREADS.map(cost))
        }))
    }

    /// Panels of the expansion and tiles of the projection, where threads take some of each.
    fn panel_parts(&self) -> [usize; 2] {
        let schedule = self.schedule(self.sizes.out.height, Form::Panels);
        let vectors = self.block.depthwise.conv.output_channels.div_ceil(self.scheduler.isa.lanes);
        let panels = schedule.expand.as_ref().map_or(vectors, ConvKernel::panel_count);
        [panels, schedule.project.tile_count()]
    }

    fn schedule(&self, rows: usize, form: Form) -> BlockSchedule {
        let reason = match form {
            Form::Panels => {
                "for each worker some channels of the expanded tensor, then some tiles of the output".into()
            }
            _ => format!("for each worker some of {} strips of {rows}", self.sizes.out.height / rows),
        };
        self.scheduler.block(self.step, self.block, rows, reason, form)
    }
}
