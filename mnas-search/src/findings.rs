//! Facts about a whole study beside its trials: whether accuracy ranks networks, how well latency was predicted, on
//! which machine it was measured. A study keeps them under their names.

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
/// The name of the number of trials that the last run of the search requested, a whole number.
pub const ASKED: &str = "asked";

/// The name of the results of the baselines, a list of [`EvaluatedBaseline`].
pub const BASELINES: &str = "baselines";

/// A baseline, evaluated as the best trials were.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EvaluatedBaseline {
    /// The name in its spec.
    pub name: String,
    /// YAML.
    pub spec: String,
    /// Trainable parameters.
    pub parameters: u64,
    /// Multiply-accumulates of an inference.
    pub macs: u64,
    /// From 0 to 1, if it could be evaluated.
    pub accuracy: Option<f64>,
    /// The latency, measured as that of trials.
    pub latency: Option<Latency>,
    /// Why it could not be evaluated or timed.
    pub message: Option<String>,
}

/// Whether an evaluator's accuracy ranks networks: a few of them, trained with several seeds each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ranking {
    /// By rising multiply-accumulates.
    pub networks: Vec<RankedNetwork>,
    /// Epochs of each training, where known.
    pub epochs: Option<u32>,
    /// Kendall's tau between the accuracies of two seeds: 1 where both rank all pairs alike, 0 where they agree by
    /// chance.
    pub tau: f64,
    /// Lower end of its 95 % interval, by bootstrap over networks.
    pub tau_low: f64,
    /// Upper end of the interval.
    pub tau_high: f64,
    /// Standard deviation between the networks' mean accuracies.
    pub spread: f64,
    /// Mean distance of the accuracies of two seeds of a network.
    pub seed_difference: f64,
    /// How many more epochs would separate the networks, where these do not.
    pub epochs_to_add: Option<u32>,
    /// The method of that estimate.
    #[serde(default)]
    pub estimate: Estimate,
}

/// How the number of epochs to add was estimated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Estimate {
    /// No epochs are to be added.
    #[default]
    None,
    /// By extrapolating the accuracies after each epoch: the spread between networks over the difference between seeds,
    /// as a power of the epochs.
    Curves,
    /// There is no trend to extrapolate: twice the epochs are tried next.
    Doubling,
}

/// A network that was trained with several seeds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RankedNetwork {
    /// YAML; empty where candidates are no networks.
    pub spec: String,
    /// The accuracy of each seed.
    pub accuracies: Vec<f64>,
    /// The accuracy of each seed after each epoch, where known.
    #[serde(default)]
    pub curves: Vec<Vec<f64>>,
    /// An index for each choice.
    #[serde(default)]
    pub choices: Vec<usize>,
}

/// How far the accuracies of two seeds of a network differ on the highest rung of successive halving. Networks that
/// were trained longest differ by less than [`Ranking`] measures on the lowest rung.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RungNoise {
    /// The rung, from 0.
    pub rung: u32,
    /// Epochs of training on it, where known.
    pub epochs: Option<u32>,
    /// Networks that were trained there twice; those whose second training failed are left out.
    pub networks: Vec<TrainedTwice>,
}

/// A network that was trained twice on a rung.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainedTwice {
    /// The trial of the first training.
    pub trial: u64,
    /// The accuracies of the trial and of the other seed.
    pub accuracies: [f64; 2],
}

/// How well the latency of whole networks is predicted by that of their layers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// Networks that were measured as a whole.
    pub pairs: Vec<Pair>,
    /// The share of them that was predicted within 10 %.
    pub within_10_percent: f64,
    /// Kendall's tau between both figures.
    pub tau: f64,
}

/// A predicted latency and the measured one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    /// YAML.
    pub spec: String,
    /// The sum of the layers.
    pub predicted: Latency,
    /// The latency of the whole network.
    pub measured: Latency,
}

/// The machine on which latency was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// The processor.
    pub cpu: String,
    /// The instruction set of the kernels.
    pub isa: String,
    /// The number of threads.
    pub threads: u32,
    /// The versions of the compilers: rustc's and, in newer studies, mnasc's.
    pub compiler: String,
    /// The command that started programs there, if they did not run on this machine.
    pub runner: Option<String>,
    /// The load of the machine meanwhile, in runnable processes.
    pub load: f64,
    /// Whether the figures are valid for that processor: those of an emulator are not.
    pub is_meaningful: bool,
}
