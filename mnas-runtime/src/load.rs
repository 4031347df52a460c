//! Loading: from a safetensors file to packed weights, without allocation.

use super::layer::Layer;
use super::pack::{Normalization, Parameters, pack};
use super::safetensors::Tensors;

/// Why weights could not be loaded.
#[derive(Clone, Debug, PartialEq)]
pub enum LoadError {
    /// The bytes are not a safetensors file.
    NotSafetensors,
    /// The slice for packed weights is shorter than this many floats.
    TooSmall(
        /// Floats needed.
        usize,
    ),
    /// A tensor is not in the file.
    Missing {
        /// Prefix of its name, such as `blocks.2.0.depthwise`, or `blocks.2.0.depthwise.bn` for a batch norm.
        layer: &'static str,
        /// The rest of its name, such as `.weight`.
        tensor: &'static str,
    },
    /// A tensor has another shape or a type other than `F32`.
    Mismatch {
        /// Prefix of its name.
        layer: &'static str,
        /// The rest of its name.
        tensor: &'static str,
    },
    /// A tensor holds an infinity or NaN.
    NotFinite {
        /// Prefix of its name.
        layer: &'static str,
        /// The rest of its name.
        tensor: &'static str,
    },
    /// A variance is less than zero.
    NegativeVariance {
        /// Prefix of the batch norm's names.
        layer: &'static str,
    },
}

impl core::fmt::Display for LoadError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            LoadError::NotSafetensors => f.write_str("not a safetensors file"),
            LoadError::TooSmall(len) => write!(f, "the slice for packed weights must hold {len} floats"),
            LoadError::Missing { layer, tensor } => write!(f, "tensor {layer}{tensor} is missing"),
            LoadError::Mismatch { layer, tensor } => {
                write!(f, "tensor {layer}{tensor} has another shape or a type other than F32")
            }
            LoadError::NotFinite { layer, tensor } => {
                write!(f, "tensor {layer}{tensor} holds a value that is not finite")
            }
            LoadError::NegativeVariance { layer } => {
                write!(f, "tensor {layer}.running_var holds a value below zero, and a variance is at least zero")
            }
        }
    }
}

impl core::error::Error for LoadError {}

/// Loads every layer from a safetensors file that has mnas's own names and `F32` values.
///
/// # Errors
///
/// The first thing that is wrong with the file; `packed` is then in no particular state.
pub fn load(file: &[u8], layers: &[Layer], len: usize, packed: &mut [f32]) -> Result<(), LoadError> {
    // Zeros stand in the gaps that alignment leaves, as in weights that are embedded.
    packed.get_mut(..len).ok_or(LoadError::TooSmall(len))?.fill(0.0);
    let tensors = Tensors::new(file).ok_or(LoadError::NotSafetensors)?;
    for layer in layers {
        let get = |param: &'static str, tensor: &'static str, fits: &dyn Fn(&[usize]) -> bool| {
            let found = tensors.find(&[param, tensor]).ok_or(LoadError::Missing { layer: param, tensor })?;
            let floats = found.floats().filter(|_| fits(found.shape()));
            let floats = floats.ok_or(LoadError::Mismatch { layer: param, tensor })?;
            if floats.finite() { Ok(floats) } else { Err(LoadError::NotFinite { layer: param, tensor }) }
        };
        let channel = |shape: &[usize]| shape == [layer.output_channels];
        let weight = get(layer.param, ".weight", &|shape| layer.weight_shape_is(shape))?;
        let bias = if layer.bias { Some(get(layer.param, ".bias", &channel)?) } else { None };
        let batch_norm = match layer.batch_norm {
            None => None,
            Some(norm) => {
                let variance = get(norm.param, ".running_var", &channel)?;
                if variance.any_below_zero() {
                    return Err(LoadError::NegativeVariance { layer: norm.param });
                }
                Some(Normalization {
                    weight: get(norm.param, ".weight", &channel)?,
                    bias: get(norm.param, ".bias", &channel)?,
                    mean: get(norm.param, ".running_mean", &channel)?,
                    variance,
                    epsilon: norm.epsilon,
                })
            }
        };
        pack(layer, &Parameters { weight, bias, batch_norm }, packed);
    }
    Ok(())
}
