//! The function of each step, for one thread.

use super::block::BlockDriver;
use super::kernels::Kernels;
use super::{pooling, rows};
use crate::plan::{Parallelism, Plan, Schedule, StepKind, StepSchedule};
use proc_macro2::Ident;

/// The function of step `index`; equal steps share one.
pub fn function(plan: &Plan, schedule: &Schedule, index: usize, kernels: &mut Kernels) -> Ident {
    let step = &plan.steps[index];
    let schedule = &schedule.steps[index];
    // From one pixel of the input to the next, in the arena.
    let pixel = plan.stride(step.input_shape);
    match (&step.kind, schedule) {
        (StepKind::Block(block), StepSchedule::Block(s)) => {
            BlockDriver::new(plan, step, block, s, Parallelism::Single).emit(kernels)
        }
        (_, StepSchedule::Conv { kernel }) if kernel.rows().is_none() => kernels.conv(kernel),
        (StepKind::PadImage, _) => {
            kernels.function("pad_image", |name| pooling::pad_image(step.input_shape, pixel, name))
        }
        (StepKind::GlobalAveragePool, _) => pooling::global(step.input_shape, pixel, kernels),
        _ => rows::function(plan, step, schedule, Parallelism::Single, kernels).expect("all other steps have rows"),
    }
}
