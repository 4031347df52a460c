//! Convolution, with what is fused into it.

use mnas_dsl::network::Shape;

use super::activation;
use super::elementwise::{self, batch_norm};
use crate::graph::{Conv, Residual};
use crate::parameter::{BatchNormParameters, ParameterError, parameter};
use crate::weights::Weights;

pub(super) fn run(
    conv: &Conv,
    weights: &Weights,
    x: &[f64],
    input: Shape,
    output: Shape,
    residual: Option<&[f64]>,
) -> Result<Vec<f64>, ParameterError> {
    let weight = parameter(weights, &format!("{}.weight", conv.param), &conv.weight_shape())?;
    let mut y = convolve(conv, &channels_last(conv, weight), x, input, output);
    if conv.bias {
        let bias = parameter(weights, &format!("{}.bias", conv.param), &[conv.output_channels])?;
        for (y, bias) in y.iter_mut().zip(bias.iter().cycle()) {
            *y += f64::from(*bias);
        }
    }
    if let Some((param, eps)) = &conv.batch_norm {
        let norm = BatchNormParameters::find(weights, param, conv.output_channels)?;
        y = batch_norm(y, &norm, *eps);
    }
    let activate = |y: Vec<f64>| y.into_iter().map(|y| activation::apply(conv.activation, y)).collect();
    let add = |mut y: Vec<f64>| {
        elementwise::add(&mut y, residual.expect("a convolution that adds a residual is given one"));
        y
    };
    Ok(match conv.residual {
        Residual::None => activate(y),
        Residual::Last => add(activate(y)),
        Residual::BeforeActivation => activate(add(y)),
    })
}

fn convolve(conv: &Conv, weight: &[f64], x: &[f64], input: Shape, output: Shape) -> Vec<f64> {
    let mut y = vec![0.0; output.len()];
    let tap_len = conv.channels_per_group() * conv.output_channels;
    for (pixel, y) in y.chunks_exact_mut(output.channels).enumerate() {
        let (row, column) = (pixel / output.width, pixel % output.width);
        for tap in 0..conv.kernel_size * conv.kernel_size {
            let row = row * conv.stride + tap / conv.kernel_size;
            let column = column * conv.stride + tap % conv.kernel_size;
            let Some(x) = padded_pixel(x, input, row, column, conv) else {
                continue;
            };
            let weight = &weight[tap * tap_len..][..tap_len];
            if conv.depthwise {
                multiply_add(y, x, weight);
            } else {
                for (x, weight) in x.iter().zip(weight.chunks_exact(output.channels)) {
                    multiply_add_scalar(y, *x, weight);
                }
            }
        }
    }
    y
}

/// The channels of a pixel, `row` and `column` counted in the padded image; `None` in the padding.
fn padded_pixel<'x>(x: &'x [f64], input: Shape, row: usize, column: usize, conv: &Conv) -> Option<&'x [f64]> {
    let row = row.checked_sub(conv.pads.top).filter(|&row| row < input.height)?;
    let column = column.checked_sub(conv.pads.left).filter(|&column| column < input.width)?;
    Some(&x[(row * input.width + column) * input.channels..][..input.channels])
}

fn multiply_add(y: &mut [f64], x: &[f64], weight: &[f64]) {
    for ((y, x), weight) in y.iter_mut().zip(x).zip(weight) {
        *y += x * weight;
    }
}

fn multiply_add_scalar(y: &mut [f64], x: f64, weight: &[f64]) {
    for (y, weight) in y.iter_mut().zip(weight) {
        *y += x * weight;
    }
}

/// OIHW -> HWIO, so that the innermost loop runs over channels that stand together.
fn channels_last(conv: &Conv, weight: &[f32]) -> Vec<f64> {
    let [outputs, inputs, rows, columns] = conv.weight_shape();
    let taps = rows * columns;
    let mut transposed = vec![0.0; weight.len()];
    for output in 0..outputs {
        for input in 0..inputs {
            for tap in 0..taps {
                transposed[(tap * inputs + input) * outputs + output] =
                    f64::from(weight[(output * inputs + input) * taps + tap]);
            }
        }
    }
    transposed
}
