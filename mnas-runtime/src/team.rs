//! Threads and memory of an inference that is split over threads.
#![cfg(feature = "std")]

extern crate std;

use super::thread_pool::{ThreadPool, Worker};
use super::workspace::Workspace;
use core::fmt;
use core::marker::PhantomData;
use core::sync::atomic::{AtomicUsize, Ordering};
use std::boxed::Box;
use std::io;
pub use std::io::Result;
use std::sync::{Mutex, PoisonError};
use std::vec::Vec;

/// A thread pool and its workspaces: `SHARED` floats for all threads, and `PER_THREAD` floats for each.
///
/// The function `team` of a generated network creates it. One inference or one batch at a time uses it.
pub struct Team<const SHARED: usize, const PER_THREAD: usize> {
    pool: ThreadPool,
    shared: Box<Workspace<SHARED>>,
    per_thread: Vec<Box<Workspace<PER_THREAD>>>,
}

impl<const SHARED: usize, const PER_THREAD: usize> Team<SHARED, PER_THREAD> {
    /// A team of `threads` threads including the caller's, at least 1.
    ///
    /// # Errors
    ///
    /// If the system cannot start that many threads, or has no memory for them.
    pub fn new(threads: usize) -> io::Result<Self> {
        let no_memory = || io::Error::from(io::ErrorKind::OutOfMemory);
        let pool = ThreadPool::new(threads)?;
        let shared = Workspace::try_boxed().ok_or_else(no_memory)?;
        let mut per_thread = Vec::new();
        per_thread.try_reserve_exact(pool.count()).map_err(|_| no_memory())?;
        for _ in 0..pool.count() {
            per_thread.push(Workspace::try_boxed().ok_or_else(no_memory)?);
        }
        Ok(Team { pool, shared, per_thread })
    }

    /// The number of threads, including the caller's.
    pub fn count(&self) -> usize {
        self.pool.count()
    }

    /// The shared workspace, for generated code.
    #[inline]
    pub fn shared(&mut self) -> &mut [f32; SHARED] {
        self.shared.arena()
    }

    /// Runs `work` on every thread, with the shared workspace and with that of the thread. For generated code.
    pub fn run<F: Fn(&Worker<'_>, *mut f32, &mut [f32; PER_THREAD]) + Sync>(&mut self, work: F) {
        let memory = Memory { shared: self.shared.arena().as_mut_ptr(), per_thread: self.per_thread.as_mut_ptr() };
        let memory = &memory;
        self.pool.run(|worker| {
            // SAFETY: `per_thread` has an element for each worker, and indices of workers are unique, so this `&mut` does not
            // alias another.
            let workspace = unsafe { &mut *memory.per_thread.add(worker.index()) };
            work(&worker, memory.shared, workspace.arena());
        });
    }
}

impl<const SHARED: usize, const PER_THREAD: usize> fmt::Debug for Team<SHARED, PER_THREAD> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Team").field("count", &self.count()).finish_non_exhaustive()
    }
}

/// A callback that gets what each step wrote, on one thread; the others do not wait for it.
pub struct Observer<'a>(Mutex<&'a mut After<'a>>);

/// A function to call after each step, with its index and what it wrote.
pub type After<'a> = dyn FnMut(usize, &[f32]) + Send + 'a;

impl<'a> Observer<'a> {
    /// Calls `after` for each step.
    pub fn new(after: &'a mut After<'a>) -> Self {
        Observer(Mutex::new(after))
    }

    /// Passes on that a step wrote `made`.
    pub fn observe(&self, step: usize, made: &[f32]) {
        (self.0.lock().unwrap_or_else(PoisonError::into_inner))(step, made);
    }
}

/// Pairs of an image and its output. Each goes to the first worker that is free.
pub struct Batch<'a, I, O> {
    images: &'a [I],
    outputs: *mut O,
    len: usize,
    next: AtomicUsize,
    borrowed: PhantomData<&'a mut [O]>,
}

// SAFETY: images are only read, and each output goes to one thread.
unsafe impl<I: Sync, O: Send> Sync for Batch<'_, I, O> {}

impl<'a, I, O> Batch<'a, I, O> {
    /// As many pairs as there are of both.
    pub fn new(images: &'a [I], outputs: &'a mut [O]) -> Self {
        let len = images.len().min(outputs.len());
        Batch { images, outputs: outputs.as_mut_ptr(), len, next: AtomicUsize::new(0), borrowed: PhantomData }
    }

    /// A pair that no other call has returned.
    #[allow(clippy::should_implement_trait, reason = "an iterator could be borrowed by one worker only")]
    pub fn next(&self) -> Option<(&'a I, &'a mut O)> {
        let mut index = self.next.load(Ordering::Relaxed);
        // Never beyond `len`: a counter that wraps would return a pair again.
        while index < self.len {
            match self.next.compare_exchange_weak(index, index + 1, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => break,
                Err(now) => index = now,
            }
        }
        let image = self.images.get(index).filter(|_| index < self.len)?;
        // SAFETY: within the slice, and no other call gets the same index, for the counter only grows.
        Some((image, unsafe { &mut *self.outputs.add(index) }))
    }
}

/// Pointers to the workspaces of a team while it runs.
struct Memory<const PER_THREAD: usize> {
    shared: *mut f32,
    per_thread: *mut Box<Workspace<PER_THREAD>>,
}

// SAFETY: each worker uses its own element of `per_thread`; `shared` is a raw pointer, so that each use of it has an
// `unsafe` block with a reason of its own.
unsafe impl<const PER_THREAD: usize> Sync for Memory<PER_THREAD> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counter_of_a_batch_stops_at_its_length() {
        let (images, mut outputs) = ([1, 2, 3], [0, 0]);
        let batch = Batch::new(&images, &mut outputs);
        for image in [1, 2] {
            *batch.next().expect("a pair is left").1 = image;
        }
        for _ in 0..1000 {
            assert!(batch.next().is_none());
        }
        // Whatever its width, it cannot come back to the first pair.
        assert_eq!(batch.next.load(Ordering::Relaxed), 2);
        assert_eq!(outputs, [1, 2]);
    }
}
