//! Named weights into the packed stream of a plan, by the same code that loads them at run time.

use crate::plan::{PackedLayer, Plan};
use crate::weights::{WeightTensor, Weights};
use mnas_runtime::pack::{Normalization, Parameters};

/// A parameter that the plan needs and the weights do not have as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackError {
    /// Its name.
    pub parameter: String,
}

impl core::fmt::Display for PackError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "`{}` is missing or has another shape", self.parameter)
    }
}

impl core::error::Error for PackError {}

/// Folds and packs all layers.
///
/// # Errors
///
/// The first parameter that is missing or has another shape.
pub fn pack(plan: &Plan, weights: &Weights) -> Result<Vec<f32>, PackError> {
    let mut packed = vec![0.0; plan.weights_len.0];
    for layer in &plan.layers {
        pack_layer(layer, weights, &mut packed)?;
    }
    Ok(packed)
}

fn pack_layer(layer: &PackedLayer, weights: &Weights, packed: &mut [f32]) -> Result<(), PackError> {
    let get = |param: &str, suffix: &str, fits: &dyn Fn(&[usize]) -> bool| -> Result<&[f32], PackError> {
        let name = format!("{param}{suffix}");
        let wanted = |t: &&WeightTensor| fits(&t.shape) && t.data.len() == t.shape.iter().product::<usize>();
        match weights.get(&name).filter(wanted) {
            Some(tensor) => Ok(&tensor.data),
            None => Err(PackError { parameter: name }),
        }
    };
    let channel = |shape: &[usize]| shape == [layer.output_channels];
    let weight = get(&layer.param, ".weight", &|shape| layer.weight_shape_is(shape))?;
    let bias = if layer.bias { Some(get(&layer.param, ".bias", &channel)?) } else { None };
    let batch_norm = match &layer.batch_norm {
        None => None,
        Some(norm) => Some(Normalization {
            weight: get(&norm.param, ".weight", &channel)?,
            bias: get(&norm.param, ".bias", &channel)?,
            mean: get(&norm.param, ".running_mean", &channel)?,
            variance: get(&norm.param, ".running_var", &channel)?,
            epsilon: norm.epsilon,
        }),
    };
    mnas_runtime::pack::pack(layer, &Parameters { weight, bias, batch_norm }, packed);
    Ok(())
}
