//! A few threads that do one piece of work together: they are there before it starts, meet at barriers, and go to
//! sleep when nobody calls them.
//!
//! Not a pool of tasks: nothing is queued, stolen or allocated. Work is cut beforehand and ends within milliseconds, so
//! what counts is how fast all start and meet.
#![cfg(feature = "std")]

extern crate std;

use super::signal::Signal;
use core::any::Any;
use core::cell::UnsafeCell;
use core::fmt;
use core::marker::PhantomData;
use core::ops::Range;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::boxed::Box;
use std::format;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::vec::Vec;

/// Counts of workers in one word: those at the barrier in the lower half, those who are through in the upper.
const THROUGH: usize = 1 << (usize::BITS / 2);

/// Threads that work together: the one that calls [`Crew::run`], and those that the crew started for it.
///
/// Dropping it ends its threads.
pub struct Crew {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl Crew {
    /// A crew of `threads` threads, of which the caller's is one; 0 is as 1.
    ///
    /// # Errors
    ///
    /// If the system does not start as many.
    pub fn new(threads: usize) -> io::Result<Self> {
        let count = threads.max(1);
        if count >= THROUGH / 2 {
            return Err(io::Error::from(io::ErrorKind::InvalidInput));
        }
        let shared = Arc::new(Shared {
            count,
            work: UnsafeCell::new(None),
            start: Signal::new(),
            turn: Signal::new(),
            done: Signal::new(),
            arrived: AtomicUsize::new(0),
            failed: AtomicBool::new(false),
            panic: Mutex::new(None),
        });
        let mut crew = Crew { shared, threads: Vec::with_capacity(count - 1) };
        for index in 1..count {
            let shared = Arc::clone(&crew.shared);
            let thread = thread::Builder::new().name(format!("mnas-{index}"));
            crew.threads.push(thread.spawn(move || shared.serve(index))?);
        }
        Ok(crew)
    }

    /// How many threads work, the caller's among them.
    pub fn count(&self) -> usize {
        self.shared.count
    }

    /// Runs `work` once on every thread of the crew, and returns when all are through. Allocates nothing.
    ///
    /// A crew does one piece of work at a time: its borrow keeps `work` from calling it.
    ///
    /// # Panics
    ///
    /// If `work` panics on any thread: with what it panicked with, when all are through. Workers who wait at a barrier
    /// for one that panicked are unwound. Also if workers do not all call [`Worker::barrier`] equally often.
    /// The crew can be used again.
    pub fn run<F: Fn(Worker<'_>) + Sync>(&mut self, work: F) {
        let shared = &*self.shared;
        let work: *const (dyn Fn(Worker<'_>) + Sync + '_) = &raw const work;
        // SAFETY: only the lifetime changes, which no pointer relies on.
        let work: Work = unsafe { core::mem::transmute(work) };
        // All workers are through with the work before, and wait for the signal: what is written here they see with it.
        shared.arrived.store(0, Ordering::Relaxed);
        shared.failed.store(false, Ordering::Relaxed);
        // SAFETY: nobody else reads or writes it before the signal.
        unsafe { *shared.work.get() = Some(work) };
        shared.start.raise();
        // SAFETY: `work` lives until this function returns or unwinds, which it does when all are through with it.
        unsafe { shared.work_as(0, work) };
        shared.wait_for_all();
        if shared.failed.load(Ordering::Relaxed) {
            match shared.payload().take() {
                Some(payload) => resume_unwind(payload),
                None => panic!("the workers of a crew did not call `barrier` equally often"),
            }
        }
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        // SAFETY: no work runs, for that borrows the crew; the threads wait for the signal.
        unsafe { *self.shared.work.get() = None };
        self.shared.start.raise();
        for thread in self.threads.drain(..) {
            // A panic of the work was caught and handed to `run`.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Crew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Crew").field("count", &self.count()).finish_non_exhaustive()
    }
}

/// A thread of a crew at work.
pub struct Worker<'a> {
    shared: &'a Shared,
    index: usize,
    /// Stays on its thread: two threads that are one worker would let a barrier open early.
    here: PhantomData<*const ()>,
}

impl Worker<'_> {
    /// Which worker this is, from 0, which is the caller of [`Crew::run`].
    #[inline]
    pub fn index(&self) -> usize {
        self.index
    }

    /// How many workers there are, at least 1.
    #[inline]
    pub fn count(&self) -> usize {
        self.shared.count
    }

