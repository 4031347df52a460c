//! Schedules that were measured: what `mnasc tune` found, as a value that the plan takes instead of its estimates.
//!
//! A file has a section for each processor, in it one for each instruction set, and an entry for each shape of a step;
//! so one file serves several networks. Whoever reads it chooses the processor: nothing here asks the machine.

mod choice;
mod extract;
mod file;
mod key;
mod words;

pub use crate::plan::tuning::{Choice, First, Key, Strip, Tiles, Tuned};
pub use file::{Entry, ScheduleFile, SelectError};
