//! A fork-join thread pool: persistent threads, one job at a time, barriers within it, spin-then-park waiting.
//!
//! Tasks are neither queued nor stolen, and no job allocates. Work is cut into shares beforehand and ends within
//! milliseconds, so the time to start all threads and to pass a barrier is what matters.
#![cfg(feature = "std")]

extern crate std;

use super::event_count::EventCount;
use core::any::Any;
use core::cell::UnsafeCell;
use core::fmt;
use core::marker::PhantomData;
use core::ops::Range;
use core::sync::atomic::{AtomicUsize, Ordering};
use std::boxed::Box;
use std::format;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::vec::Vec;

/// One finished thread in [`Shared::state`]. The counter of threads that wait at the barrier is below it.
const FINISHED: usize = 1 << (usize::BITS / 2);
/// The bit of [`Shared::state`] that says that no barrier opens any more, because a worker panicked or returned early.
const FAILED: usize = 1 << (usize::BITS - 1);

/// Stack of each thread that is started, whatever `RUST_MIN_STACK` says; it is the default of the standard library.
/// Generated code needs less than 128 KiB.
const STACK_BYTES: usize = 2 << 20;

/// The thread that calls [`ThreadPool::run`], and threads that were started to run jobs with it.
///
/// Dropping it ends its threads. A child process that `fork` made has the value but none of its threads: [`ThreadPool::run`]
/// would wait for them forever there, so create a new one in the child.
pub struct ThreadPool {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl ThreadPool {
    /// A pool of `threads` threads including the caller's, at least 1.
    ///
    /// # Errors
    ///
    /// If the system cannot start that many threads.
    pub fn new(threads: usize) -> io::Result<Self> {
        let count = threads.max(1);
        if count >= FINISHED / 2 {
            return Err(io::Error::from(io::ErrorKind::InvalidInput));
        }
        let mut pool = ThreadPool { shared: Arc::new(Shared::new(count)), threads: Vec::new() };
        for index in 1..count {
            // Memory for all at once would be gigabytes where `threads` is absurd; the system refuses threads first.
            pool.threads.try_reserve(1).map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
            let shared = Arc::clone(&pool.shared);
            let thread = thread::Builder::new().name(format!("mnas-{index}")).stack_size(STACK_BYTES);
            pool.threads.push(thread.spawn(move || shared.serve(index))?);
        }
        Ok(pool)
    }

    /// The number of threads, including the caller's.
    pub fn count(&self) -> usize {
        self.shared.count
    }

    /// Runs `work` once on every thread of the pool, and returns when all have finished. Allocates nothing.
    ///
    /// A pool runs one job at a time: it is borrowed, so `work` cannot call it.
    ///
    /// # Panics
    ///
    /// If `work` panics on any thread: with the first payload, when all threads have finished. Workers that wait at a
    /// barrier for one that panicked are unwound. Also if workers do not all call [`Worker::barrier`] equally often.
    /// The pool can be used again.
    pub fn run<F: Fn(Worker<'_>) + Sync>(&mut self, work: F) {
        let shared = &*self.shared;
        let work: *const (dyn Fn(Worker<'_>) + Sync + '_) = &raw const work;
        // SAFETY: only the lifetime changes, which no pointer relies on.
        let work: Work = unsafe { core::mem::transmute(work) };
        // All threads have finished the previous job and wait for `start`, which makes these writes visible to them.
        shared.state.store(0, Ordering::Relaxed);
        // SAFETY: no other thread reads or writes it before `start` is raised.
        unsafe { *shared.work.get() = Some(work) };
        // From here until all threads have finished, unwinding would free what they still use.
        let guard = AbortOnUnwind;
        shared.start.raise();
        // SAFETY: `work` lives until this function returns or unwinds, and it does so only after `wait_for_all`.
        unsafe { shared.work_as(0, work) };
        let state = shared.wait_for_all();
        core::mem::forget(guard);
        if state & FAILED != 0 {
            match shared.payload().take() {
                Some(payload) => resume_unwind(payload),
                None => panic!("the workers of a thread pool did not call `barrier` equally often"),
            }
        }
    }
}

impl Drop for ThreadPool {
    fn drop(&mut self) {
        // SAFETY: no job runs, because it would borrow the pool; the threads wait for `start`.
        unsafe { *self.shared.work.get() = None };
        self.shared.start.raise();
        for thread in self.threads.drain(..) {
            // A panic of a job was caught and passed to `run`.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for ThreadPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThreadPool").field("count", &self.count()).finish_non_exhaustive()
    }
}

/// A thread of a pool that runs a job.
pub struct Worker<'a> {
    shared: &'a Shared,
    index: usize,
    /// Stays on its thread: two threads with one worker would let a barrier open early.
    here: PhantomData<*const ()>,
}

impl Worker<'_> {
    /// The index of this worker. That of the caller of [`ThreadPool::run`] is 0.
    #[inline]
    pub fn index(&self) -> usize {
        self.index
    }

