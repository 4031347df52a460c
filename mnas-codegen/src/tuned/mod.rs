//! Schedules that were measured: what `mnasc tune` found, as a value that the plan takes instead of its estimates.
//!
//! A file has a section for each processor, in it one for each instruction set, and an entry for each shape of a step;
//! so one file serves several networks. Whoever reads it chooses the processor: nothing here asks the machine.

mod choice;
mod file;
mod key;
mod words;

pub use choice::{Choice, Share, Strip, Tiles};
pub use file::{Entry, ScheduleFile, SelectError};
pub use key::{First, Key};

use crate::plan::isa::Isa;
use std::collections::BTreeMap;

/// What was measured on one processor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tuned {
    /// The processor, as the file names it; empty where nothing was measured.
    pub cpu: String,
    /// Choices by instruction set and shape.
    pub choices: BTreeMap<&'static str, BTreeMap<Key, Choice>>,
}

impl Tuned {
    /// The choice for a step of that shape: its own, or what is said for every block.
    pub fn get(&self, isa: Isa, key: Key) -> Option<&Choice> {
        let choices = self.choices.get(isa.name)?;
        let any = matches!(key, Key::Block { .. }).then(|| choices.get(&Key::AnyBlock)).flatten();
        choices.get(&key).or(any)
    }

    /// Whether nothing was measured.
    pub fn is_empty(&self) -> bool {
        self.choices.values().all(BTreeMap::is_empty)
    }
}
