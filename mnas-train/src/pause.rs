//! Holding all trainings of a process between two batches, while something is measured.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// What trainings of a process share: each batch is made while nobody holds them.
#[derive(Clone, Debug, Default)]
pub struct Pause(Arc<RwLock<()>>);

impl Pause {
    /// Waits until no batch is under way; none begins before the guard is dropped.
    pub fn hold(&self) -> impl Drop + '_ {
        let guard: RwLockWriteGuard<'_, ()> = self.0.write().unwrap_or_else(PoisonError::into_inner);
        guard
    }

    /// Waits until nobody holds trainings; nobody does before the guard is dropped.
    pub(crate) fn batch(&self) -> RwLockReadGuard<'_, ()> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}
