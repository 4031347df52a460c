//! Squeeze-excite: pool, two 1x1 convolutions on the means, multiply.

use mnas_dsl::network::Shape;

use super::{average_pool, conv, elementwise};
use crate::graph::Conv;
use crate::parameter::ParameterError;
use crate::weights::Weights;

pub(super) fn run(
    reduce: &Conv,
    expand: &Conv,
    weights: &Weights,
    x: &[f64],
    input: Shape,
) -> Result<Vec<f64>, ParameterError> {
    let vector = |channels| Shape { height: 1, width: 1, channels };
    let (wide, narrow) = (vector(input.channels), vector(reduce.output_channels));
    let means = average_pool::global(x, input);
    let reduced = conv::run(reduce, weights, &means, wide, narrow, None)?;
    let gate = conv::run(expand, weights, &reduced, narrow, wide, None)?;
    Ok(elementwise::multiply_channels(x, &gate))
}
