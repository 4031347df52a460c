//! Folding: the weights of a convolution and of its batch norm become one weight and one bias.

use crate::graph::Conv;
use crate::parameter::{BatchNormParameters, ParameterError, parameter};
use crate::weights::Weights;

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

/// [`fold`] for weights that nobody has checked.
///
/// # Errors
///
/// A parameter is missing or has another shape.
pub fn try_fold(conv: &Conv, weights: &Weights) -> Result<Folded, ParameterError> {
    let channels = conv.output_channels;
    let weight = parameter(weights, &format!("{}.weight", conv.param), &conv.weight_shape())?;
    let bias = match conv.bias {
        true => parameter(weights, &format!("{}.bias", conv.param), &[channels])?.to_vec(),
        false => vec![0.0; channels],
    };
    let Some((param, eps)) = &conv.batch_norm else {
        return Ok(Folded { weight: weight.to_vec(), bias });
    };
    let norm = BatchNormParameters::find(weights, param, channels)?;
    let filter_len = conv.weight_len() / channels;
    let filters = weight.chunks_exact(filter_len).enumerate();
    Ok(Folded {
        weight: filters
            .flat_map(|(channel, filter)| {
                let scale = norm.scale(channel, *eps);
                filter.iter().map(move |&weight| (f64::from(weight) * scale) as f32)
            })
            .collect(),
        bias: (0..channels).map(|channel| norm.apply(channel, *eps, f64::from(bias[channel])) as f32).collect(),
    })
}
