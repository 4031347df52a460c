//! Schedules that were measured, as values: the planner takes them before its own estimates.
//!
//! The module [`crate::tuned`] reads and writes them as text.

mod choice;
mod key;

pub use choice::{RowBlock, StepTuning, Tiles};
pub use key::{BlockEntry, ShapeKey, Size};

use crate::machine::Isa;
use std::collections::BTreeMap;

/// What was measured on one processor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TuningProfile {
    /// The processor, as the file names it; empty where nothing was measured.
    pub cpu: String,
    /// Choices by instruction set and shape.
    pub choices: BTreeMap<&'static str, BTreeMap<ShapeKey, StepTuning>>,
}

impl TuningProfile {
    /// The choice for a step of that shape: its own, or what is said for every block.
    pub fn get(&self, isa: Isa, key: ShapeKey) -> Option<&StepTuning> {
        let choices = self.choices.get(isa.name)?;
        let any = matches!(key, ShapeKey::Block { .. }).then(|| choices.get(&ShapeKey::AnyBlock)).flatten();
        choices.get(&key).or(any)
    }

    /// Whether nothing was measured.
    pub fn is_empty(&self) -> bool {
        self.choices.values().all(BTreeMap::is_empty)
    }
}
