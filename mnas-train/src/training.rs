//! The training of one network.

use crate::augment::Values;
use crate::data::Pictures;
use crate::device::processor;
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
use std::panic::AssertUnwindSafe;

/// The input of a training.
#[derive(Clone, Copy, Debug)]
pub struct Task<'a> {
    /// The spec, which gives the dropout.
    pub spec: &'a Spec,
    /// The network of the spec.
    pub network: &'a Network,
    /// The training pictures.
    pub train: &'a Pictures,
    /// The held-out pictures, on which accuracy is measured after each epoch.
    pub held_out: &'a Pictures,
    /// The recipe.
    pub recipe: &'a Recipe,
    /// Seed of the initial weights, the order of pictures and their random changes.
    pub seed: u64,
    /// The device.
    pub device: &'a Device,
    /// The condition that each batch waits for.
    pub pause: &'a Pause,
}

/// The progress of a training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// The epoch, from 0.
    pub epoch: u32,
    /// Number of epochs.
    pub epochs: u32,
    /// Number of completed steps, over all epochs.
    pub step: usize,
    /// Number of steps of all epochs.
    pub steps: usize,
    /// Mean loss of the epoch so far.
    pub loss: f64,
    /// Share of the epoch's pictures so far that were classified correctly during training.
    pub train_accuracy: f64,
    /// Accuracy on the held-out pictures, after the last step of an epoch.
    pub accuracy: Option<f64>,
}

/// A trained network.
#[derive(Clone, Debug, PartialEq)]
pub struct Trained {
    /// The weights under mnas's names.
    pub weights: Weights,
    /// Accuracy on the held-out pictures after each epoch; 0 if no picture was held out.
    pub epochs: Vec<f64>,
}

/// The reason why a training failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrainingError {
    /// The network, the data and the recipe do not fit together.
    Unfit(String),
    /// The loss became NaN or infinite in this epoch, counted from 0.
    Diverged(u32),
    /// The `watch` function returned false.
    Stopped,
    /// The device failed, for example for lack of memory; the text is the driver's message.
    Device(String),
}

impl fmt::Display for TrainingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unfit(message) => f.write_str(message),
            Self::Diverged(epoch) => {
                write!(f, "the loss became NaN or infinite in epoch {}; try a smaller learning rate", epoch + 1)
            }
            Self::Stopped => f.write_str("the training was stopped"),
            Self::Device(words) => write!(f, "the device failed: {words}"),
        }
    }
}

impl std::error::Error for TrainingError {}

/// Trains a network. `watch` is called after each batch, and stops the training by returning false.
///
/// # Errors
///
/// The parts do not fit together, the loss diverged, `watch` stopped the training, or the device failed.
pub fn train(task: &Task<'_>, watch: &mut dyn FnMut(&Progress) -> bool) -> Result<Trained, TrainingError> {
    unless_it_fails(task.device, || train_here(task, watch)).unwrap_or_else(Err)
}

/// The result of `compute`, or the message of a device that failed: burn reports such a failure by a panic.
fn unless_it_fails<T>(device: &Device, compute: impl FnOnce() -> T) -> Result<T, TrainingError> {
    if *device == processor() {
        return Ok(compute());
    }
    std::panic::catch_unwind(AssertUnwindSafe(compute)).map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
        TrainingError::Device(text.unwrap_or("it gives no reason").trim().to_owned())
    })
}

