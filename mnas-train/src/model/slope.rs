//! The loss of a batch, and its gradient.

use super::forward::{Statistics, Training};
use super::{Model, Parameter, values};
use burn_tensor::{Device, Tensor, TensorData, Transaction, activation};
use mnas_search::rng::Rng;

/// Loss and gradient of a batch.
#[derive(Debug)]
pub struct Slope {
    /// Mean cross entropy.
    pub loss: f64,
    /// Scores of each picture.
    pub scores: Vec<f32>,
    /// The gradient of each parameter, in the network's order; `None` for parameters that are not trained.
    pub gradients: Vec<Option<Vec<f32>>>,
    pub(crate) seen: Vec<Statistics>,
}

/// Regularisation of a batch.
#[derive(Clone, Copy, Debug, Default)]
pub struct Noise {
    /// Label smoothing: the share of the target that is spread over all classes.
    pub label_smoothing: f64,
    /// Share of the classifier's inputs that dropout sets to 0.
    pub dropout: f64,
}

impl Model {
    /// Loss and gradient for pictures and their classes, with the statistics of the batch.
    ///
    /// # Panics
    ///
    /// If the length is not a multiple of a picture's, or a class is out of range.
    pub fn slope(&self, pictures: &[f32], labels: &[u16], noise: Noise, rng: &mut Rng) -> Slope {
        let leaves = self.leaves();
        let (scores, seen) = self.train(&leaves, pictures, Training { rng, dropout: noise.dropout });
        let loss = loss(scores.clone(), labels, noise.label_smoothing);
        let mut found = loss.backward();
        let mut reading = Reading::default();
        let (scores, loss) = (reading.later(scores.inner()), reading.later(loss.inner()));
        let gradients: Vec<Option<usize>> =
            leaves.iter().map(|leaf| leaf.grad_remove(&mut found).map(|gradient| reading.later(gradient))).collect();
        let seen: Vec<Statistics<usize>> =
            seen.into_iter().map(|it| it.map(|tensor| reading.later(tensor.without_autodiff()))).collect();
        let mut read = reading.done();
        let mut take = |at: usize| std::mem::take(&mut read[at]);
        Slope {
            loss: f64::from(take(loss)[0]),
            scores: take(scores),
            gradients: gradients.into_iter().map(|at| at.map(&mut take)).collect(),
            seen: seen.into_iter().map(|it| it.map(&mut take)).collect(),
        }
    }

    /// The parameters as tensors that record gradients.
    fn leaves(&self) -> Vec<Tensor<1>> {
        let device: Device = self.device.clone().autodiff();
        let leaf = |parameter: &Parameter| {
            let values = Tensor::from_floats(parameter.values.as_slice(), &device);
            if parameter.kind.is_learnt() { values.require_grad() } else { values }
        };
        self.parameters.iter().map(leaf).collect()
    }
}

/// Tensors that are read together, so that the program waits for the device once and not for each tensor.
#[derive(Default)]
struct Reading {
    tensors: Transaction,
    count: usize,
}

impl Reading {
    /// Adds a tensor and returns its index among the results.
    fn later<const D: usize>(&mut self, tensor: Tensor<D>) -> usize {
        self.tensors = std::mem::take(&mut self.tensors).register(tensor);
        self.count += 1;
        self.count - 1
    }

    /// The values of each tensor.
    fn done(self) -> Vec<Vec<f32>> {
        let read: Vec<Vec<f32>> = self.tensors.execute().into_iter().map(values).collect();
        debug_assert_eq!(read.len(), self.count, "tensors are read in the order of their places");
        read
    }
}

/// Mean cross entropy; `smoothing` of the target is spread over all classes.
fn loss(scores: Tensor<2>, labels: &[u16], smoothing: f64) -> Tensor<1> {
    let [count, classes] = scores.dims();
    let mut targets = vec![(smoothing / classes as f64) as f32; count * classes];
    for (targets, &label) in targets.chunks_exact_mut(classes).zip(labels) {
        targets[usize::from(label)] += (1.0 - smoothing) as f32;
    }
    let targets = Tensor::<2>::from_data(TensorData::new(targets, [count, classes]), &scores.device());
    (activation::log_softmax(scores, 1) * targets).sum().mul_scalar(-1.0 / count as f64)
}
