//! Folding: the weights of a convolution and of its batch norm become one weight and one bias.

use crate::graph::Conv;
use crate::parameter::{BatchNormParameters, ParameterError, parameter};
use crate::weights::Weights;
use mnas_runtime::pack::{Normalization, Parameters};

/// Weight and bias that a kernel applies: `y = weight * x + bias`.
#[derive(Clone, Debug, PartialEq)]
pub struct Folded {
    /// OIHW (\[C,1,k,k\] if depthwise).
    pub weight: Vec<f32>,
    /// One value an output channel; zeros where the convolution has neither bias nor batch norm.
    pub bias: Vec<f32>,
}

/// Folds `gamma / sqrt(var + eps)` into the weight and the rest of the batch norm into the bias, in f64, rounded once.
///
/// # Panics
///
/// Where [`try_fold`] gives an error: on weights that were not checked against the network.
pub fn fold(conv: &Conv, weights: &Weights) -> Folded {
    try_fold(conv, weights).unwrap_or_else(|error| panic!("weights were not checked against the network: {error}"))
}

/// [`fold`] for weights that were not checked.
///
/// # Errors
///
/// A parameter is missing or has another shape.
pub fn try_fold(conv: &Conv, weights: &Weights) -> Result<Folded, ParameterError> {
    let channels = conv.output_channels;
    let weight = parameter(weights, &format!("{}.weight", conv.param), &conv.weight_shape())?;
    let bias = match conv.bias {
        true => Some(parameter(weights, &format!("{}.bias", conv.param), &[channels])?),
        false => None,
    };
    let batch_norm = match &conv.batch_norm {
        None => None,
        Some((param, epsilon)) => {
            let norm = BatchNormParameters::find(weights, param, channels)?;
            let BatchNormParameters { weight, bias, running_mean: mean, running_var: variance } = norm;
            Some(Normalization { weight, bias, mean, variance, epsilon: *epsilon })
        }
    };
    // By the code that folds what kernels read.
    let parameters = Parameters { weight, bias, batch_norm };
    let filter_len = conv.weight_len() / channels;
    let mut folded = Folded { weight: Vec::with_capacity(weight.len()), bias: Vec::with_capacity(channels) };
    for (channel, filter) in weight.chunks_exact(filter_len).enumerate() {
        let (scale, bias) = parameters.fold(channel);
        folded.weight.extend(filter.iter().map(|&weight| (f64::from(weight) * scale) as f32));
        folded.bias.push(bias as f32);
    }
    Ok(folded)
}
