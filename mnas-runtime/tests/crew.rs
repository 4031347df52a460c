//! Crews: everybody works, barriers hand on what was written, panics come through, nothing hangs.
#![cfg(feature = "std")]

use mnas_runtime::{Crew, Worker};
use std::cell::UnsafeCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

/// One thread, as many as any machine has, more than small machines have.
const COUNTS: [usize; 5] = [1, 2, 3, 4, 7];

fn crew(threads: usize) -> Crew {
    Crew::new(threads).expect("a few threads")
}

/// Plain memory that workers share: only barriers order its accesses, as those to a network's arena.
struct Memory(Vec<UnsafeCell<u64>>);

// SAFETY: the tests write each element from one worker between two barriers, and read it in no such interval.
unsafe impl Sync for Memory {}

impl Memory {
    fn new(len: usize) -> Self {
        Memory((0..len as u64).map(UnsafeCell::new).collect())
    }

    fn get(&self, at: usize) -> u64 {
        // SAFETY: as above.
        unsafe { *self.0[at].get() }
    }

    fn set(&self, at: usize, value: u64) {
        // SAFETY: as above.
        unsafe { *self.0[at].get() = value }
    }

    fn values(&self) -> Vec<u64> {
        (0..self.0.len()).map(|at| self.get(at)).collect()
    }
}

/// A value that depends on three others, one of which another worker may have made.
fn mix(a: u64, b: u64, c: u64) -> u64 {
    (a ^ b.rotate_left(17)).wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(c ^ c >> 29)
}

/// One phase: every element of `to` from three elements of `from` far apart.
fn phase(from: &Memory, to: &Memory, range: std::ops::Range<usize>) {
    let len = from.0.len();
    for at in range {
        to.set(at, mix(from.get(at), from.get((at * 7 + 3) % len), from.get(len - 1 - at)));
    }
}

#[test]
fn every_worker_runs_once_a_run() {
    for threads in COUNTS {
        let mut crew = crew(threads);
        assert_eq!(crew.count(), threads);
        let seen: Vec<AtomicUsize> = (0..threads).map(|_| AtomicUsize::new(0)).collect();
        for round in 1..=2000 {
            crew.run(|worker| {
                assert_eq!(worker.count(), threads);
                seen[worker.index()].fetch_add(1, Relaxed);
            });
            let counts: Vec<usize> = seen.iter().map(|count| count.load(Relaxed)).collect();
            assert_eq!(counts, vec![round; threads]);
        }
    }
}

#[test]
fn shares_follow_each_other_cover_all_and_differ_by_one() {
    for threads in COUNTS {
        let mut crew = crew(threads);
        for tasks in 0..40 {
            let shares: Vec<_> = (0..threads).map(|_| [AtomicUsize::new(0), AtomicUsize::new(0)]).collect();
            crew.run(|worker| {
                let share = worker.range(tasks);
                shares[worker.index()][0].store(share.start, Relaxed);
                shares[worker.index()][1].store(share.end, Relaxed);
            });
            let mut next = 0;
            let mut lengths = Vec::new();
            for [start, end] in shares {
                assert_eq!(start.into_inner(), next);
                lengths.push(end.load(Relaxed) - next);
                next = end.into_inner();
            }
            assert_eq!(next, tasks, "{threads} threads");
            assert!(lengths.iter().max().unwrap() - lengths.iter().min().unwrap() <= 1);
        }
    }
}

#[test]
fn what_was_written_before_a_barrier_is_read_after_it() {
    const LEN: usize = 61;
    const PHASES: usize = 20;
    for threads in COUNTS {
        let mut crew = crew(threads);
        let shared = [Memory::new(LEN), Memory::new(LEN)];
        let alone = [Memory::new(LEN), Memory::new(LEN)];
        for _ in 0..100 {
            crew.run(|worker| {
                for turn in 0..PHASES {
                    phase(&shared[turn % 2], &shared[1 - turn % 2], worker.range(LEN));
                    worker.barrier();
                }
            });
            for turn in 0..PHASES {
                phase(&alone[turn % 2], &alone[1 - turn % 2], 0..LEN);
            }
            assert_eq!(shared[0].values(), alone[0].values(), "{threads} threads");
            assert_eq!(shared[1].values(), alone[1].values(), "{threads} threads");
        }
    }
}

