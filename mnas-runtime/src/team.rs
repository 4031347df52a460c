//! What inferences need that are split over threads: the threads, and memory for them.
#![cfg(feature = "std")]

extern crate std;

use super::crew::{Crew, Worker};
use super::workspace::Workspace;
use core::fmt;
use core::marker::PhantomData;
use core::sync::atomic::{AtomicUsize, Ordering};
use std::boxed::Box;
use std::io;
pub use std::io::Result;
use std::sync::{Mutex, PoisonError};
use std::vec::Vec;

/// Threads that infer together, and their memory: `SHARED` floats for all of them, `OWN` for each.
///
/// Generated networks name its type and make it: `Net::team`. One inference at a time uses it, or one batch.
pub struct Team<const SHARED: usize, const OWN: usize> {
    crew: Crew,
    shared: Box<Workspace<SHARED>>,
    own: Vec<Box<Workspace<OWN>>>,
}

impl<const SHARED: usize, const OWN: usize> Team<SHARED, OWN> {
    /// A team of `threads` threads, of which the caller's is one; 0 is as 1.
    ///
    /// # Errors
    ///
    /// If the system cannot start that many threads, or has no memory for them.
    pub fn new(threads: usize) -> io::Result<Self> {
        let no_memory = || io::Error::from(io::ErrorKind::OutOfMemory);
        let crew = Crew::new(threads)?;
        let shared = Workspace::try_boxed().ok_or_else(no_memory)?;
        let mut own = Vec::new();
        own.try_reserve_exact(crew.count()).map_err(|_| no_memory())?;
        for _ in 0..crew.count() {
            own.push(Workspace::try_boxed().ok_or_else(no_memory)?);
        }
        Ok(Team { crew, shared, own })
    }

    /// How many threads work, the caller's among them.
    pub fn count(&self) -> usize {
        self.crew.count()
    }

    /// The memory that all share, for generated code.
    #[inline]
    pub fn shared(&mut self) -> &mut [f32; SHARED] {
        self.shared.arena()
    }

    /// Runs `work` on every thread, with the memory that all share and memory of its own. For generated code.
    pub fn run<F: Fn(&Worker<'_>, *mut f32, &mut [f32; OWN]) + Sync>(&mut self, work: F) {
        let memory = Memory { shared: self.shared.arena().as_mut_ptr(), own: self.own.as_mut_ptr() };
        let memory = &memory;
        self.crew.run(|worker| {
            // SAFETY: one for each worker; this one's is no other's.
            let own = unsafe { &mut *memory.own.add(worker.index()) };
            work(&worker, memory.shared, own.arena());
        });
    }
}

impl<const SHARED: usize, const OWN: usize> fmt::Debug for Team<SHARED, OWN> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Team").field("count", &self.count()).finish_non_exhaustive()
    }
}

/// Who is told what each step wrote: on one thread, which the others do not wait for.
pub struct Observer<'a>(Mutex<&'a mut After<'a>>);

/// What is called after each step.
pub type After<'a> = dyn FnMut(usize, &[f32]) + Send + 'a;

impl<'a> Observer<'a> {
    /// Tells `after`.
    pub fn new(after: &'a mut After<'a>) -> Self {
        Observer(Mutex::new(after))
    }

    /// Tells that a step wrote `made`.
    pub fn observe(&self, step: usize, made: &[f32]) {
        (self.0.lock().unwrap_or_else(PoisonError::into_inner))(step, made);
    }
}

/// Pairs of an image and its output, each for whichever worker comes first.
pub struct Batch<'a, I, O> {
    images: &'a [I],
    outputs: *mut O,
    len: usize,
    next: AtomicUsize,
    borrowed: PhantomData<&'a mut [O]>,
}

// SAFETY: images are shared, and each output goes to one thread.
unsafe impl<I: Sync, O: Send> Sync for Batch<'_, I, O> {}

impl<'a, I, O> Batch<'a, I, O> {
    /// As many pairs as there are of both.
    pub fn new(images: &'a [I], outputs: &'a mut [O]) -> Self {
        let len = images.len().min(outputs.len());
        Batch { images, outputs: outputs.as_mut_ptr(), len, next: AtomicUsize::new(0), borrowed: PhantomData }
    }

    /// A pair that no other call has returned.
    #[allow(clippy::should_implement_trait, reason = "an iterator would have to be borrowed by one worker alone")]
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

/// Where the memory of a team lies while it works.
struct Memory<const OWN: usize> {
    shared: *mut f32,
    own: *mut Box<Workspace<OWN>>,
}

// SAFETY: each worker takes its own of `own`; what workers do with `shared` is theirs to answer for, who need `unsafe`
// for it.
unsafe impl<const OWN: usize> Sync for Memory<OWN> {}

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
