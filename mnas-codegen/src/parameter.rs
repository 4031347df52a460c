//! Looking up weights by the names that the Graph knows them by.

use std::fmt;

use crate::weights::Weights;

/// The values of a parameter.
///
/// # Errors
///
/// There is no such parameter, or it has another shape, or not as many values as its shape says.
pub fn parameter<'w>(weights: &'w Weights, name: &str, shape: &[usize]) -> Result<&'w [f32], ParameterError> {
    let tensor = weights.get(name).ok_or_else(|| ParameterError::Missing { name: name.to_owned() })?;
    if tensor.shape != shape || tensor.data.len() != shape.iter().product::<usize>() {
        return Err(ParameterError::Shape {
            name: name.to_owned(),
            expected: shape.to_vec(),
            found: tensor.shape.clone(),
        });
    }
    Ok(&tensor.data)
}

/// Four vectors of a batch norm, one value a channel.
#[derive(Clone, Copy, Debug)]
pub struct BatchNormParameters<'w> {
    /// Gamma.
    pub weight: &'w [f32],
    /// Beta.
    pub bias: &'w [f32],
    /// Mean of the training data.
    pub running_mean: &'w [f32],
    /// Variance of the training data.
    pub running_var: &'w [f32],
}

impl<'w> BatchNormParameters<'w> {
    /// Looks up `{param}.weight`, `.bias`, `.running_mean` and `.running_var`.
    ///
    /// # Errors
    ///
    /// As [`parameter`].
    pub fn find(weights: &'w Weights, param: &str, channels: usize) -> Result<Self, ParameterError> {
        let find = |name: &str| parameter(weights, &format!("{param}.{name}"), &[channels]);
        Ok(BatchNormParameters {
            weight: find("weight")?,
            bias: find("bias")?,
            running_mean: find("running_mean")?,
            running_var: find("running_var")?,
        })
    }

    /// `gamma / sqrt(var + eps)` of a channel.
    pub fn scale(&self, channel: usize, eps: f64) -> f64 {
        f64::from(self.weight[channel]) / (f64::from(self.running_var[channel]) + eps).sqrt()
    }

    /// The batch norm of a value: `(x - mean) * scale + beta`.
    pub fn apply(&self, channel: usize, eps: f64, x: f64) -> f64 {
        (x - f64::from(self.running_mean[channel])) * self.scale(channel, eps) + f64::from(self.bias[channel])
    }
}

/// Weights that do not fit the graph. Readers of weights check them against the network first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParameterError {
    /// No weight has this name.
    Missing {
        /// The name that the graph needs.
        name: String,
    },
    /// The weight of this name has another shape than the graph needs.
    Shape {
        /// The name that the graph needs.
        name: String,
        /// The shape that the graph needs.
        expected: Vec<usize>,
        /// The shape of the weight.
        found: Vec<usize>,
    },
}

impl fmt::Display for ParameterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ParameterError::Missing { name } => write!(f, "there is no weight `{name}`"),
            ParameterError::Shape { name, expected, found } => {
                write!(f, "weight `{name}` has shape {found:?}, the network needs {expected:?}")
            }
        }
    }
}

impl std::error::Error for ParameterError {}
