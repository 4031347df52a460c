//! The function of each step, for one thread.

use super::block::BlockDriver;
use super::kernels::Kernels;
use super::operands::weights_start;
use super::pooling;
use super::rows::{self, Caller};
use crate::plan::{Form, Plan, Schedule, StepKind, StepSchedule};
use proc_macro2::Ident;

/// The function of step `index`; equal steps share one.
pub fn function(plan: &Plan, schedule: &Schedule, index: usize, kernels: &mut Kernels) -> Ident {
    let step = &plan.steps[index];
    let base = weights_start(plan, step).unwrap_or(0);
    // Floats from one pixel of the input to the next, in the arena.
    let pixel = plan.stride(step.input_shape);
    match (&step.kind, &schedule.steps[index]) {
        (StepKind::Block(block), StepSchedule::Block(s)) => {
            BlockDriver { plan, step, block, s, base, form: Form::Alone }.emit(kernels)
        }
        (_, StepSchedule::Conv { kernel }) if kernel.rows().is_none() => kernels.conv(kernel),
        (StepKind::PadImage, _) => {
            kernels.function("pad_image", |name| pooling::pad_image(step.input_shape, pixel, name))
        }
        (StepKind::GlobalAveragePool, _) => pooling::global(step.input_shape, pixel, kernels),
        _ => rows::function(plan, schedule, index, kernels, Caller::Alone).expect("all other steps have rows"),
    }
}
