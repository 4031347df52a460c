//! The MnasNet paper's searcher: an LSTM that writes a network as a sequence of tokens, one a choice, trained by
//! proximal policy optimisation with a moving-average baseline and a small entropy bonus.
//!
//! Settings are those of the NASNet controller, which the paper names: 100 units, uniform initial weights of 0.1,
//! learning rate 3.5e-4, entropy 1e-5, baseline 0.95, 20 networks an update. The number of passes over a batch and the
//! clipping range are not published: 6 and the usual 0.2.

mod lstm;

use super::{MOST, Method, Outcome, Searcher, State, check_candidates, check_common, restore};
use crate::rng::Rng;
use lstm::{Layout, Tree};
use serde::{Deserialize, Serialize};

/// The row of this searcher.
pub(super) const METHOD: Method = Method {
    name: "ppo",
    about: "the MnasNet paper's: an LSTM controller, proximal policy optimisation",
    needs_latency: false,
    new: |sizes, seed| Box::new(Controller::new(sizes, seed, ControllerSettings::default())),
    restore: restore::<Controller>,
};

/// The size of the controller, and how it learns.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ControllerSettings {
    /// Units of the LSTM.
    pub units: usize,
    /// Initial weights are uniform from minus this to this.
    pub initial: f64,
    /// Learning rate of Adam.
    pub learning_rate: f64,
    /// Weight of the entropy bonus.
    pub entropy: f64,
    /// Decay of the baseline at each trial.
    pub baseline_decay: f64,
    /// Trials of an update.
    pub batch: usize,
    /// Steps of Adam with each batch.
    pub inner_steps: usize,
    /// Range of the probability ratio of a candidate within an update, around 1, in which it contributes to the
    /// gradient.
    pub clip: f64,
}

impl Default for ControllerSettings {
    fn default() -> Self {
        Self {
            units: 100,
            initial: 0.1,
            learning_rate: 3.5e-4,
            entropy: 1e-5,
            baseline_decay: 0.95,
            batch: 20,
            inner_steps: 6,
            clip: 0.2,
        }
    }
}

/// The LSTM controller.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Controller {
    sizes: Vec<usize>,
    rng: Rng,
    settings: ControllerSettings,
    baseline: Option<f64>,
    /// Outcomes since the last update, each a candidate with its reward.
    batch: Vec<(Vec<usize>, f64)>,
    /// Updates so far.
    updates: u64,
    /// Saved separately: it is large, and only updates change it.
    #[serde(skip)]
    weights: Weights,
}

/// Parameters and Adam's two moments of each.
#[derive(Clone, Debug, Default)]
struct Weights {
    parameters: Vec<f64>,
    first: Vec<f64>,
    second: Vec<f64>,
}

impl Controller {
    /// A searcher over choices of these sizes.
    ///
    /// # Panics
    ///
    /// If there are no units, or the batch is empty.
    pub fn new(sizes: Vec<usize>, seed: u64, settings: ControllerSettings) -> Self {
        assert!(settings.units > 0 && settings.batch > 0, "units and batch must not be 0");
        let mut rng = Rng::new(seed);
        let len = Layout::new(&sizes, settings.units).len;
        let parameters = (0..len).map(|_| rng.range(-settings.initial, settings.initial)).collect();
        let weights = Weights { parameters, first: vec![0.0; len], second: vec![0.0; len] };
        Self { sizes, rng, settings, baseline: None, batch: Vec::new(), updates: 0, weights }
    }

    fn update(&mut self) {
        let batch = std::mem::take(&mut self.batch);
        let advantages: Vec<f64> = batch
            .iter()
            .map(|&(_, reward)| {
                let baseline = self.baseline.unwrap_or(reward);
                let decay = self.settings.baseline_decay;
                self.baseline = Some(decay * baseline + (1.0 - decay) * reward);
                reward - baseline
            })
            .collect();
        let sequences: Vec<&[usize]> = batch.iter().map(|(sequence, _)| sequence.as_slice()).collect();
        let layout = Layout::new(&self.sizes, self.settings.units);
        let mut old = None;
        self.updates += 1;
        for step in 0..self.settings.inner_steps {
            let gradient = {
                let mut tree = Tree::new(&layout, &self.weights.parameters);
                let paths: Vec<Vec<usize>> = sequences.iter().map(|sequence| tree.path(sequence)).collect();
                let log: Vec<f64> = paths
                    .iter()
                    .zip(&sequences)
                    .map(|(path, sequence)| {
                        path.iter().zip(*sequence).map(|(&node, &at)| tree.probabilities(node)[at].ln()).sum()
                    })
                    .collect();
                let old: &Vec<f64> = old.get_or_insert_with(|| log.clone());
                let mut logits: Vec<Vec<f64>> =
                    (0..tree.len()).map(|node| vec![0.0; tree.probabilities(node).len()]).collect();
                for (number, (path, sequence)) in paths.iter().zip(&sequences).enumerate() {
                    let ratio = (log[number] - old[number]).exp();
                    let advantage = advantages[number];
                    // A ratio beyond the clip has no gradient.
                    let is_clipped = (advantage > 0.0 && ratio > 1.0 + self.settings.clip)
                        || (advantage < 0.0 && ratio < 1.0 - self.settings.clip);
                    let pull = if is_clipped { 0.0 } else { ratio * advantage };
                    for (&node, &chosen) in path.iter().zip(*sequence) {
                        let p = tree.probabilities(node);
                        let entropy: f64 = p.iter().map(|p| -p * p.max(1e-300).ln()).sum();
                        for (at, (d, p)) in logits[node].iter_mut().zip(p).enumerate() {
                            let is_chosen = if at == chosen { 1.0 } else { 0.0 };
                            let spread = -p * (p.max(1e-300).ln() + entropy);
                            *d += (pull * (is_chosen - p) + self.settings.entropy * spread) / sequences.len() as f64;
                        }
                    }
                }
                tree.gradient(&logits)
            };
            let steps = (self.updates - 1) * self.settings.inner_steps as u64 + step as u64 + 1;
            self.weights.ascend(&gradient, self.settings.learning_rate, steps);
        }
    }
}

