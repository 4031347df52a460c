//! Thread pools: every worker runs, barriers publish what was written, panics come through, and nothing hangs.
#![cfg(feature = "std")]

use mnas_runtime::{ThreadPool, Worker};
use std::cell::UnsafeCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

/// One thread, as many as any machine has, more than small machines have; fewer in Miri, which is slow.
const COUNTS: &[usize] = if cfg!(miri) { &[1, 2, 3] } else { &[1, 2, 3, 4, 7] };
/// How often something is repeated that threads might do in another order.
const ROUNDS: usize = if cfg!(miri) { 3 } else { 20 };
/// The same where a round is short.
const MANY_ROUNDS: usize = if cfg!(miri) { 20 } else { 2000 };

fn pool(threads: usize) -> ThreadPool {
    ThreadPool::new(threads).expect("a few threads")
}

/// Plain memory that workers share: only barriers order its accesses, as those to a network's arena.
struct Memory(Vec<UnsafeCell<u64>>);

// SAFETY: the tests write each element from one worker between two barriers, and read it in other intervals only.
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
    for threads in COUNTS.iter().copied() {
        let mut pool = pool(threads);
        assert_eq!(pool.count(), threads);
        let seen: Vec<AtomicUsize> = (0..threads).map(|_| AtomicUsize::new(0)).collect();
        for round in 1..=MANY_ROUNDS {
            pool.run(|worker| {
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
    for threads in COUNTS.iter().copied() {
        let mut pool = pool(threads);
        for tasks in 0..2 * ROUNDS {
            let shares: Vec<_> = (0..threads).map(|_| [AtomicUsize::new(0), AtomicUsize::new(0)]).collect();
            pool.run(|worker| {
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
fn writes_before_a_barrier_are_visible_after_it() {
    const LEN: usize = 61;
    const PHASES: usize = ROUNDS;
    for threads in COUNTS.iter().copied() {
        let mut pool = pool(threads);
        let shared = [Memory::new(LEN), Memory::new(LEN)];
        let alone = [Memory::new(LEN), Memory::new(LEN)];
        for _ in 0..5 * ROUNDS {
            pool.run(|worker| {
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
fn sleeping_pools_wake_up() {
    for threads in [2, 4] {
        let mut pool = pool(threads);
        let total = AtomicUsize::new(0);
        for round in 1..=5 {
            // Longer than a thread waits before it parks: at a start, and at a barrier.
            thread::sleep(Duration::from_millis(5));
            pool.run(|worker| {
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
fn pools_may_be_dropped_at_any_time() {
    for threads in COUNTS.iter().copied() {
        drop(pool(threads));
        let idle = pool(threads);
        thread::sleep(Duration::from_millis(2));
        drop(idle);
        let mut used = pool(threads);
        used.run(|worker| worker.barrier());
        drop(used);
    }
    assert_eq!(pool(0).count(), 1);
}

#[test]
fn many_pools_work_at_once() {
    const LEN: usize = 97;
    thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                let mut pool = pool(3);
                let (shared, alone) = ([Memory::new(LEN), Memory::new(LEN)], [Memory::new(LEN), Memory::new(LEN)]);
                for turn in 0..MANY_ROUNDS / 10 {
                    pool.run(|worker| {
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
fn a_pool_may_move_to_another_thread() {
    let mut pool = pool(2);
    let total = AtomicUsize::new(0);
    for _ in 0..ROUNDS {
        pool = thread::scope(|scope| {
            let work = || {
                pool.run(|_| {
                    total.fetch_add(1, Relaxed);
                });
                pool
            };
            scope.spawn(work).join().expect("it ended well")
        });
    }
    assert_eq!(total.load(Relaxed), 2 * ROUNDS);
}

/// What `run` panicked with.
fn panic_of<F: Fn(Worker<'_>) + Sync>(pool: &mut ThreadPool, work: F) -> Option<String> {
    let payload = catch_unwind(AssertUnwindSafe(|| pool.run(work))).err()?;
    let text = payload.downcast_ref::<String>().cloned();
    text.or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned()))
}

/// Panics without a message, because it is intended.
fn fail(worker: usize) -> ! {
    resume_unwind(Box::new(format!("worker {worker}")))
}

#[test]
fn a_panic_comes_through_and_no_worker_waits_for_one_that_panicked() {
    for threads in COUNTS.iter().copied() {
        let mut pool = pool(threads);
        for round in 0..ROUNDS {
            let culprit = round % threads;
            let opened = AtomicBool::new(false);
            let panic = panic_of(&mut pool, |worker| {
                worker.barrier();
                if worker.index() == culprit {
                    fail(culprit);
                }
                worker.barrier();
                opened.store(true, Relaxed);
            });
            assert_eq!(panic, Some(format!("worker {culprit}")));
            assert!(!opened.load(Relaxed), "a barrier opened although a worker never came");
            // No worker runs any more, and the pool is as before.
            let total = AtomicUsize::new(0);
            pool.run(|worker| {
                worker.barrier();
                total.fetch_add(1, Relaxed);
            });
            assert_eq!(total.into_inner(), threads);
        }
    }
}

#[test]
fn all_workers_may_panic() {
    let mut pool = pool(4);
    for _ in 0..ROUNDS {
        let panic = panic_of(&mut pool, |worker| fail(worker.index()));
        assert!(panic.is_some_and(|text| text.starts_with("worker ")));
    }
}

/// A payload whose own `drop` panics.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        resume_unwind(Box::new("the payload's drop"));
    }
}

/// Every worker but `late` panics with a [`Bomb`], and `late` finishes last: `run` has to wait for it.
fn bombs(threads: usize, late: usize) {
    let mut pool = pool(threads);
    // Lives on after a `run` that unwinds too early.
    let [panicking, finished]: &'static mut [AtomicUsize; 2] = Box::leak(Box::default());
    let (panicking, finished) = (&*panicking, &*finished);
    let unwound = catch_unwind(AssertUnwindSafe(|| {
        pool.run(|worker| {
            let wait_for = |count| {
                while panicking.load(Relaxed) < count {
                    thread::yield_now();
                }
                thread::sleep(Duration::from_millis(20));
            };
            if worker.index() == late {
                wait_for(threads - 1);
                thread::sleep(Duration::from_millis(80));
                finished.fetch_add(1, Relaxed);
                return;
            }
            // The caller's thread is not the first that panics: its payload is the one that has to be dropped.
            if worker.index() == 0 {
                wait_for(threads - 2);
            }
            panicking.fetch_add(1, Relaxed);
            resume_unwind(Box::new(Bomb));
        });
    }));
    let over = finished.load(Relaxed) == 1;
    std::mem::forget(unwound.expect_err("workers panicked"));
    if !over {
        std::mem::forget(pool);
        panic!("`run` unwound while worker {late} of {threads} was at work");
    }
    // The pool is as before.
    pool.run(|worker| worker.barrier());
}

#[test]
fn a_payload_whose_drop_panics_does_not_end_a_run_early() {
    // The late worker is a thread of the pool or the caller's.
    for (threads, late) in [(3, 2), (4, 1), (3, 0), (4, 0)] {
        bombs(threads, late);
    }
}

#[test]
fn a_failed_run_leaves_nothing_to_the_next() {
    for threads in [3, 4] {
        let mut pool = pool(threads);
        for _ in 0..ROUNDS {
            let panicking = AtomicBool::new(false);
            let panic = panic_of(&mut pool, |worker| match worker.index() {
                0 => {
                    panicking.store(true, Relaxed);
                    fail(0);
                }
                1 => worker.barrier(),
                // Finishes about when the first has panicked.
                _ => {
                    while !panicking.load(Relaxed) {
                        std::hint::spin_loop();
                    }
                }
            });
            assert_eq!(panic.as_deref(), Some("worker 0"));
            pool.run(|worker| worker.barrier());
        }
    }
}

#[test]
fn a_worker_that_catches_what_a_barrier_unwinds_with_is_unwound_again() {
    let mut pool = pool(3);
    let panic = panic_of(&mut pool, |worker| {
        if worker.index() == 1 {
            fail(1);
        }
        for _ in 0..3 {
            assert!(catch_unwind(AssertUnwindSafe(|| worker.barrier())).is_err(), "a barrier opened");
        }
    });
    assert_eq!(panic.as_deref(), Some("worker 1"));
    pool.run(|worker| worker.barrier());
}

/// Runs a test of this program in a process of its own, in a shell line that has it as `"$@"`.
#[cfg(target_os = "linux")]
fn run_alone(test: &str, line: &str) -> std::process::Output {
    let program = std::env::current_exe().expect("this program");
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", line, "sh"]).arg(program).args(["--exact", test, "--ignored", "--nocapture"]);
    shell.output().expect("a shell")
}

#[cfg(target_os = "linux")]
#[test]
#[cfg_attr(miri, ignore = "starts a process")]
fn absurdly_many_threads_are_an_error() {
    // A thread that has just been started allocates a signal stack. If the next thread's stack has taken the last memory, the
    // standard library ends the process, which is no answer.
    let no_answer =
        |output: &std::process::Output| String::from_utf8_lossy(&output.stderr).contains("an alternative stack");
    let answer = (0..10)
        .map(|_| run_alone("creates_absurdly_many_threads", "ulimit -v 1000000; exec \"$@\""))
        .find(|output| !no_answer(output))
        .expect("an answer in ten runs");
    assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
    let output = run_alone("creates_absurdly_many_threads", "ulimit -v 1000000; ABSURD=2 exec \"$@\"");
    assert!(!output.status.success(), "the control: two threads are no error");
}

#[test]
#[ignore = "needs little memory: `absurdly_many_threads_are_an_error` runs it"]
fn creates_absurdly_many_threads() {
    let count = std::env::var("ABSURD").map_or(1 << 30, |count| count.parse().expect("a number"));
    assert!(ThreadPool::new(count).is_err());
    assert!(mnas_runtime::Team::<16, 16>::new(count).is_err());
    // Few threads, with more memory for each than the limit leaves.
    assert!(mnas_runtime::Team::<16, { 64 << 20 }>::new(count.min(8)).is_err());
}

#[cfg(target_os = "linux")]
#[test]
#[cfg_attr(miri, ignore = "starts a process")]
fn workers_have_their_stack_whatever_the_environment_says() {
    let output = run_alone("uses_a_megabyte_of_stack", "RUST_MIN_STACK=65536 exec \"$@\"");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
#[ignore = "needs an environment: `workers_have_their_stack_whatever_the_environment_says` runs it"]
fn uses_a_megabyte_of_stack() {
    pool(2).run(|worker| {
        if worker.index() == 1 {
            let mut memory = [0u8; 1 << 20];
            std::hint::black_box(&mut memory);
        }
    });
}

#[test]
fn a_worker_that_returns_early_is_a_panic_and_not_a_deadlock() {
    for threads in [2, 3, 4] {
        let mut pool = pool(threads);
        for round in 0..ROUNDS {
            let panic = panic_of(&mut pool, |worker| {
                worker.barrier();
                if worker.index() != round % threads {
                    // Sometimes they are at the barrier first, sometimes the other one is through.
                    (0..round * 50).for_each(|_| std::hint::spin_loop());
                    worker.barrier();
                }
            });
            assert!(panic.is_some_and(|text| text.contains("equally often")));
            pool.run(|worker| worker.barrier());
        }
    }
}