    /// The number of workers, at least 1.
    #[inline]
    pub fn count(&self) -> usize {
        self.shared.count
    }

    /// This worker's share of `tasks` tasks. Shares are consecutive ranges whose lengths differ by at most one.
    #[inline]
    pub fn range(&self, tasks: usize) -> Range<usize> {
        // It is at least 1 anyway; written here, the compiler sees that the division cannot panic.
        let count = self.count().max(1);
        let (each, longer) = (tasks / count, tasks % count);
        let start = |index: usize| index * each + index.min(longer);
        start(self.index)..start(self.index + 1)
    }

    /// Waits until every worker has called this as often as this one. What each wrote before is then visible to all.
    ///
    /// # Panics
    ///
    /// If another worker has panicked, or has returned from the work.
    pub fn barrier(&self) {
        self.shared.barrier();
    }
}

impl fmt::Debug for Worker<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Worker({} of {})", self.index, self.shared.count)
    }
}

/// A pointer and not a reference: it dangles when the last worker has finished, while others still return from calls
/// that got it.
type Work = *const (dyn Fn(Worker<'_>) + Sync);

struct Shared {
    count: usize,
    /// The job; `None` ends the threads. The owner of the pool writes it while no job runs.
    work: UnsafeCell<Option<Work>>,
    /// Raised when there is a job.
    start: EventCount,
    /// Raised when all threads have arrived at a barrier, and after [`FAILED`] was set.
    barrier_epoch: EventCount,
    /// Raised by the thread that finishes last; this may happen after `run` has returned.
    done: EventCount,
    /// Two counters and a flag in one word: threads at the barrier (low half), threads that have finished (high half),
    /// and [`FAILED`]. Each change of a counter also returns the flag, so both are always of one moment of one job.
    state: AtomicUsize,
    /// The first panic.
    panic: Mutex<Option<Payload>>,
}

type Payload = Box<dyn Any + Send>;

// SAFETY: `work` is the only field that is neither `Send` nor `Sync` by itself, and what it points to is `Sync`. It is
// written while no other thread reads it: before `start` is raised, which others wait for, or after all have finished.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

/// The payload that unwinds a worker out of a barrier that cannot open any more.
struct Abandoned;

/// Ends the process if it is dropped, which happens only while its scope unwinds: other threads still use that scope.
struct AbortOnUnwind;

impl Drop for AbortOnUnwind {
    fn drop(&mut self) {
        std::process::abort();
    }
}

/// How many threads wait at the barrier or have finished, together.
fn stopped(state: usize) -> usize {
    finished(state) + state % FINISHED
}

/// How many threads have finished.
fn finished(state: usize) -> usize {
    (state & !FAILED) / FINISHED
}

impl Shared {
    fn new(count: usize) -> Self {
        Shared {
            count,
            work: UnsafeCell::new(None),
            start: EventCount::new(),
            barrier_epoch: EventCount::new(),
            done: EventCount::new(),
            state: AtomicUsize::new(0),
            panic: Mutex::new(None),
        }
    }

    /// The loop of a started thread: runs each job.
    fn serve(&self, index: usize) {
        let mut seen = 0;
        loop {
            seen = self.start.wait(seen);
            // SAFETY: written before `start` was raised, and not again before this worker has finished.
            let Some(work) = (unsafe { *self.work.get() }) else { return };
            // SAFETY: `run` keeps `work` until this worker has finished too.
            unsafe { self.work_as(index, work) };
        }
    }

    /// # Safety
    ///
    /// `work` is valid until all workers have finished.
    unsafe fn work_as(&self, index: usize, work: Work) {
        // A worker that unwinds from here would not be counted, or would free the job under the others.
        let guard = AbortOnUnwind;
        let worker = Worker { shared: self, index, here: PhantomData };
        // SAFETY: this worker has not finished yet.
        let call = || unsafe { (*work)(worker) };
        // The caller of `run` gets the panic, and sees what a panic leaves of what `work` refers to.
        if let Err(payload) = catch_unwind(AssertUnwindSafe(call)) {
            if payload.is::<Abandoned>() {
                drop(payload);
            } else {
                self.keep_first(payload);
            }
            self.fail();
        }
        // Release publishes all that this worker has written; acquire lets the last one publish what all have written.
        let state = self.state.fetch_add(FINISHED, Ordering::AcqRel) + FINISHED;
        self.finish(state);
        core::mem::forget(guard);
    }

    /// Releases those that wait for a worker that has finished. `state` is the one that it made; the present one may
    /// belong to the next job already.
    fn finish(&self, state: usize) {
        if finished(state) == self.count {
            self.done.raise();
        } else if state & FAILED == 0 && stopped(state) == self.count {
            // All others wait at a barrier or have finished, and this worker will not come: only it can release them.
            // They hold up this job until then, so the failure cannot reach the next one.
            self.fail();
        }
    }

    fn barrier(&self) {
        // A job that catches what this unwinds with may call again; it is not counted again, so no counter overflows.
        if self.state.load(Ordering::Relaxed) & FAILED != 0 {
            resume_unwind(Box::new(Abandoned));
        }
        // Before it is counted: afterwards the event may happen at any time.
        let before = self.barrier_epoch.now();
        let state = self.state.fetch_add(1, Ordering::AcqRel) + 1;
        if state == self.count {
            // No thread arrives again, and none can fail, before the event.
            self.state.store(0, Ordering::Relaxed);
            self.barrier_epoch.raise();
            return;
        }
        if state & FAILED == 0 {
            if stopped(state) == self.count {
                // The others have finished, and will not come.
                self.fail();
            }
            self.barrier_epoch.wait(before);
        }
        // Relaxed: a failure is visible together with the event that it raised.
        if self.state.load(Ordering::Relaxed) & FAILED != 0 {
            resume_unwind(Box::new(Abandoned));
        }
    }

    /// Waits until all threads have finished, and returns the state at the end.
    fn wait_for_all(&self) -> usize {
        loop {
            let before = self.done.now();
            // Acquire: all that the workers have written.
            let state = self.state.load(Ordering::Acquire);
            if finished(state) == self.count {
                return state;
            }
            self.done.wait(before);
        }
    }

    fn fail(&self) {
        self.state.fetch_or(FAILED, Ordering::AcqRel);
        // Releases the threads that wait at a barrier.
        self.barrier_epoch.raise();
    }

    /// Keeps the first panic of a job. The payload of another is dropped, and if that panics, its own is leaked.
    fn keep_first(&self, payload: Payload) {
        let mut first = self.payload();
        if first.is_none() {
            *first = Some(payload);
            return;
        }
        drop(first);
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            core::mem::forget(payload);
        }
    }

    fn payload(&self) -> MutexGuard<'_, Option<Payload>> {
        self.panic.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_that_is_preempted_while_it_finishes_does_not_fail_the_next_job() {
        let shared = Shared::new(3);
        let count = |worker: usize| shared.state.fetch_add(worker, Ordering::Relaxed) + worker;
        // One waits at a barrier, one panics, and one finishes but is preempted before it looks at the state.
        count(1);
        shared.fail();
        count(FINISHED);
        let late = count(FINISHED);
        // The first is released and finishes, and the next job starts.
        assert_eq!(finished(count(FINISHED)), 3);
        shared.state.store(0, Ordering::Relaxed);
        shared.finish(late);
        assert_eq!(shared.state.load(Ordering::Relaxed), 0);
        // The control: a worker that must release others does so.
        count(2);
        shared.finish(count(FINISHED));
        assert_ne!(shared.state.load(Ordering::Relaxed) & FAILED, 0);
    }

    #[test]
    #[cfg(unix)]
    #[cfg_attr(miri, ignore = "starts a process")]
    fn unwinding_past_the_guard_ends_the_process() {
        use std::os::unix::process::ExitStatusExt;
        const VARIABLE: &str = "MNAS_TEST_UNWINDS";
        if std::env::var_os(VARIABLE).is_some() {
            let _guard = AbortOnUnwind;
            resume_unwind(Box::new(()));
        }
        let name = concat!(module_path!(), "::unwinding_past_the_guard_ends_the_process");
        let (_, name) = name.split_once("::").expect("a module of this crate");
        let mut program = std::process::Command::new(std::env::current_exe().expect("this program"));
        program.args(["--exact", name]).env(VARIABLE, "1").stdout(std::process::Stdio::null());
        const SIGABRT: i32 = 6;
        assert_eq!(program.status().expect("it starts").signal(), Some(SIGABRT));
    }
}
