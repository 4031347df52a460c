//! Training one network.

use crate::augment::Values;
use crate::data::Pictures;
use crate::model::{Model, Noise};
use crate::optimizer::Steps;
use crate::pause::Pause;
use crate::recipe::Recipe;
use crate::schedule::learning_rate;
use burn_tensor::Device;
use mnas_codegen::weights::Weights;
use mnas_dsl::{Network, Spec};
use mnas_search::rng::Rng;
use std::fmt;

/// What is trained, with what, and how.
#[derive(Clone, Copy, Debug)]
pub struct Task<'a> {
    /// The spec, for its dropout.
    pub spec: &'a Spec,
    /// What it means.
    pub network: &'a Network,
    /// What it learns from.
    pub train: &'a Pictures,
    /// What its accuracy is measured on after each epoch.
    pub held_out: &'a Pictures,
    /// How.
    pub recipe: &'a Recipe,
    /// Decides initial weights, the order of pictures, and what is drawn of them.
    pub seed: u64,
    /// Where it is computed.
    pub device: &'a Device,
    /// Between any two batches the training waits while this is held.
    pub pause: &'a Pause,
}

/// Where a training is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// The epoch, from 0.
    pub epoch: u32,
    /// Epochs in all.
    pub epochs: u32,
    /// Steps that are done, of all epochs.
    pub step: usize,
    /// Steps in all.
    pub steps: usize,
    /// Mean loss of the epoch so far.
    pub loss: f64,
    /// Share of the epoch's pictures so far that were right, as they were when they were learnt from.
    pub train_accuracy: f64,
    /// Accuracy on what was held out, behind the last step of an epoch.
    pub accuracy: Option<f64>,
}

/// A trained network.
#[derive(Clone, Debug, PartialEq)]
pub struct Trained {
    /// Its weights under mnas's names.
    pub weights: Weights,
    /// Accuracy on what was held out after each epoch; 0 where nothing was.
    pub epochs: Vec<f64>,
}

/// Why a network was not trained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrainingError {
    /// The network, the data and the recipe do not fit together.
    Unfit(String),
    /// The loss is no number any more, in this epoch from 0.
    Diverged(u32),
    /// Whoever watched wanted no more.
    Stopped,
}

impl fmt::Display for TrainingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unfit(message) => f.write_str(message),
            Self::Diverged(epoch) => {
                write!(f, "the loss is no number any more in epoch {}; a smaller learning rate may help", epoch + 1)
            }
            Self::Stopped => f.write_str("the training was stopped"),
        }
    }
}

impl std::error::Error for TrainingError {}

/// Trains a network; `watch` is told after each batch, and may stop it by `false`.
///
/// # Errors
///
/// What does not fit together, or that the loss ran away, or that it was stopped.
pub fn train(task: &Task<'_>, watch: &mut dyn FnMut(&Progress) -> bool) -> Result<Trained, TrainingError> {
    let Task { recipe, .. } = *task;
    let values = check(task)?;
    let mut model = Model::new(task.spec, task.network, task.seed, task.device);
    let mut optimizer: Vec<Steps> =
        model.parameters().iter().map(|parameter| Steps::new(recipe.optimizer, parameter.values.len())).collect();
    let mut average = (recipe.weight_average > 0.0).then(|| model.clone());
    let mut rng = Rng::new(task.seed);
    let mut order: Vec<usize> = (0..task.train.len()).collect();
    let per_epoch = (task.train.len() as f64 / recipe.batch as f64).round().max(1.0) as usize;
    let steps = per_epoch * recipe.epochs as usize;
    let mut epochs = Vec::new();
    for epoch in 0..recipe.epochs {
        shuffle(&mut order, &mut rng);
        let (mut loss_sum, mut right, mut done) = (0.0, 0, 0);
        for batch in 0..per_epoch {
            let guard = task.pause.batch();
            // Batches of an epoch differ by a picture at most.
            let indices = &order[batch * order.len() / per_epoch..(batch + 1) * order.len() / per_epoch];
            let step = epoch as usize * per_epoch + batch;
            let rate = learning_rate(recipe, step, steps, per_epoch);
            let result = learn(task, &mut model, &mut optimizer, &values, indices, rate, &mut rng);
            if !result.loss.is_finite() {
                return Err(TrainingError::Diverged(epoch));
            }
            if let Some(average) = &mut average {
                take_in(average, &model, recipe.weight_average, step);
            }
            loss_sum += result.loss * indices.len() as f64;
            right += result.right;
            done += indices.len();
            let accuracy = (batch + 1 == per_epoch).then(|| {
                let judged = average.as_ref().unwrap_or(&model);
                accuracy(judged, &values, task.held_out)
            });
            epochs.extend(accuracy);
            drop(guard);
            let progress = Progress {
                epoch,
                epochs: recipe.epochs,
                step: step + 1,
                steps,
                loss: loss_sum / done as f64,
                train_accuracy: right as f64 / done as f64,
                accuracy,
            };
            if !watch(&progress) {
                return Err(TrainingError::Stopped);
            }
        }
    }
    Ok(Trained { weights: average.unwrap_or(model).weights(), epochs })
}

