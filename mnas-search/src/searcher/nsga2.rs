//! NSGA-II (Deb et al. 2002): a population that is sorted into fronts, and by crowding distance within a front.

use super::{MOST, Method, Outcome, Searcher, State, check_candidates, check_common, mutate, restore};
use crate::pareto::dominates;
use crate::rng::Rng;
use serde::{Deserialize, Serialize};

/// The row of this searcher.
pub(super) const METHOD: Method = Method {
    name: "nsga2",
    about: "a population that spreads along the front of accuracy and latency",
    needs_latency: true,
    new: |sizes, seed| Box::new(Nsga2::new(sizes, seed, Nsga2Settings::default())),
    restore: restore::<Nsga2>,
};

/// The size of the population, and how children are made.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Nsga2Settings {
    /// Number of parents, and of children in a generation.
    pub population: usize,
    /// Probability that a child has two parents, each choice from either; otherwise it has one.
    pub crossover: f64,
}

impl Default for Nsga2Settings {
    fn default() -> Self {
        Self { population: 40, crossover: 0.9 }
    }
}

/// A candidate with accuracy and latency.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Individual {
    candidate: Vec<usize>,
    accuracy: f64,
    latency: f64,
}

/// NSGA-II.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Nsga2 {
    sizes: Vec<usize>,
    rng: Rng,
    settings: Nsga2Settings,
    /// The best first: by front, then by falling crowding distance.
    parents: Vec<Individual>,
    children: Vec<Individual>,
    /// Candidates without an outcome so far: no candidate is proposed twice in a generation.
    open: Vec<Vec<usize>>,
    asked: usize,
}

impl Nsga2 {
    /// A searcher over choices of these sizes.
    ///
    /// # Panics
    ///
    /// If the population is empty.
    pub fn new(sizes: Vec<usize>, seed: u64, settings: Nsga2Settings) -> Self {
        assert!(settings.population > 0, "the population must not be empty");
        let rng = Rng::new(seed);
        Self { sizes, rng, settings, parents: Vec::new(), children: Vec::new(), open: Vec::new(), asked: 0 }
    }

    /// The better of two random parents.
    fn parent(&mut self) -> Vec<usize> {
        let count = self.parents.len();
        let at = self.rng.below(count).min(self.rng.below(count));
        self.parents[at].candidate.clone()
    }

    fn child(&mut self) -> Vec<usize> {
        let mut child = self.parent();
        if self.rng.unit() < self.settings.crossover {
            let other = self.parent();
            for (gene, other) in child.iter_mut().zip(other) {
                if self.rng.below(2) == 1 {
                    *gene = other;
                }
            }
        }
        let rate = 1.0 / self.sizes.len().max(1) as f64;
        for (gene, &size) in child.iter_mut().zip(&self.sizes) {
            if self.rng.unit() < rate {
                *gene = self.rng.below(size);
            }
        }
        child
    }

    fn is_known(&self, candidate: &[usize]) -> bool {
        let known = self.parents.iter().chain(&self.children).map(|it| &it.candidate);
        known.chain(&self.open).any(|it| it == candidate)
    }
}

impl Searcher for Nsga2 {
    fn ask(&mut self) -> Vec<usize> {
        self.asked += 1;
        let is_first = self.asked <= self.settings.population || self.parents.is_empty();
        let mut candidate = if is_first { self.rng.indices(&self.sizes) } else { self.child() };
        // In a small space all candidates may be known; then a repetition is proposed.
        for _ in 0..20 {
            if !self.is_known(&candidate) {
                break;
            }
            mutate(&mut candidate, &self.sizes, &mut self.rng);
        }
        self.open.push(candidate.clone());
        candidate
    }

    fn tell(&mut self, candidate: &[usize], outcome: &Outcome) {
        if let Some(at) = self.open.iter().position(|it| it == candidate) {
            self.open.remove(at);
        }
        if outcome.is_usable() {
            self.children.push(Individual {
                candidate: candidate.to_vec(),
                accuracy: outcome.accuracy,
                latency: outcome.latency_ms.unwrap_or(0.0),
            });
        }
        if self.children.len() >= self.settings.population {
            let mut all = std::mem::take(&mut self.parents);
            all.append(&mut self.children);
            self.parents = best(all, self.settings.population);
        }
    }
}

impl State for Nsga2 {
    fn save(&self) -> serde_json::Result<String> {
        serde_json::to_string(self)
    }

    fn check(&self, sizes: &[usize]) -> Result<(), &'static str> {
        check_common(&self.sizes, sizes, &self.rng)?;
        if !(1..=MOST).contains(&self.settings.population) || self.asked > usize::MAX / 2 {
            return Err("invalid size of the population");
        }
        let known = self.parents.iter().chain(&self.children);
        check_candidates(known.map(|it| (&it.candidate, it.accuracy + it.latency)), sizes)?;
        check_candidates(self.open.iter().map(|candidate| (candidate, 0.0)), sizes)
    }
}

/// The best `count`, the best first.
fn best(all: Vec<Individual>, count: usize) -> Vec<Individual> {
    let points: Vec<(f64, f64)> = all.iter().map(|it| (it.accuracy, it.latency)).collect();
    let mut order = Vec::new();
    let mut left: Vec<usize> = (0..all.len()).collect();
    while !left.is_empty() && order.len() < count {
        let (front, rest): (Vec<usize>, Vec<usize>) =
            left.iter().partition(|&&at| !left.iter().any(|&other| dominates(points[other], points[at])));
        order.extend(by_loneliness(front, &points));
        left = rest;
    }
    order.truncate(count);
    let mut all: Vec<Option<Individual>> = all.into_iter().map(Some).collect();
    order.into_iter().filter_map(|at| all[at].take()).collect()
}

/// A front by falling crowding distance: how far apart its neighbours are, as a part of the front, in both objectives.
fn by_loneliness(front: Vec<usize>, points: &[(f64, f64)]) -> Vec<usize> {
    let mut distance = vec![0.0; front.len()];
    for objective in [|p: (f64, f64)| p.0, |p: (f64, f64)| p.1] {
        let value = |at: usize| objective(points[front[at]]);
        let mut order: Vec<usize> = (0..front.len()).collect();
        order.sort_by(|&a, &b| value(a).total_cmp(&value(b)).then(a.cmp(&b)));
        let (Some(&first), Some(&last)) = (order.first(), order.last()) else { continue };
        let range = value(last) - value(first);
        distance[first] = f64::INFINITY;
        distance[last] = f64::INFINITY;
        if range > 0.0 {
            for three in order.windows(3) {
                distance[three[1]] += (value(three[2]) - value(three[0])) / range;
            }
        }
    }
    let mut order: Vec<usize> = (0..front.len()).collect();
    order.sort_by(|&a, &b| distance[b].total_cmp(&distance[a]).then(a.cmp(&b)));
    order.into_iter().map(|at| front[at]).collect()
}
