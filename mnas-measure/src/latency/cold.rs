//! How cold the weights of a layer are inside a network, and how many bytes to read to make them as cold outside of it.

/// How far the rest of a network pushes the weights of a layer away, between two runs of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cold {
    /// Nowhere: all of the network stays in the first cache.
    Not,
    /// Out of the first cache.
    First,
    /// Partly out of the second.
    Half,
    /// Out of the second.
    Second,
}

impl Cold {
    pub(super) const ALL: [Cold; 4] = [Cold::Not, Cold::First, Cold::Half, Cold::Second];

    /// In a network whose weights and arena have `bytes` bytes.
    pub(super) fn of(bytes: u64, [l1, l2]: [u64; 2]) -> Self {
        match bytes {
            bytes if bytes <= l1 => Cold::Not,
            bytes if bytes <= l2 / 2 => Cold::First,
            bytes if bytes <= l2 * 2 => Cold::Half,
            _ => Cold::Second,
        }
    }

    /// Bytes that are read to do as much.
    pub(super) fn elsewhere(self, [l1, l2]: [u64; 2]) -> u64 {
        match self {
            Cold::Not => 0,
            Cold::First => l1 * 2,
            Cold::Half => l2,
            Cold::Second => l2 * 4,
        }
    }
}
