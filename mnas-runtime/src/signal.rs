//! A number that threads wait for: for a while they look, then they let others run, then they sleep.
#![cfg(feature = "std")]

extern crate std;

use core::hint::spin_loop;
use core::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

/// Looks in a row: 2 to 12 microseconds, at the 8 to 45 nanoseconds that the processor's hint to wait takes. Most
/// waits are shorter, for work is cut into equal shares.
const LOOKS: usize = 256;
/// Looks after which others may run: whom one waits for may need this core. Alone on it, a thread waits so for 150
/// microseconds or longer, more than a phase of an inference takes, and little beside the time that an idle program
/// has; sleeping and waking takes some 50.
const YIELDS: usize = 1024;

/// A number that is raised, and a way to wait for that. Aligned to two cache lines, which processors fetch together.
#[repr(align(128))]
pub(super) struct Signal {
    value: AtomicU32,
    /// Who sleeps, or is about to.
    sleepers: AtomicU32,
    lock: Mutex<()>,
    raised: Condvar,
}

impl Signal {
    pub(super) fn new() -> Self {
        let (value, sleepers) = (AtomicU32::new(0), AtomicU32::new(0));
        Signal { value, sleepers, lock: Mutex::new(()), raised: Condvar::new() }
    }

    pub(super) fn now(&self) -> u32 {
        self.value.load(Ordering::Acquire)
    }

    /// Hands on what this thread has written to all who wait.
    pub(super) fn raise(&self) {
        // One order for all of this and the two operations of a sleeper: either it is seen here, or it sees the value.
        self.value.fetch_add(1, Ordering::SeqCst);
        if self.sleepers.load(Ordering::SeqCst) != 0 {
            // A sleeper holds the lock from before it is counted until it sleeps, so that it cannot miss this.
            drop(self.guard());
            self.raised.notify_all();
        }
    }

    /// Returns the value as soon as it is another than `before`.
    pub(super) fn wait(&self, before: u32) -> u32 {
        for look in 0..LOOKS + YIELDS {
            let value = self.now();
            if value != before {
                return value;
            }
            if look < LOOKS { spin_loop() } else { thread::yield_now() }
        }
        let mut guard = self.guard();
        self.sleepers.fetch_add(1, Ordering::SeqCst);
        let value = loop {
            let value = self.value.load(Ordering::SeqCst);
            if value != before {
                break value;
            }
            guard = self.raised.wait(guard).unwrap_or_else(PoisonError::into_inner);
        };
        self.sleepers.fetch_sub(1, Ordering::Relaxed);
        value
    }

    fn guard(&self) -> MutexGuard<'_, ()> {
        self.lock.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
