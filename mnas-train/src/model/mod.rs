//! A trainable network: its graph, its parameters as tensors, and the operators that compute them.

mod forward;
mod initial;
mod kernels;
mod operators;
mod slope;

pub use slope::{Noise, Slope};

use crate::device::processor;
use burn_tensor::{Device, TensorData};
use mnas_codegen::graph::Graph;
use mnas_codegen::lower::lower;
use mnas_codegen::weights::{self, ParameterKind, WeightTensor, Weights};
use mnas_dsl::network::Shape;
use mnas_dsl::{Network, Spec};
use std::collections::BTreeMap;

/// A network and its parameters.
#[derive(Clone, Debug)]
pub struct Model {
    graph: Graph,
    device: Device,
    /// Whether the device is the processor, which has its own kernels.
    is_fast: bool,
    /// The spec's dropout before the classifier.
    dropout: f64,
    /// The parameters, in the network's order.
    parameters: Vec<Parameter>,
    /// Index in `parameters` by name.
    names: BTreeMap<String, usize>,
    /// Number of batches in the running statistics.
    batches: u64,
}

/// One parameter.
#[derive(Clone, Debug)]
pub(crate) struct Parameter {
    name: String,
    shape: Vec<usize>,
    kind: ParameterKind,
    /// The values in row-major order.
    pub(crate) values: Vec<f32>,
}

impl Parameter {
    /// Whether weight decay applies: to weights, and not to batch norms and biases.
    pub(crate) fn decays(&self) -> bool {
        matches!(self.kind, ParameterKind::ConvWeight | ParameterKind::LinearWeight)
    }
}

impl Model {
    /// A network with random parameters from a seed.
    pub fn new(spec: &Spec, network: &Network, seed: u64, device: &Device) -> Self {
        let weights = initial::weights(network, seed);
        Self::with_weights(spec, network, &weights, device)
    }

    /// A network with the given weights.
    ///
    /// # Panics
    ///
    /// If the weights do not fit the network; readers of weights check that.
    pub fn with_weights(spec: &Spec, network: &Network, weights: &Weights, device: &Device) -> Self {
        let device = device.clone();
        let parameters: Vec<Parameter> = weights::parameters(network)
            .into_iter()
            .map(|parameter| {
                let tensor = weights.get(&parameter.name).expect("weights that fit have every parameter");
                let values = tensor.data.clone();
                Parameter { name: parameter.name, shape: parameter.shape, kind: parameter.kind, values }
            })
            .collect();
        let names = parameters.iter().enumerate().map(|(at, parameter)| (parameter.name.clone(), at)).collect();
        let dropout = spec.head.as_ref().and_then(|head| head.dropout.as_ref()).map_or(0.0, |dropout| dropout.value);
        let is_fast = device == processor();
        Self { graph: lower(network), device, is_fast, dropout, parameters, names, batches: 0 }
    }

    /// This model, computed by the operators of devices that have no kernels here.
    #[doc(hidden)]
    #[must_use]
    pub fn portable(self) -> Self {
        Self { is_fast: false, ..self }
    }

    /// The parameters under mnas's names.
    pub fn weights(&self) -> Weights {
        let weight = |parameter: &Parameter| {
            let (shape, data) = (parameter.shape.clone(), parameter.values.clone());
            (parameter.name.clone(), WeightTensor { shape, data })
        };
        self.parameters.iter().map(weight).collect()
    }

    /// Shape of a picture.
    pub fn input(&self) -> Shape {
        self.graph.shape(self.graph.input)
    }

    /// The spec's dropout before the classifier; 0 without.
    pub fn dropout(&self) -> f64 {
        self.dropout
    }

    pub(crate) fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    pub(crate) fn parameters_mut(&mut self) -> &mut [Parameter] {
        &mut self.parameters
    }
}

/// The values of a tensor that was read.
fn values(data: TensorData) -> Vec<f32> {
    data.try_into_vec::<f32>().expect("all tensors have single precision")
}
