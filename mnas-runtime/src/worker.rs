//! Those who do one piece of work together: what generated code knows of threads.

use core::ops::Range;

/// One of the workers who do a piece of work together, each on a thread of its own.
///
/// # Safety
///
/// Code that writes to memory between its workers relies on what an implementation promises: `count` is the same for
/// all workers of the work, each index below it belongs to one of them, and [`Worker::barrier`] does what it says.
pub unsafe trait Worker {
    /// Which worker this is, from 0.
    fn index(&self) -> usize;

    /// How many workers there are, at least 1.
    fn count(&self) -> usize;

    /// Returns when every worker has called it as often as this one; what each of them wrote before is then seen by all.
    fn barrier(&self);

    /// This worker's share of `tasks` tasks: a run of them, all shares as long as each other or one longer.
    #[inline]
    fn range(&self, tasks: usize) -> Range<usize> {
        // At least 1 by contract; seen here, the division cannot panic.
        let count = self.count().max(1);
        let (each, longer) = (tasks / count, tasks % count);
        let start = |index: usize| index * each + index.min(longer);
        start(self.index())..start(self.index() + 1)
    }
}

/// The only worker: what one thread does alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Alone;

// SAFETY: of one worker, index 0, nobody else can be behind.
unsafe impl Worker for Alone {
    #[inline(always)]
    fn index(&self) -> usize {
        0
    }

    #[inline(always)]
    fn count(&self) -> usize {
        1
    }

    #[inline(always)]
    fn barrier(&self) {}

    #[inline(always)]
    fn range(&self, tasks: usize) -> Range<usize> {
        0..tasks
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use std::vec::Vec;

    struct Member(usize, usize);

    // SAFETY: never used but for its arithmetic.
    unsafe impl Worker for Member {
        fn index(&self) -> usize {
            self.0
        }

        fn count(&self) -> usize {
            self.1
        }

        fn barrier(&self) {}
    }

    #[test]
    fn shares_follow_each_other_cover_all_and_differ_by_one() {
        for count in 1..10 {
            for tasks in 0..40 {
                let shares: Vec<_> = (0..count).map(|index| Member(index, count).range(tasks)).collect();
                let mut next = 0;
                for share in &shares {
                    assert_eq!(share.start, next);
                    next = share.end;
                }
                assert_eq!(next, tasks, "{count} workers");
                let lengths = || shares.iter().map(ExactSizeIterator::len);
                assert!(lengths().max().unwrap() - lengths().min().unwrap() <= 1);
            }
        }
        assert_eq!(Alone.range(7), Member(0, 1).range(7));
    }
}
