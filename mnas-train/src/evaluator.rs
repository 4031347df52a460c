//! The evaluator of a search that trains networks.

use crate::data::{Data, Pictures, fewer, hold_out};
use crate::device::{Backend, DeviceError, DeviceName, processor};
use crate::pause::Pause;
use crate::recipe::Recipe;
use crate::training::{Task, Trained, TrainingError, train};
use burn_tensor::Device;
use mnas_search::evaluator::{Evaluator, TRAINS};
use mnas_search::job::{Evaluation, Failure, Job};
use serde::{Deserialize, Serialize};

/// Trains each network from random weights, and measures its accuracy on held-out pictures. The test pictures are not
/// used.
#[derive(Clone, Debug)]
pub struct TrainingEvaluator {
    setup: Setup,
    train: Pictures,
    held_out: Pictures,
    device: Device,
    pause: Pause,
}

/// Everything besides the job that an accuracy depends on; a study stores it as the evaluator's name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setup {
    /// Name and checksum of the data set.
    pub data: String,
    /// Share of the training pictures that is held out.
    pub held_out: f64,
    /// Number of the other training pictures that networks are trained on; `None` for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pictures: Option<u32>,
    /// The recipe.
    pub recipe: Recipe,
    /// The device: another device adds in another order, and gives other weights.
    #[serde(default, skip_serializing_if = "Backend::is_cpu")]
    pub backend: Backend,
}

impl Setup {
    /// The setup in an evaluator's name; `None` if the name belongs to another kind of evaluator.
    pub fn parse(name: &str) -> Option<Self> {
        serde_json::from_str(name.strip_prefix(TRAINS)?).ok()
    }

    /// Whether the data set has this name.
    pub fn is_of(&self, data: &str) -> bool {
        self.data.split_once(' ').is_some_and(|(name, _)| name == data)
    }
}

/// Seed of the held-out pictures, which are the same for all trials of all searches.
const HOLD_OUT_SEED: u64 = 0;

impl TrainingEvaluator {
    /// An evaluator that trains on `data`, on the processor. The share `held_out` of the training images is held out;
    /// networks are trained on `pictures` of the rest, or on all of it. Each batch waits for `pause`.
    pub fn new(data: &Data, held_out: f64, pictures: Option<u32>, recipe: Recipe, pause: Pause) -> Self {
        let setup = Setup { data: data.fingerprint(), held_out, pictures, recipe, backend: Backend::Cpu };
        let (mut train, held_out) = hold_out(&data.train, held_out, HOLD_OUT_SEED);
        if let Some(count) = pictures {
            train = fewer(&train, count as usize, HOLD_OUT_SEED);
        }
        Self { setup, train, held_out, device: processor(), pause }
    }

    /// Numbers of training pictures and held-out pictures.
    pub fn counts(&self) -> (usize, usize) {
        (self.train.len(), self.held_out.len())
    }

    /// This evaluator on another device.
    ///
    /// # Errors
    ///
    /// The device is not available.
    pub fn on(mut self, name: DeviceName) -> Result<Self, DeviceError> {
        self.device = name.open()?;
        self.setup.backend = name.backend;
        Ok(self)
    }

    /// The device that trains.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Trains the network of a job. Equal jobs give equal weights.
    ///
    /// # Errors
    ///
    /// The errors of an evaluation.
    pub fn train(&self, job: &Job) -> Result<Trained, Failure> {
        let (spec, network) =
            mnas_dsl::load_yaml(&job.spec, "spec").map_err(|mistakes| Failure::Trial(mistakes.to_string()))?;
        let recipe = &self.setup.recipe;
        let recipe = Recipe { epochs: job.budget.epochs.unwrap_or(recipe.epochs), ..recipe.clone() };
        let task = Task {
            spec: &spec,
            network: &network,
            train: &self.train,
            held_out: &self.held_out,
            recipe: &recipe,
            seed: job.seed,
            device: &self.device,
            pause: &self.pause,
        };
        train(&task, &mut |_| true).map_err(|error| match error {
            // A failure of this network alone: another may have a head, or converge.
            TrainingError::Unfit(_) | TrainingError::Diverged(_) => Failure::Trial(error.to_string()),
            // A network may be too large for the device; five failures in a row stop a search.
            TrainingError::Device(_) => Failure::Trial(error.to_string()),
            TrainingError::Stopped => Failure::Stop(error.to_string()),
        })
    }
}

impl Evaluator for TrainingEvaluator {
    fn name(&self) -> String {
        // Writing a structure of strings and numbers never fails.
        format!("{TRAINS}{}", serde_json::to_string(&self.setup).unwrap_or_default())
    }

    fn jobs(&self) -> usize {
        if !self.setup.backend.is_cpu() {
            return 1;
        }
        // On the processor a training uses one thread.
        std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
    }

    fn evaluate(&self, job: &Job) -> Result<Evaluation, Failure> {
        let trained = self.train(job)?;
        let accuracy = trained.epochs.last().copied().unwrap_or(0.0);
        Ok(Evaluation { accuracy, epochs: trained.epochs, latency: None })
    }
}