fn train_here(task: &Task<'_>, watch: &mut dyn FnMut(&Progress) -> bool) -> Result<Trained, TrainingError> {
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
            task.pause.wait();
            // The sizes of an epoch's batches differ by at most one picture.
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

/// Share of the pictures whose class has the highest score; 0 for an empty set.
pub fn accuracy(model: &Model, values: &Values, pictures: &Pictures) -> f64 {
    /// Number of pictures in a batch of the evaluation.
    const BATCH: usize = 256;
    let indices: Vec<usize> = (0..pictures.len()).collect();
    let right: usize = indices
        .chunks(BATCH)
        .map(|indices| count_right(&model.scores(&values.batch(pictures, indices, model.input())), pictures, indices))
        .sum();
    right as f64 / pictures.len().max(1) as f64
}

/// Accuracy of a task's network with the given weights, for example on test pictures.
///
/// # Errors
///
/// The GPU failed.
///
/// # Panics
///
/// If the weights do not fit the network, or the task cannot be trained.
pub fn judge(task: &Task<'_>, weights: &Weights, pictures: &Pictures) -> Result<f64, TrainingError> {
    let preprocess = task.network.preprocess.as_ref().expect("what was trained has a `preprocess`");
    let model = Model::with_weights(task.spec, task.network, weights, task.device);
    unless_it_fails(task.device, || accuracy(&model, &Values::new(preprocess), pictures))
}

/// The normalisation of the network's input.
fn check(task: &Task<'_>) -> Result<Values, TrainingError> {
    let Task { network, train, held_out, recipe, .. } = *task;
    let unfit = |message: String| Err(TrainingError::Unfit(message));
    if let Err(message) = recipe.check() {
        return unfit(message);
    }
    let Some(head) = &network.head else {
        return unfit(format!("the network `{}` has no head; a network with classes is expected", network.name));
    };
    let Some(preprocess) = &network.preprocess else {
        return unfit(format!(
            "the spec of `{}` has no `preprocess`; expected one that says how bytes become the input",
            network.name
        ));
    };
    if train.len() < 2 {
        return unfit("there are fewer than two pictures to train on".to_owned());
    }
    for pictures in [train, held_out] {
        if pictures.pixels.len() != pictures.len() * network.input.len() {
            return unfit(format!(
                "the pictures have another size than the network's input; expected {}",
                network.input
            ));
        }
        if let Some(label) = pictures.labels.iter().find(|&&label| usize::from(label) >= head.classes) {
            return unfit(format!(
                "the network has {} classes, but the data has the label {label}, counted from 0",
                head.classes
            ));
        }
    }
    Ok(Values::new(preprocess))
}

/// The figures of a step.
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

/// Adds the weights and statistics after a step to their moving average, whose decay is smaller in the beginning.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Noise;

    fn model(text: &str) -> Model {
        let (spec, network) = mnas_dsl::load_yaml(text, "net").unwrap_or_else(|mistakes| panic!("{mistakes}"));
        Model::new(&spec, &network, 1, &processor())
    }

    const NET: &str = "name: n\ninput: 8x8x1\nstem: {op: conv, kernel: 3, filters: 8}\n\
                       blocks: [{op: sepconv, kernel: 3, filters: 8}]\nhead: {classes: 2}\n";

    #[test]
    fn averages_follow_as_worked_out_by_hand() {
        let (mut average, mut model) = (model(NET), model(NET));
        let set = |model: &mut Model, value: f32| {
            model.parameters_mut().iter_mut().for_each(|parameter| parameter.values.fill(value));
        };
        let is = |model: &Model, expected: f32| {
            let near = |value: &f32| (value - expected).abs() < 1e-6;
            assert!(model.parameters().iter().flat_map(|parameter| &parameter.values).all(near), "not {expected}");
        };
        set(&mut average, 0.0);
        set(&mut model, 1.0);
        // Step 0 keeps 1/10, step 1 keeps 2/11.
        take_in(&mut average, &model, 0.5, 0);
        is(&average, 0.9);
        take_in(&mut average, &model, 0.5, 1);
        is(&average, 0.9 * 2.0 / 11.0 + 9.0 / 11.0);
        // Later steps keep the recipe's share.
        set(&mut average, 0.0);
        take_in(&mut average, &model, 0.5, 1000);
        is(&average, 0.5);
    }

    /// The first batch norm follows a convolution of constant pictures, so its statistics are known exactly.
    #[test]
    fn running_statistics_are_those_of_the_batches() {
        let text =
            NET.replace("kernel: 3", "kernel: 1").replacen("kernel: 1, filters: 8}]", "kernel: 3, filters: 8}]", 1);
        let mut model = model(&text);
        let weights = model.weights()["stem.conv.weight"].data.clone();
        let batch = |model: &Model, values: [f32; 2]| {
            let pictures: Vec<f32> = values.iter().flat_map(|&value| vec![value; 64]).collect();
            model.slope(&pictures, &[0, 1], Noise::default(), &mut Rng::new(1)).seen
        };
        let check = |model: &Model, mean: f32, variance: f32| {
            let found = model.weights();
            for (channel, weight) in weights.iter().enumerate() {
                let (is_mean, is_variance) =
                    (found["stem.conv.bn.running_mean"].data[channel], found["stem.conv.bn.running_var"].data[channel]);
                assert!((is_mean - weight * mean).abs() < 1e-5, "{is_mean} is not {}", weight * mean);
                let expected = weight * weight * variance;
                assert!((is_variance - expected).abs() < 1e-5 * (1.0 + expected), "{is_variance} is not {expected}");
            }
        };
        // 64 ones and 64 threes have the mean 2 and, over 128 values, the variance 128 / 127. Only the first batch counts.
        let seen = batch(&model, [1.0, 3.0]);
        model.collect(seen, 0.9);
        check(&model, 2.0, 128.0 / 127.0);
        // The second batch has the same weight: mean 4, variance 0.
        let seen = batch(&model, [4.0, 4.0]);
        model.collect(seen, 0.9);
        check(&model, 3.0, 64.0 / 127.0);
    }

    /// Dropout sets a share of the classifier's inputs to 0 and scales the others, so the mean of the scores is unchanged.
    #[test]
    fn dropout_leaves_out_its_share_and_keeps_the_mean() {
        let model = model(NET);
        let pictures: Vec<f32> = (0..2 * 64).map(|at| ((at * 37 % 19) as f32 - 9.0) / 5.0).collect();
        let scores = |dropout: f64, rng: &mut Rng| {
            model.slope(&pictures, &[0, 1], Noise { label_smoothing: 0.0, dropout }, rng).scores
        };
        let mut rng = Rng::new(3);
        let whole = scores(0.0, &mut rng);
        assert_eq!(whole, scores(0.0, &mut rng));
        let draws = 4000;
        let mut of = |dropout: f64| -> Vec<f64> {
            let mut sums = vec![(0.0_f64, 0.0_f64); whole.len()];
            for _ in 0..draws {
                for (sum, score) in sums.iter_mut().zip(scores(dropout, &mut rng)) {
                    *sum = (sum.0 + f64::from(score), sum.1 + f64::from(score).powi(2));
                }
            }
            let variance = |(&(sum, squares), whole): (&(f64, f64), &f32)| {
                let mean = sum / f64::from(draws);
                let variance = squares / f64::from(draws) - mean * mean;
                let error = (variance / f64::from(draws)).sqrt();
                assert!((mean - f64::from(*whole)).abs() < 5.0 * error, "{mean} is not {whole} (+- {error})");
                variance
            };
            sums.iter().zip(&whole).map(variance).collect()
        };
        // A term t that is kept with probability 1 - p and divided by it has the variance t^2 p / (1 - p).
        for (half, most) in of(0.5).into_iter().zip(of(0.9)) {
            assert!((most / half / 9.0 - 1.0).abs() < 0.25, "{most} is not nine times {half}");
        }
    }
}
