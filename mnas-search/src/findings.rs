//! What was found out about a whole study, beside its trials: whether accuracy ranks networks, how well latency was
//! foreseen, on what it was measured. A study keeps them under their names.

use crate::job::Latency;
use serde::{Deserialize, Serialize};

/// The name of a [`Ranking`] in a study.
pub const RANKING: &str = "ranking";
/// The name of a [`RungNoise`] in a study.
pub const NOISE: &str = "noise";
/// The name of a [`Prediction`] in a study.
pub const PREDICTION: &str = "prediction";
/// The name of a [`Machine`] in a study.
pub const MACHINE: &str = "machine";
/// The name of how many trials were asked for when a study was last searched, a whole number.
pub const ASKED: &str = "asked";

/// The name of what networks were worth that the search is compared with, a list of [`JudgedBaseline`].
pub const BASELINES: &str = "baselines";

/// A network that the search is compared with, judged as its best trials were.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JudgedBaseline {
    /// As its spec calls it.
    pub name: String,
    /// YAML.
    pub spec: String,
    /// Trainable parameters.
    pub parameters: u64,
    /// Multiply-accumulates of an inference.
    pub macs: u64,
    /// A part of 1, if it could be judged.
    pub accuracy: Option<f64>,
    /// As that of trials.
    pub latency: Option<Latency>,
    /// Why it could not be judged or timed.
    pub message: Option<String>,
}

/// Whether an evaluator's accuracy ranks networks: a few of them, trained with several seeds each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ranking {
    /// By rising multiply-accumulates.
    pub networks: Vec<RankedNetwork>,
    /// Epochs of training of each, where they are known.
    pub epochs: Option<u32>,
    /// Kendall's tau between the accuracies of two seeds: 1 where both rank all pairs alike, 0 where they agree by chance.
    pub tau: f64,
    /// Lower end of its 95 % interval, by bootstrap over networks.
    pub tau_low: f64,
    /// Upper end.
    pub tau_high: f64,
    /// Standard deviation between the networks' mean accuracies.
    pub spread: f64,
    /// Mean distance of the accuracies of two seeds of a network.
    pub seed_difference: f64,
    /// How many epochs more would separate them, where these do not.
    pub epochs_to_add: Option<u32>,
    /// How that was estimated.
    #[serde(default)]
    pub estimate: Estimate,
}

/// How it was estimated how many epochs to add.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Estimate {
    /// None are to be added.
    #[default]
    None,
    /// What the accuracies after each epoch showed was continued: the spread between networks against the difference
    /// between seeds, as a power of the epochs.
    Curves,
    /// There was nothing to continue: twice the epochs are what to try next.
    Doubling,
}

/// A network that was trained with several seeds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RankedNetwork {
    /// YAML; empty where candidates are no networks.
    pub spec: String,
    /// For each seed.
    pub accuracies: Vec<f64>,
    /// For each seed, the accuracy after each epoch, where it is known.
    #[serde(default)]
    pub curves: Vec<Vec<f64>>,
    /// An index for each choice.
    #[serde(default)]
    pub choices: Vec<usize>,
}

/// How far the accuracies of two seeds of a network differ on the highest rung of successive halving: networks that were
/// trained longest are told apart by less than what [`Ranking`] sees on the lowest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RungNoise {
    /// The rung, from 0.
    pub rung: u32,
    /// Epochs of training on it, where they are known.
    pub epochs: Option<u32>,
    /// Networks that were trained there twice; those whose second training failed are left out.
    pub networks: Vec<TrainedTwice>,
}

/// A network that was trained twice on a rung.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainedTwice {
    /// The trial of the first training.
    pub trial: u64,
    /// Of the trial, and of the other seed.
    pub accuracies: [f64; 2],
}

/// How well the latency of whole networks was foreseen from that of their layers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// Networks that were measured whole.
    pub pairs: Vec<Pair>,
    /// Which part of them was foreseen within 10 %.
    pub within_10_percent: f64,
    /// Kendall's tau between both figures.
    pub tau: f64,
}

/// A latency that was foreseen, and the measured one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    /// YAML.
    pub spec: String,
    /// The sum of its layers.
    pub predicted: Latency,
    /// The whole network.
    pub measured: Latency,
}

/// On what latency was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// Its processor.
    pub cpu: String,
    /// Which kernels ran.
    pub isa: String,
    /// How many threads.
    pub threads: u32,
    /// The versions of what made the programs: rustc's, and, of studies that are not too old, mnasc's.
    pub compiler: String,
    /// What started programs there, if they did not run here.
    pub runner: Option<String>,
    /// Processes that wanted to run meanwhile.
    pub load: f64,
    /// Whether the figures say anything about that processor: those of an emulator do not.
    pub is_meaningful: bool,
}
