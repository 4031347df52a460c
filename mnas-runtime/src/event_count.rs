//! An event counter. Waiting threads spin, then yield, then park.
#![cfg(feature = "std")]

extern crate std;

use core::hint::spin_loop;
use core::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

/// Spins before a thread yields: 2 to 12 microseconds, at 8 to 45 nanoseconds for the processor's spin hint. Most waits
/// are shorter, because work is cut into equal shares.
const SPINS: usize = 256;
/// Yields before a thread parks: the awaited thread may need this core. Where no other thread runs on it, this lasts 150
/// microseconds or longer: more than a phase of an inference takes, and little beside the time that an idle program has.
/// Parking and waking takes some 50.
const YIELDS: usize = 1024;

/// A counter of events that threads can wait for. Aligned to two cache lines, which processors fetch together.
#[repr(align(128))]
pub(super) struct EventCount {
    value: AtomicU32,
    /// Threads that are parked or about to park.
    parked: AtomicU32,
    lock: Mutex<()>,
    raised: Condvar,
}

impl EventCount {
    pub(super) fn new() -> Self {
        let (value, parked) = (AtomicU32::new(0), AtomicU32::new(0));
        EventCount { value, parked, lock: Mutex::new(()), raised: Condvar::new() }
    }

    pub(super) fn now(&self) -> u32 {
        self.value.load(Ordering::Acquire)
    }

    /// Counts an event. What this thread wrote before is visible to all that wait for it.
    pub(super) fn raise(&self) {
        // Sequentially consistent with the two operations of a thread that parks: either it is seen here, or it sees the
        // new value.
        self.value.fetch_add(1, Ordering::SeqCst);
        if self.parked.load(Ordering::SeqCst) != 0 {
            // A thread holds the lock from before it is counted until it is parked, so it cannot miss this.
            drop(self.guard());
            self.raised.notify_all();
        }
    }

    /// Waits until the value differs from `before`, and returns it.
    pub(super) fn wait(&self, before: u32) -> u32 {
        for attempt in 0..SPINS + YIELDS {
            let value = self.now();
            if value != before {
                return value;
            }
            if attempt < SPINS { spin_loop() } else { thread::yield_now() }
        }
        let mut guard = self.guard();
        self.parked.fetch_add(1, Ordering::SeqCst);
        let value = loop {
            let value = self.value.load(Ordering::SeqCst);
            if value != before {
                break value;
            }
            guard = self.raised.wait(guard).unwrap_or_else(PoisonError::into_inner);
        };
        self.parked.fetch_sub(1, Ordering::Relaxed);
        value
    }

    fn guard(&self) -> MutexGuard<'_, ()> {
        self.lock.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
