//! Factorised REINFORCE: an independent distribution for each choice, moved along the policy gradient after each trial.

use super::{Method, Outcome, Searcher, State, check_common, restore, softmax};
use crate::rng::Rng;
use serde::{Deserialize, Serialize};

/// The row of this searcher.
pub(super) const METHOD: Method = Method {
    name: "reinforce",
    about: "a distribution for each choice",
    needs_latency: false,
    new: |sizes, seed| Box::new(Reinforce::new(sizes, seed, ReinforceSettings::default())),
    restore: restore::<Reinforce>,
};

/// How fast it learns.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReinforceSettings {
    /// Step along the gradient for an advantage of one standard deviation.
    pub learning_rate: f64,
    /// Decay of the moving average and variance of rewards at each trial.
    pub decay: f64,
    /// Weight of the entropy, which keeps alternatives open.
    pub entropy: f64,
}

impl Default for ReinforceSettings {
    fn default() -> Self {
        Self { learning_rate: 0.2, decay: 0.9, entropy: 0.2 }
    }
}

/// A distribution for each choice.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Reinforce {
    rng: Rng,
    settings: ReinforceSettings,
    logits: Vec<Vec<f64>>,
    /// Moving average of rewards and of their squared distance from it, after the first reward.
    baseline: Option<(f64, f64)>,
}

impl Reinforce {
    /// A searcher over choices of these sizes.
    pub fn new(sizes: Vec<usize>, seed: u64, settings: ReinforceSettings) -> Self {
        let logits = sizes.into_iter().map(|size| vec![0.0; size]).collect();
        Self { rng: Rng::new(seed), settings, logits, baseline: None }
    }
}

impl Searcher for Reinforce {
    fn ask(&mut self) -> Vec<usize> {
        self.logits.iter().map(|logits| self.rng.choose(&softmax(logits))).collect()
    }

    fn tell(&mut self, candidate: &[usize], outcome: &Outcome) {
        if !outcome.is_usable() {
            return;
        }
        let ReinforceSettings { learning_rate, decay, entropy } = self.settings;
        let Some((mean, variance)) = self.baseline else {
            self.baseline = Some((outcome.reward, 0.0));
            return;
        };
        let distance = outcome.reward - mean;
        let variance = decay * variance + (1.0 - decay) * distance * distance;
        self.baseline = Some((decay * mean + (1.0 - decay) * outcome.reward, variance));
        // Independent of the unit of rewards: an outlier moves no further than three ordinary rewards.
        let advantage = if variance > 0.0 { (distance / variance.sqrt()).clamp(-3.0, 3.0) } else { 0.0 };
        for (logits, &chosen) in self.logits.iter_mut().zip(candidate) {
            let p = softmax(logits);
            let surprise: f64 = p.iter().map(|p| -p * p.max(1e-300).ln()).sum();
            for (at, (logit, p)) in logits.iter_mut().zip(&p).enumerate() {
                let is_chosen = if at == chosen { 1.0 } else { 0.0 };
                let spread = -p * (p.max(1e-300).ln() + surprise);
                *logit += learning_rate * (advantage * (is_chosen - p) + entropy * spread);
            }
        }
    }
}

impl State for Reinforce {
    fn save(&self) -> serde_json::Result<String> {
        serde_json::to_string(self)
    }

    fn check(&self, sizes: &[usize]) -> Result<(), &'static str> {
        let of: Vec<usize> = self.logits.iter().map(Vec::len).collect();
        check_common(&of, sizes, &self.rng)?;
        let is_finite = self.logits.iter().flatten().all(|logit| logit.is_finite())
            && self.baseline.is_none_or(|(mean, variance)| mean.is_finite() && variance.is_finite());
        if is_finite { Ok(()) } else { Err("its distributions are not finite") }
    }
}
