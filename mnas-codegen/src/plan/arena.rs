//! A static arena: every buffer gets an offset such that buffers alive together do not overlap.

/// Index into [`Arena::buffers`].
pub type BufferId = usize;

use super::layout::aligned;
use crate::units::Elements;

/// A range of the arena that is in use from one step to another.
#[derive(Clone, Debug, PartialEq)]
pub struct Buffer {
    /// The tensor it holds.
    pub name: String,
    /// Length.
    pub len: Elements,
    /// First step that writes it.
    pub first: usize,
    /// Last step that reads it.
    pub last: usize,
    /// Offset, once planned.
    pub offset: Elements,
}

impl Buffer {
    /// A buffer without a place yet.
    pub fn new(name: String, len: Elements, first: usize, last: usize) -> Self {
        Buffer { name, len, first, last, offset: Elements::ZERO }
    }

    fn meets(&self, other: &Buffer) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}

/// All buffers and the arena's size.
#[derive(Clone, Debug, PartialEq)]
pub struct Arena {
    /// Buffers in the order of the steps that make them.
    pub buffers: Vec<Buffer>,
    /// Length of all.
    pub len: Elements,
}

impl Arena {
    /// Places the largest buffers first, each at the lowest offset where nothing alive at the same time lies.
    pub fn plan(mut buffers: Vec<Buffer>) -> Self {
        let mut order: Vec<usize> = (0..buffers.len()).collect();
        order.sort_by_key(|&i| (core::cmp::Reverse(buffers[i].len), i));
        let mut placed: Vec<usize> = Vec::new();
        let mut len = Elements::ZERO;
        for i in order {
            let mut busy: Vec<(Elements, Elements)> = placed
                .iter()
                .map(|&j| &buffers[j])
                .filter(|b| b.meets(&buffers[i]))
                .map(|b| (b.offset, b.offset + b.len))
                .collect();
            busy.sort_unstable();
            let mut offset = Elements::ZERO;
            for (start, end) in busy {
                if offset + buffers[i].len <= start {
                    break;
                }
                offset = offset.max(aligned(end));
            }
            buffers[i].offset = offset;
            len = len.max(offset + buffers[i].len);
            placed.push(i);
        }
        Arena { buffers, len: aligned(len) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_alive_together_do_not_overlap_and_others_share() {
        let arena = Arena::plan(vec![
            Buffer::new("a".into(), Elements(100), 0, 1),
            Buffer::new("b".into(), Elements(40), 1, 2),
            Buffer::new("c".into(), Elements(90), 2, 3),
            Buffer::new("scratch".into(), Elements(7), 1, 1),
        ]);
        for (i, a) in arena.buffers.iter().enumerate() {
            assert_eq!(a.offset, aligned(a.offset));
            for b in &arena.buffers[i + 1..] {
                let apart = a.offset + a.len <= b.offset || b.offset + b.len <= a.offset;
                assert!(apart || !a.meets(b), "{a:?} {b:?}");
            }
        }
        assert_eq!(arena.buffers[2].offset, Elements::ZERO, "c may lie where a was");
        // `a` and `b` beside each other, rounded up, and the scratch behind them.
        assert_eq!(arena.len, Elements(112 + 48 + 16));
    }
}
