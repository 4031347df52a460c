//! Mean and variance of each channel of a feature map, followed through layers.

use mnas_dsl::chain::ConvUnit;
use mnas_dsl::network::{Activation, Shape};

/// Mean and variance of every channel.
#[derive(Clone)]
pub(super) struct Moments {
    pub(super) mean: Vec<f64>,
    pub(super) variance: Vec<f64>,
}

impl Moments {
    /// A normalised image.
    pub(super) fn unit(channels: usize) -> Self {
        Moments { mean: vec![0.0; channels], variance: vec![1.0; channels] }
    }

    /// A batch norm's output, when its running statistics are true.
    pub(super) fn after_batch_norm(scale: &[f32], bias: &[f32]) -> Self {
        let mean = bias.iter().copied().map(f64::from).collect();
        Moments { mean, variance: scale.iter().map(|&scale| f64::from(scale) * f64::from(scale)).collect() }
    }

    pub(super) fn channels(&self) -> usize {
        self.mean.len()
    }

    /// After a convolution with `weight` (OIHW). A tap that lies within the image on a share `f` of the outputs
    /// adds `w m f` to the mean and `w^2 (v f + m^2 f (1 - f))` to the variance.
    pub(super) fn convolve(&self, weight: &[f32], depthwise: bool, coverage: &[f64]) -> Self {
        let inputs = if depthwise { 1 } else { self.channels() };
        let mut result = Moments { mean: Vec::new(), variance: Vec::new() };
        for (output, filter) in weight.chunks_exact(inputs * coverage.len()).enumerate() {
            let first = if depthwise { output } else { 0 };
            let (mut mean, mut variance) = (0.0, 0.0);
            for (index, taps) in filter.chunks_exact(coverage.len()).enumerate() {
                let (m, v) = (self.mean[first + index], self.variance[first + index]);
                for (&w, &f) in taps.iter().zip(coverage) {
                    let w = f64::from(w);
                    mean += w * m * f;
                    variance += w * w * (v * f + m * m * f * (1.0 - f));
                }
            }
            result.mean.push(mean);
            // A depthwise filter may be zero by chance; the batch norm must not divide by it.
            result.variance.push(variance.max(1e-3));
        }
        result
    }

    /// After an activation, taking the channel's distribution for a normal one.
    pub(super) fn activate(mut self, activation: Activation) -> Self {
        if activation == Activation::Linear {
            return self;
        }
        for (mean, variance) in self.mean.iter_mut().zip(&mut self.variance) {
            let (center, spread) = (*mean, variance.sqrt());
            let points = QUANTILES.iter().flat_map(|&z| [center - spread * z, center + spread * z]);
            let (sum, squares) = points.map(|x| apply(activation, x)).fold((0.0, 0.0), |(s, q), y| (s + y, q + y * y));
            let count = 2.0 * QUANTILES.len() as f64;
            *mean = sum / count;
            *variance = squares / count - *mean * *mean;
        }
        self
    }

    /// After a max pool. Of nine values that do not depend on each other the largest is 1.5 spreads above the mean, with
    /// a third of the variance; neighbours in an image depend on each other, so what is taken lies between.
    pub(super) fn max_pool(&self) -> Self {
        let mean = self.mean.iter().zip(&self.variance).map(|(mean, variance)| mean + 0.9 * variance.sqrt()).collect();
        Moments { mean, variance: self.variance.iter().map(|variance| 0.6 * variance).collect() }
    }

    /// Adds a map that is independent of this one, with `share` of its variance.
    pub(super) fn add(&mut self, other: &Moments, share: f64) {
        self.mean.iter_mut().zip(&other.mean).for_each(|(mean, other)| *mean += other);
        self.variance.iter_mut().zip(&other.variance).for_each(|(variance, other)| *variance += share * other);
    }

    /// Multiplies every channel.
    pub(super) fn scale(&mut self, factors: &[f64]) {
        self.mean.iter_mut().zip(factors).for_each(|(mean, factor)| *mean *= factor);
        self.variance.iter_mut().zip(factors).for_each(|(variance, factor)| *variance *= factor * factor);
    }
}

/// Midpoints of the eight parts of equal probability above the mean of a normal distribution, widened so that with
/// their negatives they have variance 1.
const QUANTILES: [f64; 8] = [0.081588, 0.246807, 0.418538, 0.602583, 0.807861, 1.050887, 1.371381, 1.938159];

/// An activation, by operations that every platform rounds alike. Good to 1e-3, which estimates do not feel.
pub(super) fn apply(activation: Activation, x: f64) -> f64 {
    let hard_sigmoid = |x: f64| (x + 3.0).clamp(0.0, 6.0) / 6.0;
    match activation {
        Activation::Linear => x,
        Activation::Relu => x.max(0.0),
        Activation::Relu6 => x.clamp(0.0, 6.0),
        Activation::HardSwish => x * hard_sigmoid(x),
        Activation::Swish => x * sigmoid(x),
        Activation::Sigmoid => sigmoid(x),
        Activation::HardSigmoid => hard_sigmoid(x),
    }
}

/// By `exp(x) = (1 + x / 4096)^4096`: a library's `exp` differs between platforms in its last bit.
fn sigmoid(x: f64) -> f64 {
    let exp = (0..12).fold(1.0 - x.clamp(-30.0, 30.0) / 4096.0, |power, _| power * power);
    1.0 / (1.0 + exp)
}

/// For each tap of a convolution's kernel, row by row, the share of the outputs on which it lies within the image.
pub(super) fn coverage(conv: &ConvUnit, input: Shape, output: Shape) -> Vec<f64> {
    let axis = |tap: usize, input: usize, output: usize, before: usize| {
        let inside = |&at: &usize| (before..before + input).contains(&(at * conv.stride + tap));
        (0..output).filter(inside).count() as f64 / output as f64
    };
    let row = |tap| axis(tap, input.height, output.height, conv.pads.top);
    let column = |tap| axis(tap, input.width, output.width, conv.pads.left);
    let k = conv.kernel_size;
    (0..k * k).map(|tap| row(tap / k) * column(tap % k)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_after_relu_are_those_of_a_rectified_normal() {
        let x = Moments { mean: vec![0.0, 0.5], variance: vec![1.0, 4.0] }.activate(Activation::Relu);
        // Mean and variance of max(0, N(m, s^2)) by its closed form.
        for (channel, (mean, variance)) in [(0.398_942, 0.340_845), (1.072_689, 1.780_508)].into_iter().enumerate() {
            assert!((x.mean[channel] - mean).abs() < 0.03 * mean, "{} {mean}", x.mean[channel]);
            assert!((x.variance[channel] - variance).abs() < 0.06 * variance, "{} {variance}", x.variance[channel]);
        }
    }

    #[test]
    fn sigmoid_is_near_enough() {
        for x in [-8.0, -1.0, 0.0, 0.3, 2.0, 9.0] {
            let exact = 1.0 / (1.0 + f64::exp(-x));
            assert!((sigmoid(x) - exact).abs() < 1e-3, "{x}");
        }
        assert_eq!((apply(Activation::HardSwish, 3.0), apply(Activation::Relu6, 7.0)), (3.0, 6.0));
    }
}
