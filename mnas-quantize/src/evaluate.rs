//! The network in int8 beside the float network.

use crate::layers::{LayerError, LayerSums, decibels};
use mnas_codegen::quantized::{Executor, Quantized, Value};
use mnas_codegen::reference::{self, Keep, ReferenceError};
use mnas_codegen::weights::Weights;
use std::collections::BTreeMap;

/// Counts over images.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Comparison {
    /// Images compared.
    pub images: usize,
    /// Those that have a label.
    pub labelled: usize,
    /// Labels that are the float network's first class.
    pub float_right: usize,
    /// Labels that are the int8 network's first class.
    pub int8_right: usize,
    /// Images for which both have the same first class.
    pub agree: usize,
    /// Sum of the squared float logits.
    pub signal: f64,
    /// Sum of the squared differences of the logits.
    pub noise: f64,
}

impl Comparison {
    /// Signal-to-quantisation-noise ratio of the logits, in dB; infinite where there is no difference.
    pub fn sqnr_db(&self) -> f64 {
        decibels(self.signal, self.noise)
    }
}

/// Both networks on one image after the other.
pub struct Comparer<'n> {
    executor: Executor<'n>,
    network: &'n Quantized,
    weights: &'n Weights,
    counts: Comparison,
    layers: LayerSums,
}

impl<'n> Comparer<'n> {
    /// Nothing compared yet. `weights` are those of the float network.
    ///
    /// # Panics
    ///
    /// If the int8 network is not consistent.
    pub fn new(network: &'n Quantized, weights: &'n Weights) -> Self {
        let layers = LayerSums::new(&network.graph);
        Comparer { executor: Executor::new(network), network, weights, counts: Comparison::default(), layers }
    }

    /// Compares the outputs for an image (HWC, normalised).
    ///
    /// # Errors
    ///
    /// The image has another size, or the weights do not fit the graph.
    pub fn add(&mut self, image: &[f32], label: Option<usize>) -> Result<(), ReferenceError> {
        let graph = &self.network.graph;
        let float = reference::run_keeping(graph, self.weights, image, Keep::Only(&[]))?;
        let int8 = self.executor.run(image, |_| false);
        self.count(float.output(), &int8, label);
        Ok(())
    }

    /// [`Comparer::add`], and compares each layer too, which takes twice the time.
    ///
    /// # Errors
    ///
    /// As [`Comparer::add`].
    pub fn add_with_layers(&mut self, image: &[f32], label: Option<usize>) -> Result<(), ReferenceError> {
        let float = reference::run(&self.network.graph, self.weights, image)?;
        let int8 = self.executor.run(image, |_| true);
        self.layers.add(self.network, &self.executor, &float, &int8);
        self.count(float.output(), &int8, label);
        Ok(())
    }

    /// The counts so far.
    pub fn counts(&self) -> Comparison {
        self.counts
    }

    /// What each layer loses, in the order of the graph, over the images of [`Comparer::add_with_layers`]; empty without
    /// any.
    pub fn layers(&self) -> Vec<LayerError> {
        self.layers.errors(self.network)
    }

    fn count(&mut self, float: &[f64], int8: &BTreeMap<mnas_codegen::graph::TensorId, Value>, label: Option<usize>) {
        let int8 = int8[&self.network.graph.output].floats();
        let counts = &mut self.counts;
        let (a, b) = (first(float.iter().copied()), first(int8.iter().copied().map(f64::from)));
        counts.images += 1;
        counts.agree += usize::from(a == b);
        if let Some(label) = label {
            counts.labelled += 1;
            counts.float_right += usize::from(a == label);
            counts.int8_right += usize::from(b == label);
        }
        for (a, b) in float.iter().zip(int8) {
            counts.signal += a * a;
            counts.noise += (a - f64::from(*b)).powi(2);
        }
    }
}

/// Index of the largest, the first of equal ones.
fn first(values: impl Iterator<Item = f64>) -> usize {
    values.enumerate().fold((0, f64::NEG_INFINITY), |best, (i, v)| if v > best.1 { (i, v) } else { best }).0
}