impl Weights {
    /// One step of Adam along the gradient, the `steps`-th.
    fn ascend(&mut self, gradient: &[f64], learning_rate: f64, steps: u64) {
        const KEEP: (f64, f64) = (0.9, 0.999);
        let steps = steps as f64;
        let (first_sum, second_sum) = (1.0 - KEEP.0.powf(steps), 1.0 - KEEP.1.powf(steps));
        let moments = self.first.iter_mut().zip(&mut self.second);
        for ((parameter, (first, second)), gradient) in self.parameters.iter_mut().zip(moments).zip(gradient) {
            *first = KEEP.0 * *first + (1.0 - KEEP.0) * gradient;
            *second = KEEP.1 * *second + (1.0 - KEEP.1) * gradient * gradient;
            *parameter += learning_rate * (*first / first_sum) / ((*second / second_sum).sqrt() + 1e-8);
        }
    }
}

impl Searcher for Controller {
    fn ask(&mut self) -> Vec<usize> {
        let layout = Layout::new(&self.sizes, self.settings.units);
        let mut tree = Tree::new(&layout, &self.weights.parameters);
        let mut candidate = Vec::with_capacity(self.sizes.len());
        let mut at = tree.root();
        while let Some(node) = at {
            let chosen = self.rng.choose(tree.probabilities(node));
            candidate.push(chosen);
            at = tree.next(node, chosen);
        }
        candidate
    }

    fn tell(&mut self, candidate: &[usize], outcome: &Outcome) {
        if !outcome.is_usable() {
            return;
        }
        self.batch.push((candidate.to_vec(), outcome.reward));
        if self.batch.len() >= self.settings.batch {
            self.update();
        }
    }
}

impl State for Controller {
    fn save(&self) -> serde_json::Result<String> {
        serde_json::to_string(self)
    }

    /// The weights are read afterwards: their number follows from the sizes.
    fn check(&self, sizes: &[usize]) -> Result<(), &'static str> {
        /// The largest number of units; the weights grow with its square.
        const MOST_UNITS: usize = 1 << 12;
        check_common(&self.sizes, sizes, &self.rng)?;
        let ControllerSettings { units, batch, inner_steps, .. } = self.settings;
        let is_one = (1..=MOST_UNITS).contains(&units) && (1..=MOST).contains(&batch) && inner_steps <= MOST;
        if !is_one || self.updates > u64::MAX / 2 / MOST as u64 {
            return Err("invalid settings of the controller");
        }
        check_candidates(self.batch.iter().map(|(candidate, reward)| (candidate, *reward)), sizes)
    }

    /// Parameters and moments as little-endian doubles. Only updates change them.
    fn large(&self, known: Option<u64>) -> Option<(u64, Vec<u8>)> {
        if known == Some(self.updates) {
            return None;
        }
        let Weights { parameters, first, second } = &self.weights;
        let values = [parameters, first, second].into_iter().flatten();
        Some((self.updates, values.flat_map(|value| value.to_le_bytes()).collect()))
    }

    fn set_large(&mut self, bytes: Option<&[u8]>) -> Result<(), String> {
        let bytes = bytes.ok_or("the controller's weights are missing")?;
        let len = Layout::new(&self.sizes, self.settings.units).len;
        if bytes.len() != 3 * 8 * len {
            return Err(format!("the controller's weights have {} bytes, expected {}", bytes.len(), 24 * len));
        }
        let values: Vec<f64> =
            bytes.chunks_exact(8).map(|bytes| f64::from_le_bytes(std::array::from_fn(|at| bytes[at]))).collect();
        if !values.iter().all(|value| value.is_finite()) {
            return Err("the controller's weights are not finite".to_owned());
        }
        let mut parts = values.chunks_exact(len).map(<[f64]>::to_vec);
        let mut part = || parts.next().unwrap_or_default();
        self.weights = Weights { parameters: part(), first: part(), second: part() };
        Ok(())
    }
}
