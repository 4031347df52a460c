//! Files of measured schedules, which `mnasc tune` writes and the planner takes before its own estimates.
//!
//! A file has a section for each processor, in it one for each instruction set, and an entry for each shape of a step;
//! so one file serves several networks. The caller chooses the processor; nothing here detects it.

mod choice;
mod extract;
mod file;
mod key;
mod lexer;

pub use crate::plan::tuning::{BlockEntry, RowBlock, ShapeKey, StepTuning, Tiles, TuningProfile};
pub use file::{Entry, ScheduleFile, SelectError};
