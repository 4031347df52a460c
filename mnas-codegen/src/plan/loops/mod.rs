//! The loops of each kernel, with literal bounds: register tiles, unrolling, prefetch, and where rows lie.
//!
//! All of it follows from the sizes of steps and kernels, so it is filled in last.

mod conv;
mod depthwise;
mod rows;
mod segments;

use super::Plan;
use super::layout;
use super::schedule::{BlockRows, StepSchedule};
use super::steps::{Step, StepKind};
use crate::machine::{CacheModel, Isa};

impl Plan {
    /// Fills in the loops of all kernels. A plan has them; a plan that was changed gets them anew.
    pub fn lay_out(&mut self) {
        for schedule in &mut self.schedules {
            let isa = schedule.isa;
            let single = schedule.steps.iter_mut().map(|schedule| vec![schedule]);
            let parallel = schedule.parallel.iter_mut();
            let parallel = parallel.map(|step| step.all_mut().map(|step| &mut step.schedule).collect::<Vec<_>>());
            for (step, schedules) in self.steps.iter().zip(single).chain(self.steps.iter().zip(parallel)) {
                for schedule in schedules {
                    lay_out(schedule, step, isa, self.channel_align, &self.caches);
                }
            }
        }
    }
}

fn lay_out(schedule: &mut StepSchedule, step: &Step, isa: Isa, align: usize, caches: &CacheModel) {
    match schedule {
        StepSchedule::Plain => {}
        StepSchedule::Conv { kernel } => kernel.lay_out(isa),
        StepSchedule::Depthwise(kernel) => kernel.lay_out(),
        StepSchedule::SqueezeExcite(se) => {
            se.reduce.lay_out(isa);
            se.expand.lay_out(isa);
        }
        StepSchedule::Block(s) => {
            let kernels = s.expand.iter_mut().chain([&mut s.project]);
            let gate = s.squeeze_excite.iter_mut().flat_map(|se| [&mut se.reduce, &mut se.expand]);
            kernels.chain(gate).for_each(|kernel| kernel.lay_out(isa));
            s.depthwise.lay_out();
            if let StepKind::Block(block) = &step.kind {
                let rows = [step.input_shape, step.output_shape].map(|s| layout::stride(s, align, caches) * s.width);
                s.rows = BlockRows::of(step, block, s, isa.lanes, rows);
            }
        }
    }
}
