//! Regularised evolution (Real et al. 2019): mutates the best of a sample in one choice, and removes the oldest
//! individual.

use super::{MOST, Method, Outcome, Searcher, State, check_candidates, check_common, mutate, restore};
use crate::rng::Rng;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// The row of this searcher.
pub(super) const METHOD: Method = Method {
    name: "evolution",
    about: "regularised evolution: the best searcher of one objective here",
    needs_latency: false,
    new: |sizes, seed| Box::new(Evolution::new(sizes, seed, EvolutionSettings::default())),
    restore: restore::<Evolution>,
};

/// The sizes of the population and of the sample.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EvolutionSettings {
    /// Individuals alive.
    pub population: usize,
    /// Number of individuals drawn, with repetitions; the best becomes the parent.
    pub sample: usize,
}

impl Default for EvolutionSettings {
    fn default() -> Self {
        Self { population: 20, sample: 10 }
    }
}

/// Regularised evolution.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Evolution {
    sizes: Vec<usize>,
    rng: Rng,
    settings: EvolutionSettings,
    /// The oldest first, each with its reward.
    population: VecDeque<(Vec<usize>, f64)>,
    /// Number of candidates proposed: the first ones are random, whether their outcomes are known or not.
    asked: usize,
}

impl Evolution {
    /// A searcher over choices of these sizes.
    ///
    /// # Panics
    ///
    /// If the population or the sample is empty.
    pub fn new(sizes: Vec<usize>, seed: u64, settings: EvolutionSettings) -> Self {
        assert!(settings.population > 0 && settings.sample > 0, "population and sample must not be empty");
        Self { sizes, rng: Rng::new(seed), settings, population: VecDeque::new(), asked: 0 }
    }
}

impl Searcher for Evolution {
    fn ask(&mut self) -> Vec<usize> {
        self.asked += 1;
        if self.asked <= self.settings.population || self.population.is_empty() {
            return self.rng.indices(&self.sizes);
        }
        let mut parent = self.rng.below(self.population.len());
        for _ in 1..self.settings.sample {
            let other = self.rng.below(self.population.len());
            if self.population[other].1 > self.population[parent].1 {
                parent = other;
            }
        }
        let mut child = self.population[parent].0.clone();
        mutate(&mut child, &self.sizes, &mut self.rng);
        // A candidate that is alive already teaches nothing: it is mutated again, if there are others.
        for _ in 0..20 {
            if !self.population.iter().any(|(alive, _)| *alive == child) {
                break;
            }
            mutate(&mut child, &self.sizes, &mut self.rng);
        }
        child
    }

    fn tell(&mut self, candidate: &[usize], outcome: &Outcome) {
        if !outcome.is_usable() {
            return;
        }
        self.population.push_back((candidate.to_vec(), outcome.reward));
        while self.population.len() > self.settings.population {
            self.population.pop_front();
        }
    }
}

impl State for Evolution {
    fn save(&self) -> serde_json::Result<String> {
        serde_json::to_string(self)
    }

    fn check(&self, sizes: &[usize]) -> Result<(), &'static str> {
        check_common(&self.sizes, sizes, &self.rng)?;
        let EvolutionSettings { population, sample } = self.settings;
        if !(1..=MOST).contains(&population) || !(1..=MOST).contains(&sample) || self.asked > usize::MAX / 2 {
            return Err("invalid size of the population or of the sample");
        }
        check_candidates(self.population.iter().map(|(candidate, reward)| (candidate, *reward)), sizes)
    }
}
