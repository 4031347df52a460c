//! What a plan is made for: instruction sets, caches, threads, and what was measured.

use super::tuning::TuningProfile;
use crate::machine::{self, CacheModel, Isa};

/// What a plan is made for.
#[derive(Clone, Debug)]
pub struct Target {
    /// Instruction sets in the file, best first.
    pub isas: Vec<Isa>,
    /// The caches of the processor.
    pub caches: CacheModel,
    /// Whether several threads may share an inference.
    pub threads: bool,
    /// What was measured, which goes before all estimates.
    pub tuned: TuningProfile,
    /// What the plan is optimised for.
    pub objective: Objective,
}

/// What a plan is optimised for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Objective {
    /// The least estimated time.
    #[default]
    Latency,
    /// The least estimated time of one thread in an arena of at most `limit` bytes. The scratch of further threads comes
    /// on top.
    Memory {
        /// Most bytes of the arena.
        limit: usize,
    },
}

impl Target {
    /// Every implemented instruction set of x86-64.
    pub fn x86_64() -> Self {
        Target::new(machine::of_arch("x86_64"))
    }

    /// The given instruction sets, sorted best first, for a processor about which nothing else is known.
    pub fn new(mut isas: Vec<Isa>) -> Self {
        isas.sort_by_key(machine::rank);
        isas.dedup();
        Target {
            isas,
            caches: CacheModel::generic(),
            threads: false,
            tuned: TuningProfile::default(),
            objective: Objective::Latency,
        }
    }
}
