//! The execution units of a processor, as far as tiles depend on them.

/// What processors with an instruction set start in a cycle, and the latency of a multiply-add.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pipes {
    /// Vector multiply-adds.
    pub multiply_adds: usize,
    /// Vector loads.
    pub loads: usize,
    /// Cycles from one multiply-add to the next that needs its result.
    pub latency: usize,
}
