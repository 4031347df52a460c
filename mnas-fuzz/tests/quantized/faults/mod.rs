//! Int8 compilers that are wrong on purpose, each in one thing.

mod code;
mod network;
mod packed;
mod plan;

use mnas_fuzz::fault::Fault;

/// A fault and what it is.
pub(crate) struct Planted {
    pub(crate) name: &'static str,
    pub(crate) fault: Fault,
    /// Whether only code for several threads has it.
    pub(crate) threads: bool,
}

/// Every fault; a sign that one is gone is a number that is lower.
pub(crate) fn all() -> Vec<Planted> {
    let all = [network::faults(), plan::faults(), packed::faults(), code::faults()];
    let all: Vec<Planted> = all.into_iter().flatten().collect();
    assert!(all.len() >= 44, "{}", all.len());
    all
}
