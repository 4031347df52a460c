//! Searchers: ask for a candidate, tell what it was worth. They know how many alternatives each choice has and nothing
//! else.
//!
//! More than one candidate may be asked for before anything is told. Everything that a searcher will ever do follows from
//! its state and from what it is told: a saved one that is restored goes on as if it had never stopped, bit for bit.

mod controller;
mod evolution;
mod nsga2;
mod random;
mod reinforce;

pub use controller::{Controller, ControllerSettings};
pub use evolution::{Evolution, EvolutionSettings};
pub use nsga2::{Nsga2, Nsga2Settings};
pub use random::Random;
pub use reinforce::{Reinforce, ReinforceSettings};

use serde::{Deserialize, Serialize};

/// What a candidate was worth.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The reward; what searchers of one objective maximise.
    pub reward: f64,
    /// The accuracy, a part of 1.
    pub accuracy: f64,
    /// Milliseconds of an inference, where they are known.
    pub latency_ms: Option<f64>,
}

impl Outcome {
    /// Whether there is anything to learn: a failed trial has no finite reward.
    pub fn is_usable(&self) -> bool {
        self.reward.is_finite() && self.accuracy.is_finite() && self.latency_ms.is_none_or(f64::is_finite)
    }
}

/// A way to search.
pub trait Searcher {
    /// The next candidate: an index for each choice.
    fn ask(&mut self) -> Vec<usize>;

    /// What a candidate was worth. One that could not be judged is told too, with a reward that is not finite.
    fn tell(&mut self, candidate: &[usize], outcome: &Outcome);
}

/// A searcher whose state was read.
trait Restored: Searcher {
    /// Whether a searcher over choices of these sizes can have this state, so that nothing that it does will panic.
    fn check(&self, sizes: &[usize]) -> Result<(), &'static str>;
}

/// Populations and batches of more are no searcher's.
const MOST: usize = 1 << 20;

/// What is wrong with what every state has.
fn check_common(of: &[usize], sizes: &[usize], rng: &crate::rng::Rng) -> Result<(), &'static str> {
    if of != sizes {
        return Err("it has other choices");
    }
    if rng.is_stuck() { Err("its random numbers are all the same") } else { Ok(()) }
}

/// Whether a candidate has an alternative that there is for each choice.
fn is_candidate(candidate: &[usize], sizes: &[usize]) -> bool {
    candidate.len() == sizes.len() && candidate.iter().zip(sizes).all(|(at, size)| at < size)
}

/// Whether all candidates are, and all that they were worth are numbers.
fn check_candidates<'a>(
    candidates: impl IntoIterator<Item = (&'a Vec<usize>, f64)>,
    sizes: &[usize],
) -> Result<(), &'static str> {
    let is_wrong = |(candidate, value): (&Vec<usize>, f64)| !is_candidate(candidate, sizes) || !value.is_finite();
    if candidates.into_iter().any(is_wrong) { Err("it knows networks that there are not") } else { Ok(()) }
}

/// The searchers that are built in, one value of each of which is a search's whole state.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnySearcher {
    /// Uniform samples.
    Random(Random),
    /// Regularised evolution.
    Evolution(Evolution),
    /// A distribution for each choice, by REINFORCE.
    Reinforce(Reinforce),
    /// MnasNet's: an LSTM controller, by PPO.
    Ppo(Box<Controller>),
    /// Many objectives: NSGA-II on accuracy and latency.
    Nsga2(Nsga2),
}

/// The searchers by name, each with what it is.
pub const METHODS: [(&str, &str); 5] = [
    ("evolution", "regularised evolution: the best searcher of one objective here"),
    ("nsga2", "a population that spreads along the front of accuracy and latency"),
    ("ppo", "the MnasNet paper's: an LSTM controller, proximal policy optimisation"),
    ("reinforce", "a distribution for each choice"),
    ("random", "uniform samples"),
];

/// Whether the searcher of this name looks at latency beside the reward.
pub fn needs_latency(method: &str) -> bool {
    method == "nsga2"
}