/// Share of the pictures whose class has the highest score; 0 of none.
pub fn accuracy(model: &Model, values: &Values, pictures: &Pictures) -> f64 {
    /// Pictures that are judged at once.
    const BATCH: usize = 256;
    let indices: Vec<usize> = (0..pictures.len()).collect();
    let right: usize = indices
        .chunks(BATCH)
        .map(|indices| count_right(&model.scores(&values.batch(pictures, indices, model.input())), pictures, indices))
        .sum();
    right as f64 / pictures.len().max(1) as f64
}

/// Accuracy of a task's network with these weights, such as on test pictures.
///
/// # Panics
///
/// If the weights are not the network's, or the task cannot be trained.
pub fn judge(task: &Task<'_>, weights: &Weights, pictures: &Pictures) -> f64 {
    let preprocess = task.network.preprocess.as_ref().expect("what was trained has a `preprocess`");
    let model = Model::with_weights(task.spec, task.network, weights, task.device);
    accuracy(&model, &Values::new(preprocess), pictures)
}

/// What the network's input is made by.
fn check(task: &Task<'_>) -> Result<Values, TrainingError> {
    let Task { network, train, held_out, recipe, .. } = *task;
    let unfit = |message: String| Err(TrainingError::Unfit(message));
    if let Err(message) = recipe.check() {
        return unfit(message);
    }
    let Some(head) = &network.head else {
        return unfit(format!("the network `{}` has no head, so it gives no classes", network.name));
    };
    let Some(preprocess) = &network.preprocess else {
        return unfit(format!("the spec of `{}` does not say how bytes become its input: `preprocess`", network.name));
    };
    if train.len() < 2 {
        return unfit("there are fewer than two pictures to learn from".to_owned());
    }
    for pictures in [train, held_out] {
        if pictures.pixels.len() != pictures.len() * network.input.len() {
            return unfit(format!("the pictures have another size than the network's input, {}", network.input));
        }
        if let Some(label) = pictures.labels.iter().find(|&&label| usize::from(label) >= head.classes) {
            return unfit(format!("the network has {} classes, the data have more: {label}, from 0", head.classes));
        }
    }
    Ok(Values::new(preprocess))
}

/// What a step showed.
struct Learnt {
    loss: f64,
    right: usize,
}

/// One step.
fn learn(
    task: &Task<'_>,
    model: &mut Model,
    optimizer: &mut [Steps],
    values: &Values,
    indices: &[usize],
    rate: f64,
    rng: &mut Rng,
) -> Learnt {
    let Task { train, recipe, .. } = *task;
    let pictures = values.augmented(train, indices, model.input(), recipe, rng);
    let labels: Vec<u16> = indices.iter().map(|&at| train.labels[at]).collect();
    let dropout = recipe.dropout.unwrap_or(model.dropout());
    let noise = Noise { label_smoothing: recipe.label_smoothing, dropout };
    let slope = model.slope(&pictures, &labels, noise, rng);
    for ((parameter, gradient), steps) in model.parameters_mut().iter_mut().zip(&slope.gradients).zip(optimizer) {
        if let Some(gradient) = gradient {
            let decay = if parameter.decays() { recipe.weight_decay } else { 0.0 };
            steps.step(&mut parameter.values, gradient, rate, decay);
        }
    }
    let right = count_right(&slope.scores, train, indices);
    model.collect(slope.seen, recipe.batch_norm_momentum);
    Learnt { loss: slope.loss, right }
}

fn count_right(scores: &[f32], pictures: &Pictures, indices: &[usize]) -> usize {
    let classes = scores.len() / indices.len().max(1);
    let is_right = |(scores, &at): (&[f32], &usize)| {
        let best = (0..classes).fold(0, |best, class| if scores[class] > scores[best] { class } else { best });
        best == usize::from(pictures.labels[at])
    };
    scores.chunks_exact(classes.max(1)).zip(indices).filter(|pair| is_right(*pair)).count()
}

/// Takes the weights and statistics after a step into their average, which follows faster in the beginning.
fn take_in(average: &mut Model, model: &Model, decay: f64, step: usize) {
    let kept = decay.min((1.0 + step as f64) / (10.0 + step as f64)) as f32;
    for (average, parameter) in average.parameters_mut().iter_mut().zip(model.parameters()) {
        for (average, value) in average.values.iter_mut().zip(&parameter.values) {
            *average = kept * *average + (1.0 - kept) * value;
        }
    }
}

fn shuffle(order: &mut [usize], rng: &mut Rng) {
    for end in (1..order.len()).rev() {
        order.swap(end, rng.below(end + 1));
    }
}
