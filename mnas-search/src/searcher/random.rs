//! Uniform samples, with repetitions: what every other searcher has to beat.

use super::{Outcome, Restored, Searcher, check_common};
use crate::rng::Rng;
use serde::{Deserialize, Serialize};

/// Uniform samples.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Random {
    sizes: Vec<usize>,
    rng: Rng,
}

impl Random {
    /// A searcher over choices of these sizes.
    pub fn new(sizes: Vec<usize>, seed: u64) -> Self {
        Self { sizes, rng: Rng::new(seed) }
    }
}

impl Searcher for Random {
    fn ask(&mut self) -> Vec<usize> {
        self.rng.indices(&self.sizes)
    }

    fn tell(&mut self, _: &[usize], _: &Outcome) {}
}

impl Restored for Random {
    fn check(&self, sizes: &[usize]) -> Result<(), &'static str> {
        check_common(&self.sizes, sizes, &self.rng)
    }
}
