//! The choice that a plan made for a step, as an entry of a schedule file says it.

use crate::plan::isa::{Isa, Tile};
use crate::plan::tuning::{Choice, Share, Strip, Tiles};
use crate::plan::{BlockSchedule, ConvKernel, Form, PanelGroup, Plan, Schedule, StepSchedule, TeamStep};

impl Choice {
    /// What an instruction set's schedule does in step `index` of a plan, all of it; `None` where there is no choice.
    pub fn of(plan: &Plan, schedule: &Schedule, index: usize) -> Option<Choice> {
        let isa = schedule.isa;
        let mut choice = match &schedule.steps[index] {
            StepSchedule::Plain | StepSchedule::Depthwise(_) | StepSchedule::SqueezeExcite(_) => return None,
            StepSchedule::Conv { kernel, .. } => Choice { tiles: tiles(isa, kernel), ..Choice::default() },
            StepSchedule::Block(block) => Choice::of_block(isa, block, plan.steps[index].output_shape.height),
        };
        match schedule.team.get(index) {
            Some(TeamStep::Counted { of, others }) => {
                choice.team = share_of(others);
                choice.teams = of.iter().filter_map(|(count, step)| Some((*count, share_of(step)?))).collect();
            }
            Some(step) => choice.team = share_of(step),
            None => {}
        }
        Some(choice)
    }

    fn of_block(isa: Isa, block: &BlockSchedule, height: usize) -> Choice {
        Choice {
            strip: Some(if block.strip == height { Strip::All } else { Strip::Rows(block.strip) }),
            gate_weights: block.squeeze_excite.as_ref().map(|se| se.gate_weights),
            columns: Some(block.depthwise.columns),
            expand: block.expand.as_ref().map(|kernel| tiles(isa, kernel)).unwrap_or_default(),
            project: tiles(isa, &block.project),
            ..Choice::default()
        }
    }
}

/// How workers share a step; `None` where that is no choice.
fn share_of(step: &TeamStep) -> Option<Share> {
    match step {
        TeamStep::Block { form: Form::Strips, schedule } => Some(Share::Strips(schedule.strip)),
        TeamStep::Block { form: Form::Panels, .. } => Some(Share::Panels),
        _ => None,
    }
}

/// The tiles that a kernel has.
fn tiles(isa: Isa, kernel: &ConvKernel) -> Tiles {
    let tile = |g: &PanelGroup| (g.channels / isa.lanes, Tile { vectors: g.vectors, pixels: g.pixels });
    kernel.panels.iter().map(tile).collect()
}
