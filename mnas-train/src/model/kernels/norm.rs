//! Batch norm.

use super::{Operand, result, vectorized};
use burn_tensor::Tensor;

/// Number of pixels that are summed in single precision; these sums are added in double precision.
const BLOCK: usize = 64;

/// Batch norm by the statistics of the batch. Also returns the mean and the variance, divided by the number of values.
pub(in crate::model) fn batch_norm_train(
    x: Tensor<4>,
    weight: Tensor<1>,
    bias: Tensor<1>,
    eps: f64,
) -> (Tensor<4>, Vec<f32>, Vec<f32>) {
    let dims = x.dims();
    let channels = dims[3];
    let [x, weight, bias] = [Operand::new(x), Operand::new(weight), Operand::new(bias)];
    let count = (x.values.len() / channels) as f64;
    let mean: Vec<f32> =
        vectorized(|| sums(&x.values, channels, |_, x| x)).iter().map(|sum| (sum / count) as f32).collect();
    let squares = vectorized(|| {
        sums(&x.values, channels, |channel, x| {
            let difference = x - mean[channel];
            difference * difference
        })
    });
    let variance: Vec<f64> = squares.iter().map(|sum| sum / count).collect();
    let inverse: Vec<f32> = variance.iter().map(|variance| (1.0 / (variance + eps).sqrt()) as f32).collect();
    let y = vectorized(|| affine(&x.values, &mean, &inverse, &weight.values, &bias.values));
    let (kept, scale, center) = (x.values.clone(), weight.values.clone(), mean.clone());
    let y = result([x, weight, bias], y, dims, move |gradient| {
        vectorized(|| backward(&kept, gradient, &center, &inverse, &scale))
    });
    (y, mean, variance.iter().map(|&variance| variance as f32).collect())
}

/// Batch norm by the given statistics.
pub(in crate::model) fn batch_norm(
    x: Tensor<4>,
    [weight, bias, mean, variance]: [Tensor<1>; 4],
    eps: f64,
) -> Tensor<4> {
    let dims = x.dims();
    let x = Operand::new(x);
    let [weight, bias, mean, variance] = [weight, bias, mean, variance].map(|tensor| Operand::new(tensor).values);
    let inverse: Vec<f32> =
        variance.iter().map(|&variance| (1.0 / (f64::from(variance) + eps).sqrt()) as f32).collect();
    let y = vectorized(|| affine(&x.values, &mean, &inverse, &weight, &bias));
    // Only evaluation uses this form, so it needs no gradient.
    result([Operand { node: None, ..x }], y, dims, |gradient| [gradient.to_vec()])
}

#[inline(always)]
fn affine(x: &[f32], mean: &[f32], inverse: &[f32], weight: &[f32], bias: &[f32]) -> Vec<f32> {
    let scale: Vec<f32> = weight.iter().zip(inverse).map(|(weight, inverse)| weight * inverse).collect();
    let mut y = x.to_vec();
    for pixel in y.chunks_exact_mut(mean.len()) {
        for (((y, mean), scale), bias) in pixel.iter_mut().zip(mean).zip(&scale).zip(bias) {
            *y = (*y - mean) * scale + bias;
        }
    }
    y
}

/// Gradients of input, weight and bias. With `n` the normalised input they are `inverse * weight * (g - mean(g) - n *
/// mean(g n))`, `sum(g n)` and `sum(g)`.
#[inline(always)]
fn backward(x: &[f32], gradient: &[f32], mean: &[f32], inverse: &[f32], weight: &[f32]) -> [Vec<f32>; 3] {
    let channels = mean.len();
    let count = (x.len() / channels) as f64;
    let of_gradient = sums(gradient, channels, |_, gradient| gradient);
    let mut of_product = vec![0.0_f64; channels];
    for (x, gradient) in x.chunks(BLOCK * channels).zip(gradient.chunks(BLOCK * channels)) {
        let mut block = vec![0.0_f32; channels];
        for (x, gradient) in x.chunks_exact(channels).zip(gradient.chunks_exact(channels)) {
            for (((sum, x), gradient), mean) in block.iter_mut().zip(x).zip(gradient).zip(mean) {
                *sum += gradient * (x - mean);
            }
        }
        of_product.iter_mut().zip(&block).for_each(|(sum, block)| *sum += f64::from(*block));
    }
    let dweight: Vec<f32> = of_product.iter().zip(inverse).map(|(sum, inverse)| (*sum as f32) * inverse).collect();
    let dbias: Vec<f32> = of_gradient.iter().map(|&sum| sum as f32).collect();
    let scale: Vec<f32> = weight.iter().zip(inverse).map(|(weight, inverse)| weight * inverse).collect();
    let shift: Vec<f32> = of_gradient.iter().map(|sum| (sum / count) as f32).collect();
    let slope: Vec<f32> = of_product
        .iter()
        .zip(inverse)
        .map(|(sum, &inverse)| (sum / count * f64::from(inverse) * f64::from(inverse)) as f32)
        .collect();
    let mut dx = gradient.to_vec();
    for (dx, x) in dx.chunks_exact_mut(channels).zip(x.chunks_exact(channels)) {
        let constants = mean.iter().zip(&scale).zip(&shift).zip(&slope);
        for ((dx, x), (((mean, scale), shift), slope)) in dx.iter_mut().zip(x).zip(constants) {
            *dx = scale * (*dx - shift - (x - mean) * slope);
        }
    }
    [dx, dweight, dbias]
}

/// For each channel, the sum of `value` over its pixels.
#[inline(always)]
fn sums(x: &[f32], channels: usize, value: impl Fn(usize, f32) -> f32) -> Vec<f64> {
    let mut sums = vec![0.0; channels];
    for block in x.chunks(BLOCK * channels) {
        let mut partial = vec![0.0_f32; channels];
        for pixel in block.chunks_exact(channels) {
            for (channel, (sum, &x)) in partial.iter_mut().zip(pixel).enumerate() {
                *sum += value(channel, x);
            }
        }
        sums.iter_mut().zip(&partial).for_each(|(sum, partial)| *sum += f64::from(*partial));
    }
    sums
}
