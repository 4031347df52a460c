//! Named weights into the packed stream of a plan, by the same code that loads them at run time.

use crate::plan::{PackedLayer, Plan};
use crate::weights::{WeightTensor, Weights};
use mnas_runtime::pack::{Layer, Parameters};

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
    let mut packed = vec![0.0; plan.weights_len];
    for layer in &plan.layers {
        pack_layer(layer, weights, &mut packed)?;
    }
    Ok(packed)
}

fn pack_layer(packed_layer: &PackedLayer, weights: &Weights, packed: &mut [f32]) -> Result<(), PackError> {
    let panels: Vec<(usize, usize)> = packed_layer.panels.iter().map(|p| (p.width, p.count)).collect();
    let layer = Layer {
        param: &packed_layer.param,
        batch_norm: packed_layer.batch_norm,
        bias: packed_layer.bias,
        depthwise: packed_layer.depthwise,
        linear: packed_layer.linear,
        input_channels: packed_layer.input_channels,
        output_channels: packed_layer.output_channels,
        kernel_size: packed_layer.kernel_size,
        panels: &panels,
        offset: packed_layer.offset,
    };
    let get = |suffix: &str, fits: &dyn Fn(&[usize]) -> bool| -> Result<&WeightTensor, PackError> {
        let name = format!("{}{suffix}", layer.param);
        let wanted = |t: &&WeightTensor| fits(&t.shape) && t.data.len() == t.shape.iter().product::<usize>();
        weights.get(&name).filter(wanted).ok_or(PackError { parameter: name })
    };
    let channel = |shape: &[usize]| shape == [layer.output_channels];
    let weight = get(".weight", &|shape| layer.weight_shape_is(shape))?;
    let bias = if layer.bias { Some(get(".bias", &channel)?) } else { None };
    let norm = match layer.batch_norm {
        None => None,
        Some(_) => Some([
            get(".bn.weight", &channel)?,
            get(".bn.bias", &channel)?,
            get(".bn.running_mean", &channel)?,
            get(".bn.running_var", &channel)?,
        ]),
    };
    let at = |tensor: &WeightTensor, i: usize| tensor.data.get(i).copied().unwrap_or(0.0);
    let weight = |i| at(weight, i);
    let bias = bias.map(|b| move |i| at(b, i));
    let norm = norm.map(|tensors| tensors.map(|t| move |i| at(t, i)));
    let parameters = Parameters {
        weight: &weight,
        bias: bias.as_ref().map(|b| b as &dyn Fn(usize) -> f32),
        batch_norm: norm.as_ref().map(|[a, b, c, d]| [a as &dyn Fn(usize) -> f32, b, c, d]),
    };
    mnas_runtime::pack::pack(&layer, &parameters, packed);
    Ok(())
}
