//! What only a compiler can show: generated files are built by `rustc` alone, and looked at or run.

mod build_door;
mod editions;
mod no_std;
mod panics;
mod rustc;
mod stack;
