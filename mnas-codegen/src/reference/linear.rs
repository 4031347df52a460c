//! Fully connected layer.

use crate::parameter::{ParameterError, parameter};
use crate::weights::Weights;

pub(super) fn run(param: &str, weights: &Weights, x: &[f64], outputs: usize) -> Result<Vec<f64>, ParameterError> {
    let weight = parameter(weights, &format!("{param}.weight"), &[outputs, x.len()])?;
    let bias = parameter(weights, &format!("{param}.bias"), &[outputs])?;
    let rows = weight.chunks_exact(x.len()).zip(bias);
    Ok(rows
        .map(|(row, bias)| row.iter().zip(x).map(|(w, x)| f64::from(*w) * x).sum::<f64>() + f64::from(*bias))
        .collect())
}
