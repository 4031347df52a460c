//! For one instruction set: how each step is cut into row blocks and register tiles, as data.

mod parallel;
mod rows;
mod step;

use crate::machine::Isa;

pub use parallel::{ParallelStep, Parallelism, PerThreadCount, ThreadMemory};
pub use rows::{BlockRows, WindowRows};
pub use step::{BlockSchedule, Scratch, SqueezeExciteSchedule, StepSchedule};

/// The steps of a plan as one instruction set does them.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// The instruction set.
    pub isa: Isa,
    /// One for each step.
    pub steps: Vec<StepSchedule>,
    /// How several threads compute each step; empty where the code is for one.
    pub parallel: Vec<PerThreadCount>,
    /// Whether a step is done as was measured, rather than as is estimated.
    pub tuned: Vec<bool>,
}
