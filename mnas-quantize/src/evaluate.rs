//! The network in int8 beside the float network.

use mnas_codegen::quantized::{Quantized, Value, run};
use mnas_codegen::reference::{self, Keep, ReferenceError};
use mnas_codegen::weights::Weights;

/// Counts over images.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Comparison {
    /// Images compared.
    pub images: usize,
    /// Those that have a label.
    pub labelled: usize,
    /// Labels that are the float network's first class.
    pub float_right: usize,
    /// Labels that are the int8 network's first class.
    pub int8_right: usize,
    /// Images for which both have the same first class.
    pub agree: usize,
    /// Sum of the squared float logits.
    pub signal: f64,
    /// Sum of the squared differences of the logits.
    pub noise: f64,
}

impl Comparison {
    /// Signal-to-quantisation-noise ratio of the logits, in dB.
    pub fn sqnr_db(&self) -> f64 {
        10.0 * (self.signal / self.noise).log10()
    }
}

/// Compares both networks on one image and adds it to the counts.
///
/// # Errors
///
/// The image has another size, or the weights do not fit the graph.
pub fn compare(
    network: &Quantized,
    weights: &Weights,
    image: &[f32],
    label: Option<usize>,
    counts: &mut Comparison,
) -> Result<(), ReferenceError> {
    let float = reference::run_keeping(&network.graph, weights, image, Keep::Only(&[]))?;
    let mut values = run(network, image, |_| false);
    let Some(Value::Floats(int8)) = values.remove(&network.graph.output) else { unreachable!("logits are floats") };
    let float = float.output();
    let (a, b) = (first(float.iter().copied()), first(int8.iter().copied().map(f64::from)));
    counts.images += 1;
    counts.agree += usize::from(a == b);
    if let Some(label) = label {
        counts.labelled += 1;
        counts.float_right += usize::from(a == label);
        counts.int8_right += usize::from(b == label);
    }
    for (a, b) in float.iter().zip(&int8) {
        counts.signal += a * a;
        counts.noise += (a - f64::from(*b)).powi(2);
    }
    Ok(())
}

/// Index of the largest, the first of equal ones.
fn first(values: impl Iterator<Item = f64>) -> usize {
    values.enumerate().fold((0, f64::NEG_INFINITY), |best, (i, v)| if v > best.1 { (i, v) } else { best }).0
}