#[test]
fn sleeping_crews_wake_up() {
    for threads in [2, 4] {
        let mut crew = crew(threads);
        let total = AtomicUsize::new(0);
        for round in 1..=5 {
            // Longer than anybody looks before they sleep: at a start, and at a barrier.
            thread::sleep(Duration::from_millis(5));
            crew.run(|worker| {
                if worker.index() == round % threads {
                    thread::sleep(Duration::from_millis(5));
                }
                worker.barrier();
                total.fetch_add(1, Relaxed);
            });
            assert_eq!(total.load(Relaxed), round * threads);
        }
    }
}

#[test]
fn crews_may_be_dropped_at_any_time() {
    for threads in COUNTS {
        drop(crew(threads));
        let idle = crew(threads);
        thread::sleep(Duration::from_millis(2));
        drop(idle);
        let mut used = crew(threads);
        used.run(|worker| worker.barrier());
        drop(used);
    }
    assert_eq!(crew(0).count(), 1);
}

#[test]
fn many_crews_work_at_once() {
    const LEN: usize = 97;
    thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                let mut crew = crew(3);
                let (shared, alone) = ([Memory::new(LEN), Memory::new(LEN)], [Memory::new(LEN), Memory::new(LEN)]);
                for turn in 0..200 {
                    crew.run(|worker| {
                        phase(&shared[turn % 2], &shared[1 - turn % 2], worker.range(LEN));
                        worker.barrier();
                        phase(&shared[1 - turn % 2], &shared[turn % 2], worker.range(LEN));
                    });
                    phase(&alone[turn % 2], &alone[1 - turn % 2], 0..LEN);
                    phase(&alone[1 - turn % 2], &alone[turn % 2], 0..LEN);
                }
                assert_eq!(shared[0].values(), alone[0].values());
                assert_eq!(shared[1].values(), alone[1].values());
            });
        }
    });
}

#[test]
fn a_crew_may_move_to_another_thread() {
    let mut crew = crew(2);
    let total = AtomicUsize::new(0);
    for _ in 0..20 {
        crew = thread::scope(|scope| {
            let work = || {
                crew.run(|_| {
                    total.fetch_add(1, Relaxed);
                });
                crew
            };
            scope.spawn(work).join().expect("it ended well")
        });
    }
    assert_eq!(total.load(Relaxed), 40);
}

/// What `run` panicked with.
fn panic_of<F: Fn(Worker<'_>) + Sync>(crew: &mut Crew, work: F) -> Option<String> {
    let payload = catch_unwind(AssertUnwindSafe(|| crew.run(work))).err()?;
    let text = payload.downcast_ref::<String>().cloned();
    text.or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned()))
}

/// Panics without a word, for it is meant.
fn fail(worker: usize) -> ! {
    resume_unwind(Box::new(format!("worker {worker}")))
}

#[test]
fn a_panic_comes_through_and_nobody_waits_for_who_panicked() {
    for threads in COUNTS {
        let mut crew = crew(threads);
        for round in 0..20 {
            let culprit = round % threads;
            let opened = AtomicBool::new(false);
            let panic = panic_of(&mut crew, |worker| {
                worker.barrier();
                if worker.index() == culprit {
                    fail(culprit);
                }
                worker.barrier();
                opened.store(true, Relaxed);
            });
            assert_eq!(panic, Some(format!("worker {culprit}")));
            assert!(!opened.load(Relaxed), "a barrier opened although a worker never came");
            // Nobody works any more, and the crew is as before.
            let total = AtomicUsize::new(0);
            crew.run(|worker| {
                worker.barrier();
                total.fetch_add(1, Relaxed);
            });
            assert_eq!(total.into_inner(), threads);
        }
    }
}

#[test]
fn everybody_may_panic() {
    let mut crew = crew(4);
    for _ in 0..20 {
        let panic = panic_of(&mut crew, |worker| fail(worker.index()));
        assert!(panic.is_some_and(|text| text.starts_with("worker ")));
    }
}

#[test]
fn who_leaves_early_is_a_panic_and_no_deadlock() {
    for threads in [2, 3, 4] {
        let mut crew = crew(threads);
        for round in 0..20 {
            let panic = panic_of(&mut crew, |worker| {
                worker.barrier();
                if worker.index() != round % threads {
                    // Sometimes they are at the barrier first, sometimes the other one is through.
                    (0..round * 50).for_each(|_| std::hint::spin_loop());
                    worker.barrier();
                }
            });
            assert!(panic.is_some_and(|text| text.contains("equally often")));
            crew.run(|worker| worker.barrier());
        }
    }
}
