//! Folding and packing: from the parameters of a layer to the one stream of floats that kernels read.
//!
//! The compiler embeds weights and a running program loads them through the same code, so that both give the same bytes.

use super::floats::Floats;
use super::layer::{Layer, Panels};
use super::math;

/// Parameters of a layer.
#[derive(Clone, Copy)]
pub struct Parameters<F> {
    /// Weights in row-major order.
    pub weight: F,
    /// A bias for each output channel.
    pub bias: Option<F>,
    /// The batch norm to fold in.
    pub batch_norm: Option<Normalization<F>>,
}

/// Parameters of a batch norm, each with a value for each channel.
#[derive(Clone, Copy)]
pub struct Normalization<F> {
    /// Gamma.
    pub weight: F,
    /// Beta.
    pub bias: F,
    /// Mean of the training data.
    pub mean: F,
    /// Variance of the training data.
    pub variance: F,
    /// What is added to the variance.
    pub epsilon: f64,
}

impl<F: Floats> Parameters<F> {
    /// The factor of the weights of output channel `o`, and its bias, once the batch norm is folded in.
    pub fn fold(&self, o: usize) -> (f64, f64) {
        let own = self.bias.map_or(0.0, |bias| f64::from(bias.get(o)));
        match self.batch_norm {
            Some(Normalization { weight, bias, mean, variance, epsilon }) => {
                let scale = f64::from(weight.get(o)) / math::sqrt(f64::from(variance.get(o)) + epsilon);
                (scale, f64::from(bias.get(o)) + (own - f64::from(mean.get(o))) * scale)
            }
            None => (1.0, own),
        }
    }
}

/// Folds and packs one layer into `packed[layer.offset..]`.
///
/// Folding is done in double precision and rounded once.
pub fn pack<Name, List: AsRef<[Panels]>, F: Floats>(
    layer: &Layer<Name, List>,
    parameters: &Parameters<F>,
    packed: &mut [f32],
) {
    let rows = layer.rows();
    let mut at = layer.offset;
    let mut first = 0;
    for &Panels { width, count } in layer.panels.as_ref() {
        for _ in 0..count {
            for lane in 0..width {
                let o = first + lane;
                // Channels that only fill up the last vector are zeros.
                let is_real = o < layer.output_channels;
                let (scale, bias) = if is_real { parameters.fold(o) } else { (0.0, 0.0) };
                let column = packed.iter_mut().skip(at + lane).step_by(width).take(rows + 1);
                for (row, slot) in column.enumerate() {
                    let value = match row.checked_sub(1) {
                        None => bias,
                        Some(_) if !is_real => 0.0,
                        Some(row) => f64::from(parameters.weight.get(layer.index(o, row))) * scale,
                    };
                    *slot = value as f32;
                }
            }
            at += (rows + 1) * width;
            first += width;
        }
    }
}
