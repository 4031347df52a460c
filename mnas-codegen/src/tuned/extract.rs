//! The choice that a plan made for a step, as an entry of a schedule file says it.

use crate::machine::{Isa, Tile};
use crate::plan::tuning::{RowBlock, StepTuning, Tiles};
use crate::plan::{BlockSchedule, ConvKernel, PanelGroup, ParallelStep, Parallelism, Plan, Schedule, StepSchedule};

impl StepTuning {
    /// All choices of an instruction set's schedule for step `index` of a plan; `None` if the step has no choice.
    pub fn of(plan: &Plan, schedule: &Schedule, index: usize) -> Option<StepTuning> {
        let isa = schedule.isa;
        let mut choice = match &schedule.steps[index] {
            StepSchedule::Plain | StepSchedule::Depthwise(_) | StepSchedule::SqueezeExcite(_) => return None,
            StepSchedule::Conv { kernel, .. } => StepTuning { tiles: tiles(isa, kernel), ..StepTuning::default() },
            StepSchedule::Block(block) => StepTuning::of_block(isa, block, plan.steps[index].output_shape.height),
        };
        if let Some(parallel) = schedule.parallel.get(index) {
            choice.parallelism = shared(&parallel.default);
            let variants = parallel.variants.iter();
            choice.per_thread_count = variants.filter_map(|(count, step)| Some((*count, shared(step)?))).collect();
        }
        Some(choice)
    }

    fn of_block(isa: Isa, block: &BlockSchedule, height: usize) -> StepTuning {
        StepTuning {
            row_block: Some(if block.row_block == height { RowBlock::All } else { RowBlock::Rows(block.row_block) }),
            gate_weights: block.squeeze_excite.as_ref().map(|se| se.gate_weights),
            columns: Some(block.depthwise.columns),
            expand: block.expand.as_ref().map(|kernel| tiles(isa, kernel)).unwrap_or_default(),
            project: tiles(isa, &block.project),
            ..StepTuning::default()
        }
    }
}

/// How threads share a block; `None` for other steps, where a file has no choice.
fn shared(step: &ParallelStep) -> Option<Parallelism> {
    matches!(step.schedule, StepSchedule::Block(_)).then_some(step.parallelism)
}

/// The tiles that a kernel has.
fn tiles(isa: Isa, kernel: &ConvKernel) -> Tiles {
    let tile = |g: &PanelGroup| (g.channels / isa.lanes, Tile { vectors: g.vectors, pixels: g.pixels });
    kernel.panels.iter().map(tile).collect()
}
