//! What a plan is made for: instruction sets, caches, threads, and what was measured.

use super::isa::{self, Isa};
use super::tuning::Tuned;

/// What a plan is made for.
#[derive(Clone, Debug)]
pub struct Target {
    /// Instruction sets in the file, widest first.
    pub isas: Vec<Isa>,
    /// Bytes of second-level cache of a core that a strip may count on.
    pub l2_bytes: usize,
    /// Bytes a cycle from the second-level cache.
    pub l2_bandwidth: f64,
    /// Bytes a cycle from the third-level cache.
    pub l3_bandwidth: f64,
    /// Bytes a cycle of what another core has just written.
    pub core_bandwidth: f64,
    /// Cycles that threads wait for each other where they meet, the last one's delay with it.
    pub barrier: f64,
    /// Whether several threads may share an inference.
    pub threads: bool,
    /// What was measured, which goes before all estimates.
    pub tuned: Tuned,
}

impl Target {
    /// Every implemented instruction set of x86-64.
    pub fn x86_64() -> Self {
        Target::new(isa::of_arch("x86_64"))
    }

    /// The given instruction sets, sorted widest first.
    pub fn new(mut isas: Vec<Isa>) -> Self {
        isas.sort_by_key(|isa| core::cmp::Reverse(isa.lanes));
        isas.dedup();
        // Half a megabyte is the least that cores of this decade have (Zen 2 and 3; newer ones have 1 to 2 MB); the
        // bandwidths are about a third and a tenth of L1's, as measured on Zen 3 and 4; what another core has written
        // was read at 8 bytes a cycle on Sapphire Rapids.
        let (l2_bytes, l2_bandwidth, l3_bandwidth, core_bandwidth) = (512 << 10, 32.0, 10.0, 8.0);
        let (barrier, threads, tuned) = (2000.0, false, Tuned::default());
        Target { isas, l2_bytes, l2_bandwidth, l3_bandwidth, core_bandwidth, barrier, threads, tuned }
    }

    /// Bytes of L2 that what is read again may take: more was found to be slower than the weights that it saves.
    pub(crate) fn near(&self) -> usize {
        self.l2_bytes * 3 / 8
    }

    /// Bytes a cycle at which so many bytes are read again.
    pub(crate) fn bandwidth(&self, bytes: usize) -> f64 {
        if bytes <= self.near() { self.l2_bandwidth } else { self.l3_bandwidth }
    }

    /// Bytes a cycle at which the rows between two layers are read again, where a strip keeps so many bytes of them and
    /// L2 has so much room. Of rows that do not fit it still has some, the fewer the more they are.
    pub(crate) fn strip_bandwidth(&self, kept: usize, room: usize) -> f64 {
        if kept <= room {
            return self.l2_bandwidth;
        }
        self.l3_bandwidth / (1.0 - room as f64 / kept as f64 / 2.0)
    }
}