impl AnySearcher {
    /// A searcher by its name in [`METHODS`], with its usual settings; `None` for another name. `sizes` are the numbers
    /// of alternatives.
    ///
    /// # Panics
    ///
    /// Where a choice has no alternative.
    pub fn by_name(name: &str, sizes: &[usize], seed: u64) -> Option<Self> {
        assert!(sizes.iter().all(|&size| size > 0), "each choice has alternatives");
        let sizes = sizes.to_vec();
        Some(match name {
            "random" => Self::Random(Random::new(sizes, seed)),
            "evolution" => Self::Evolution(Evolution::new(sizes, seed, EvolutionSettings::default())),
            "reinforce" => Self::Reinforce(Reinforce::new(sizes, seed, ReinforceSettings::default())),
            "ppo" => Self::Ppo(Box::new(Controller::new(sizes, seed, ControllerSettings::default()))),
            "nsga2" => Self::Nsga2(Nsga2::new(sizes, seed, Nsga2Settings::default())),
            _ => return None,
        })
    }

    /// The state, but for what changes rarely and is large.
    ///
    /// # Errors
    ///
    /// A state that has no text, which would be a mistake of a searcher.
    pub fn save(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }

    /// What changes rarely and is large, and its revision, a number that is another whenever it has changed: the
    /// controller's weights. `None` where the revision is `known`.
    pub fn large(&self, known: Option<u64>) -> Option<(u64, Vec<u8>)> {
        match self {
            Self::Ppo(controller) if known != Some(controller.updates()) => {
                Some((controller.updates(), controller.large()))
            }
            _ => None,
        }
    }

    /// A searcher by this method over choices of these sizes as it was saved, to whose revision `large` belongs.
    ///
    /// # Errors
    ///
    /// What is not as it was saved, or was never a state of such a searcher: a study may be anyone's.
    pub fn restore(saved: &str, large: Option<&[u8]>, method: &str, sizes: &[usize]) -> Result<Self, String> {
        let mut searcher: Self = serde_json::from_str(saved).map_err(|error| error.to_string())?;
        if searcher.method() != method {
            return Err(format!("it was begun with `{method}`, and goes on with `{}`", searcher.method()));
        }
        searcher.inner().check(sizes).map_err(|what| format!("no searcher is where it says: {what}"))?;
        if let Self::Ppo(controller) = &mut searcher {
            controller.set_large(large.ok_or("the controller's weights are missing")?)?;
        }
        Ok(searcher)
    }

    /// Its name in [`METHODS`].
    pub fn method(&self) -> &'static str {
        match self {
            Self::Random(_) => "random",
            Self::Evolution(_) => "evolution",
            Self::Reinforce(_) => "reinforce",
            Self::Ppo(_) => "ppo",
            Self::Nsga2(_) => "nsga2",
        }
    }

    fn inner(&mut self) -> &mut dyn Restored {
        match self {
            Self::Random(it) => it,
            Self::Evolution(it) => it,
            Self::Reinforce(it) => it,
            Self::Ppo(it) => it.as_mut(),
            Self::Nsga2(it) => it,
        }
    }
}

impl Searcher for AnySearcher {
    fn ask(&mut self) -> Vec<usize> {
        self.inner().ask()
    }

    fn tell(&mut self, candidate: &[usize], outcome: &Outcome) {
        self.inner().tell(candidate, outcome);
    }
}

/// Changes one choice to another of its alternatives, where any choice has two.
fn mutate(candidate: &mut [usize], sizes: &[usize], rng: &mut crate::rng::Rng) {
    let open: Vec<usize> = (0..sizes.len()).filter(|&at| sizes[at] > 1).collect();
    if open.is_empty() {
        return;
    }
    let at = open[rng.below(open.len())];
    let other = rng.below(sizes[at] - 1);
    candidate[at] = if other >= candidate[at] { other + 1 } else { other };
}

/// Probabilities of logits.
fn softmax(logits: &[f64]) -> Vec<f64> {
    let most = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let exps: Vec<f64> = logits.iter().map(|logit| (logit - most).exp()).collect();
    let sum: f64 = exps.iter().sum();
    exps.into_iter().map(|exp| exp / sum).collect()
}
