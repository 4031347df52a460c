//! How several threads share a step. Every value is computed by one of them, in the order in which one thread would
//! compute it, so the result does not depend on the number of threads.

use super::step::StepSchedule;
use crate::units::Elements;

/// What the threads of a pool divide among each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Parallelism {
    /// Nothing: one thread computes the whole step.
    Single,
    /// The output rows.
    Rows,
    /// The row blocks of a fused block, each of this many output rows.
    RowBlocks(usize),
    /// The panels of a block's expansion with their depthwise convolution, then the tiles of its projection.
    Panels,
    /// The register tiles of a convolution, or the output rows of each of its panels.
    Tiles,
}

/// A step as several threads compute it. All of them wait for each other at its end.
#[derive(Clone, Debug, PartialEq)]
pub struct ParallelStep {
    /// What they divide.
    pub parallelism: Parallelism,
    /// How each computes its share.
    pub schedule: StepSchedule,
}

/// A step for every number of threads.
#[derive(Clone, Debug, PartialEq)]
pub struct PerThreadCount {
    /// For these thread counts, something better than the default.
    pub variants: Vec<(usize, ParallelStep)>,
    /// For all other thread counts.
    pub default: ParallelStep,
}

/// Memory of several threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThreadMemory {
    /// Shared by all: the arena, and behind it what a step's threads share.
    pub shared: Elements,
    /// For each thread: its own part of a step's scratch, or an arena when it has an image of its own.
    pub per_thread: Elements,
}

impl ThreadMemory {
    pub(in crate::plan) fn of<'a>(steps: impl Iterator<Item = &'a PerThreadCount> + Clone, arena: Elements) -> Self {
        let most = |shared| steps.clone().map(|step| step.scratch_len(shared)).max().unwrap_or_default();
        ThreadMemory { shared: arena + most(true), per_thread: most(false).max(arena) }
    }
}

impl PerThreadCount {
    /// The same for every number of threads.
    pub(in crate::plan) fn every(default: ParallelStep) -> Self {
        PerThreadCount { variants: Vec::new(), default }
    }

    /// Drops variants that are equal to the default.
    pub(in crate::plan) fn new(mut variants: Vec<(usize, ParallelStep)>, default: ParallelStep) -> Self {
        variants.retain(|(_, step)| *step != default);
        PerThreadCount { variants, default }
    }

    /// The default and all variants.
    pub fn all(&self) -> impl Iterator<Item = &ParallelStep> {
        self.variants.iter().map(|(_, step)| step).chain([&self.default])
    }

    pub(in crate::plan) fn all_mut(&mut self) -> impl Iterator<Item = &mut ParallelStep> {
        self.variants.iter_mut().map(|(_, step)| step).chain([&mut self.default])
    }

    fn scratch_len(&self, shared: bool) -> Elements {
        self.all().map(|step| step.scratch_len(shared)).max().unwrap_or_default()
    }
}

impl ParallelStep {
    /// Whether that part of a block's scratch is shared: one thread writes it and another reads it.
    pub fn shares(&self, part: &str) -> bool {
        match self.parallelism {
            Parallelism::RowBlocks(_) => part == "pooled",
            Parallelism::Panels => part == "depthwise" || part == "mean",
            Parallelism::Single | Parallelism::Rows | Parallelism::Tiles => false,
        }
    }

    /// Length of the scratch that threads share, or that each has.
    pub fn scratch_len(&self, shared: bool) -> Elements {
        match &self.schedule {
            StepSchedule::Block(block) => {
                let parts = block.scratch.parts();
                parts.iter().filter(|(name, _)| self.shares(name) == shared).map(|(_, len)| *len).sum()
            }
            _ if shared => Elements::ZERO,
            schedule => schedule.scratch_len(),
        }
    }
}
