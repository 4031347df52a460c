//! Folding and packing: from named tensors to the one stream of floats that kernels read.
//!
//! The compiler embeds and a running program loads through the same code, so that both give the same bytes.

use super::math;
use super::safetensors::Tensors;

/// A layer of the packed weights.
#[derive(Clone, Copy, Debug)]
pub struct Layer<'a> {
    /// Prefix of its parameters.
    pub param: &'a str,
    /// Epsilon of the batch norm to fold in.
    pub batch_norm: Option<f64>,
    /// Whether it has a bias of its own.
    pub bias: bool,
    /// One filter a channel.
    pub depthwise: bool,
    /// Fully connected: the weight has two dimensions.
    pub linear: bool,
    /// Input channels.
    pub input_channels: usize,
    /// Output channels.
    pub output_channels: usize,
    /// Rows and columns of the kernel.
    pub kernel_size: usize,
    /// Width and count of the panels that the output channels are cut into.
    pub panels: &'a [(usize, usize)],
    /// Where it starts, in floats.
    pub offset: usize,
}

impl Layer<'_> {
    fn taps(&self) -> usize {
        self.kernel_size * self.kernel_size
    }

    /// Rows of the reduction.
    pub fn rows(&self) -> usize {
        if self.depthwise { self.taps() } else { self.taps() * self.input_channels }
    }

    /// Values of the weight tensor.
    pub fn weight_len(&self) -> usize {
        self.output_channels * self.taps() * if self.depthwise { 1 } else { self.input_channels }
    }

    /// Whether a tensor of these dimensions is this layer's weight.
    pub fn weight_shape_is(&self, shape: &[usize]) -> bool {
        let inputs = if self.depthwise { 1 } else { self.input_channels };
        if self.linear {
            shape == [self.output_channels, inputs]
        } else {
            shape == [self.output_channels, inputs, self.kernel_size, self.kernel_size]
        }
    }

    /// The weight in row `row` of the reduction for output channel `o`.
    fn index(&self, o: usize, row: usize) -> usize {
        if self.depthwise {
            return o * self.taps() + row;
        }
        let (tap, c) = (row / self.input_channels, row % self.input_channels);
        (o * self.input_channels + c) * self.taps() + tap
    }
}

/// Parameters of a layer, each as a function of the index.
pub struct Parameters<'a> {
    /// Weights in row-major order.
    pub weight: &'a dyn Fn(usize) -> f32,
    /// Bias of an output channel.
    pub bias: Option<&'a dyn Fn(usize) -> f32>,
    /// Batch norm of an output channel: weight, bias, running mean, running variance.
    pub batch_norm: Option<[&'a dyn Fn(usize) -> f32; 4]>,
}

/// Folds and packs one layer into `packed[layer.offset..]`.
///
/// Folding is done in double precision and rounded once.
pub fn pack(layer: &Layer<'_>, parameters: &Parameters<'_>, packed: &mut [f32]) {
    let rows = layer.rows();
    let mut at = layer.offset;
    let mut first = 0;
    for &(width, count) in layer.panels {
        for _ in 0..count {
            for lane in 0..width {
                let o = first + lane;
                let (scale, bias) = if o < layer.output_channels { fold(layer, parameters, o) } else { (0.0, 0.0) };
                let column = packed.iter_mut().skip(at + lane).step_by(width).take(rows + 1);
                for (row, slot) in column.enumerate() {
                    let value = match row.checked_sub(1) {
                        None => bias,
                        Some(_) if o >= layer.output_channels => 0.0,
                        Some(row) => f64::from((parameters.weight)(layer.index(o, row))) * scale,
                    };
                    *slot = value as f32;
                }
            }
            at += (rows + 1) * width;
            first += width;
        }
    }
}

fn fold(layer: &Layer<'_>, parameters: &Parameters<'_>, o: usize) -> (f64, f64) {
    let own = parameters.bias.map_or(0.0, |bias| f64::from(bias(o)));
    match (&parameters.batch_norm, layer.batch_norm) {
        (Some([weight, bias, mean, variance]), Some(eps)) => {
            let scale = f64::from(weight(o)) / math::sqrt(f64::from(variance(o)) + eps);
            (scale, f64::from(bias(o)) + (own - f64::from(mean(o))) * scale)
        }
        _ => (1.0, own),
    }
}

/// Why weights could not be loaded.
#[derive(Clone, Debug, PartialEq)]
pub enum LoadError {
    /// The bytes are no safetensors file.
    NotSafetensors,
    /// The slice for packed weights is shorter than this many floats.
    TooSmall(
        /// Floats needed.
        usize,
    ),
    /// A tensor is not in the file.
    Missing {
        /// Prefix of its name, `blocks.2.0.depthwise`.
        layer: &'static str,
        /// The rest of its name, `.weight`.
        tensor: &'static str,
    },
    /// A tensor has another shape, or holds something else than `F32`.
    Mismatch {
        /// Prefix of its name.
        layer: &'static str,
        /// The rest of its name.
        tensor: &'static str,
    },
    /// A tensor holds an infinity, or what is no number.
    NotFinite {
        /// Prefix of its name.
        layer: &'static str,
        /// The rest of its name.
        tensor: &'static str,
    },
    /// A variance is less than zero.
    NegativeVariance {
        /// Prefix of its name.
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
                write!(f, "tensor {layer}.bn.running_var holds a value below zero; variances are not")
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
pub fn load(file: &[u8], layers: &[Layer<'static>], len: usize, packed: &mut [f32]) -> Result<(), LoadError> {
    // Zeros stand in the gaps that alignment leaves, as in weights that are embedded.
    packed.get_mut(..len).ok_or(LoadError::TooSmall(len))?.fill(0.0);
    let tensors = Tensors::new(file).ok_or(LoadError::NotSafetensors)?;
    for layer in layers {
        let param = layer.param;
        let get = |tensor: &'static str, fits: &dyn Fn(&[usize]) -> bool| {
            let found = tensors.find(&[param, tensor]).ok_or(LoadError::Missing { layer: param, tensor })?;
            let view = found.floats().filter(|_| fits(found.shape()));
            let view = view.ok_or(LoadError::Mismatch { layer: param, tensor })?;
            if view.finite() { Ok(view) } else { Err(LoadError::NotFinite { layer: param, tensor }) }
        };
        let channel = |shape: &[usize]| shape == [layer.output_channels];
        let weight = get(".weight", &|shape| layer.weight_shape_is(shape))?;
        let bias = if layer.bias { Some(get(".bias", &channel)?) } else { None };
        let norm = if layer.batch_norm.is_some() {
            let variance = get(".bn.running_var", &channel)?;
            if variance.any_below_zero() {
                return Err(LoadError::NegativeVariance { layer: param });
            }
            Some((
                get(".bn.weight", &channel)?,
                get(".bn.bias", &channel)?,
                get(".bn.running_mean", &channel)?,
                variance,
            ))
        } else {
            None
        };
        let weight = |i| weight.get(i);
        let bias = bias.map(|b| move |i| b.get(i));
        let norm =
            norm.map(|(a, b, c, d)| (move |i| a.get(i), move |i| b.get(i), move |i| c.get(i), move |i| d.get(i)));
        let parameters = Parameters {
            weight: &weight,
            bias: bias.as_ref().map(|b| b as &dyn Fn(usize) -> f32),
            batch_norm: norm.as_ref().map(|(a, b, c, d)| [a as &dyn Fn(usize) -> f32, b, c, d]),
        };
        pack(layer, &parameters, packed);
    }
    Ok(())
}
