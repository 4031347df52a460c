//! A condition that trainings wait for before each batch, such as the end of a measurement on the machine.

use std::fmt;
use std::sync::Arc;

/// A function that is called before each batch and returns when the batch may begin. The default returns at once.
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
