//! The choice of a schedule: row blocks, tiles and shares for one instruction set.

mod block;
mod parallel;
mod single;

use super::pack::PackedLayer;
use super::schedule::{Schedule, StepSchedule};
use super::steps::Step;
use super::target::Target;
use crate::machine::Isa;
use crate::units::Elements;
use single::Scheduler;

/// The schedule of an instruction set. With `room`, the scratch of each step is at most this long where any of its
/// schedules has so little, and the least otherwise.
pub(super) fn schedule(
    steps: &[Step],
    layers: &[PackedLayer],
    isa: Isa,
    align: usize,
    target: &Target,
    room: Option<&[Elements]>,
) -> Schedule {
    let s = Scheduler { layers, isa, align, target };
    let mut done: Vec<StepSchedule> =
        steps.iter().enumerate().map(|(i, step)| s.step(step, room.map(|room| room[i]))).collect();
    for at in 1..steps.len() {
        s.prefetch_classifier(&steps[at - 1..=at], &mut done[at - 1]);
    }
    let parallel = if target.threads { parallel::schedule(&s, steps, &done) } else { Vec::new() };
    let tuned = steps.iter().map(|step| s.measured(step).is_some()).collect();
    Schedule { isa, steps: done, parallel, tuned }
}
