//! What only a compiler can show: generated files are built by `rustc` alone, and looked at or run.

mod build_door;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod disassembly;
mod editions;
mod foreign;
mod no_std;
mod panics;
mod rustc;
mod spills;
mod stack;