    /// This worker's share of `tasks` tasks: a run of them, all shares as long as each other or one longer.
    #[inline]
    pub fn range(&self, tasks: usize) -> Range<usize> {
        // At least 1 anyway; seen here, the division cannot panic.
        let count = self.count().max(1);
        let (each, longer) = (tasks / count, tasks % count);
        let start = |index: usize| index * each + index.min(longer);
        start(self.index)..start(self.index + 1)
    }

    /// Returns when every worker has called it as often as this one; what each of them wrote before is then seen by all.
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

/// A pointer and no reference: it dangles when the last worker is through, while others still return from calls that
/// got it.
type Work = *const (dyn Fn(Worker<'_>) + Sync);

struct Shared {
    count: usize,
    /// What to do; `None` ends the threads. Written by the crew's owner while no work runs.
    work: UnsafeCell<Option<Work>>,
    /// Raised when there is something to do.
    start: Signal,
    /// Raised when all have arrived at a barrier, and when a worker failed: always before the last one is through, so
    /// that it never comes late, in the work after.
    turn: Signal,
    /// Raised by the last one who is through; may come late.
    done: Signal,
    /// See [`THROUGH`].
    arrived: AtomicUsize,
    /// Whether a worker panicked: no barrier opens any more.
    failed: AtomicBool,
    /// The first panic.
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

// SAFETY: `work` is the only field that is neither `Send` nor `Sync` by itself, and what it points to is `Sync`. It is
// written while no other thread reads it: before `start` is raised, which others wait for, and after all are through.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

/// What unwinds a worker that waits for one who panicked.
struct Abandoned;

impl Shared {
    /// A thread of the crew: works whenever there is something to do.
    fn serve(&self, index: usize) {
        let mut seen = 0;
        loop {
            seen = self.start.wait(seen);
            // SAFETY: written before the signal, and not again before this worker is through.
            let Some(work) = (unsafe { *self.work.get() }) else { return };
            // SAFETY: `run` keeps `work` until this worker too is through.
            unsafe { self.work_as(index, work) };
        }
    }

    /// # Safety
    ///
    /// `work` is valid until all workers are through.
    unsafe fn work_as(&self, index: usize, work: Work) {
        let worker = Worker { shared: self, index, here: PhantomData };
        // SAFETY: this worker is not through yet.
        let call = || unsafe { (*work)(worker) };
        // Whoever calls `run` gets the panic, and sees what a panic leaves of what `work` refers to.
        if let Err(payload) = catch_unwind(AssertUnwindSafe(call)) {
            if !payload.is::<Abandoned>() {
                self.payload().get_or_insert(payload);
            }
            self.fail();
        }
        // Release, for all that this worker has written; acquire, for the last one to hand on what all have written.
        let arrived = self.arrived.fetch_add(THROUGH, Ordering::AcqRel) + THROUGH;
        if arrived / THROUGH == self.count {
            self.done.raise();
        } else if arrived / THROUGH + arrived % THROUGH == self.count && !self.failed.load(Ordering::Relaxed) {
            // The others are through or wait at a barrier, where this one will not come; nobody else can let them go.
            self.fail();
        }
    }

    fn barrier(&self) {
        // Before it arrives, for afterwards the turn may come at any time; and before it looks for a failure: who sees
        // the turn that a failure raised sees the failure.
        let before = self.turn.now();
        if !self.failed.load(Ordering::Relaxed) {
            let arrived = self.arrived.fetch_add(1, Ordering::AcqRel) + 1;
            if arrived == self.count {
                // Nobody arrives again before the signal.
                self.arrived.store(0, Ordering::Relaxed);
                self.turn.raise();
                return;
            }
            if arrived / THROUGH + arrived % THROUGH == self.count {
                // The others are through, and will not come.
                self.fail();
            }
            self.turn.wait(before);
        }
        if self.failed.load(Ordering::Relaxed) {
            resume_unwind(Box::new(Abandoned));
        }
    }

    fn wait_for_all(&self) {
        loop {
            let before = self.done.now();
            // Acquire: all that the workers have written.
            if self.arrived.load(Ordering::Acquire) / THROUGH == self.count {
                return;
            }
            self.done.wait(before);
        }
    }

    fn fail(&self) {
        self.failed.store(true, Ordering::Relaxed);
        // Hands it on to those who wait.
        self.turn.raise();
    }

    fn payload(&self) -> MutexGuard<'_, Option<Box<dyn Any + Send>>> {
        self.panic.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
