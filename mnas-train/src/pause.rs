//! What trainings wait for between two batches, such as that nothing is measured on the machine.

use std::fmt;
use std::sync::Arc;

/// What is called before each batch, and returns when it may begin. By default nothing is waited for.
#[derive(Clone, Default)]
pub struct Pause(Option<Arc<dyn Fn() + Send + Sync>>);

impl Pause {
    /// Trainings wait until `wait` returns; several at once may call it.
    pub fn new(wait: impl Fn() + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(wait)))
    }

    pub(crate) fn wait(&self) {
        if let Some(wait) = &self.0 {
            wait();
        }
    }
}

impl fmt::Debug for Pause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pause").field(&self.0.is_some()).finish()
    }
}
