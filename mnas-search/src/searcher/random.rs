//! Uniform samples, with repetitions: the baseline of all other searchers.

use super::{Method, Outcome, Searcher, State, check_common, restore};
use crate::rng::Rng;
use serde::{Deserialize, Serialize};

/// The row of this searcher.
pub(super) const METHOD: Method = Method {
    name: "random",
    about: "uniform samples",
    needs_latency: false,
    new: |sizes, seed| Box::new(Random::new(sizes, seed)),
    restore: restore::<Random>,
};

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

impl State for Random {
    fn save(&self) -> serde_json::Result<String> {
        serde_json::to_string(self)
    }

    fn check(&self, sizes: &[usize]) -> Result<(), &'static str> {
        check_common(&self.sizes, sizes, &self.rng)
    }
}
