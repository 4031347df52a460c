//! Operators on feature maps in NHWC, `[pictures, height, width, channels]`, so that a pointwise convolution is one product
//! of matrices. The processor uses `kernels`; this module expresses the operators in burn's terms, for any device.

use super::kernels::{self, Window};
use crate::device::processor;
use burn_tensor::Tensor;
use burn_tensor::activation;
use burn_tensor::module::{self, avg_pool2d, conv2d, max_pool2d};
use burn_tensor::ops::{AvgPoolOptions, ConvOptions, MaxPoolOptions};
use mnas_codegen::graph::Conv;
use mnas_dsl::network::{Activation, Pads};

/// A 1x1 convolution, or a fully connected layer of single pixels: `weight` is `[outputs, inputs]`, flat.
pub(super) fn pointwise(x: Tensor<4>, weight: Tensor<1>, outputs: usize) -> Tensor<4> {
    let [pictures, height, width, inputs] = x.dims();
    let y = x.reshape([pictures * height * width, inputs]).matmul(weight.reshape([outputs, inputs]).transpose());
    y.reshape([pictures, height, width, outputs])
}

/// Any other convolution, without its bias: `weight` is OIHW, flat.
pub(super) fn conv(x: Tensor<4>, weight: Tensor<1>, conv: &Conv, fast: bool) -> Tensor<4> {
    if fast {
        let window = Window::new(&x, conv.kernel_size, conv.stride, conv.pads);
        if conv.depthwise {
            return kernels::depthwise(x, weight, window);
        }
        let [pictures, height, width, _] = window.dims();
        let [outputs, inputs, taps, _] = conv.weight_shape();
        // The order of the patches: taps first, then channels.
        let weight = weight.reshape([outputs, inputs, taps * taps]).swap_dims(1, 2);
        let weight = weight.reshape([outputs, inputs * taps * taps]);
        let y = kernels::patches(x, window).matmul(weight.transpose());
        return y.reshape([pictures, height, width, outputs]);
    }
    let groups = if conv.depthwise { conv.input_channels } else { 1 };
    let options = ConvOptions::new_with_padding([conv.stride; 2], pairs(conv.pads), [1; 2], groups);
    channels_last(conv2d(channels_first(x), weight.reshape(conv.weight_shape()), None, options))
}

pub(super) fn add_bias(x: Tensor<4>, bias: Tensor<1>, fast: bool) -> Tensor<4> {
    if fast {
        return kernels::add_bias(x, bias);
    }
    let channels = bias.dims()[0];
    x + bias.reshape([1, 1, 1, channels])
}

/// Batch norm by the statistics of the batch. Also returns the mean and the variance (divided by the number of values), which
/// stay on the device: reading them here would wait for it.
pub(super) fn batch_norm_train(
    x: Tensor<4>,
    weight: Tensor<1>,
    bias: Tensor<1>,
    eps: f64,
    fast: bool,
) -> (Tensor<4>, [Tensor<1>; 2]) {
    if fast {
        let (y, mean, variance) = kernels::batch_norm_train(x, weight, bias, eps);
        return (y, [mean, variance].map(|values| Tensor::from_floats(values.as_slice(), &processor())));
    }
    let shape = x.dims();
    let result = module::batch_norm_train(rows(x), weight, bias, eps);
    (result.output.reshape(shape), [result.mean, result.variance])
}

/// Batch norm by the given statistics.
pub(super) fn batch_norm(x: Tensor<4>, parameters: [Tensor<1>; 4], eps: f64, fast: bool) -> Tensor<4> {
    if fast {
        return kernels::batch_norm(x, parameters, eps);
    }
    let shape = x.dims();
    let [weight, bias, mean, variance] = parameters;
    module::batch_norm(rows(x), weight, bias, mean, variance, eps).reshape(shape)
}

pub(super) fn activate(activation: Activation, x: Tensor<4>, fast: bool) -> Tensor<4> {
    if fast {
        return kernels::activate(activation, x);
    }
    match activation {
        Activation::Linear => x,
        Activation::Relu => activation::relu(x),
        Activation::Relu6 => x.clamp(0.0, 6.0),
        Activation::HardSwish => x.clone() * hard_sigmoid(x),
        Activation::Swish => activation::silu(x),
        Activation::Sigmoid => activation::sigmoid(x),
        Activation::HardSigmoid => hard_sigmoid(x),
    }
}

fn hard_sigmoid(x: Tensor<4>) -> Tensor<4> {
    x.add_scalar(3.0).clamp(0.0, 6.0).div_scalar(6.0)
}

/// Multiplies each channel by its gate, `[pictures, 1, 1, channels]`.
pub(super) fn gate(x: Tensor<4>, gate: Tensor<4>, fast: bool) -> Tensor<4> {
    if fast { kernels::gate(x, gate) } else { x * gate }
}

/// Mean over all pixels.
pub(super) fn global_average(x: Tensor<4>, fast: bool) -> Tensor<4> {
    if fast {
        return kernels::global_average(x);
    }
    let [pictures, height, width, channels] = x.dims();
    x.reshape([pictures, height * width, channels]).mean_dim(1).reshape([pictures, 1, 1, channels])
}

/// Mean over the pixels of a window that lie inside of the picture.
pub(super) fn average_pool(x: Tensor<4>, kernel_size: usize, stride: usize, pads: Pads, fast: bool) -> Tensor<4> {
    if fast {
        let window = Window::new(&x, kernel_size, stride, pads);
        return kernels::average_pool(x, window);
    }
    let options = AvgPoolOptions {
        kernel_size: [kernel_size; 2],
        stride: [stride; 2],
        padding: pairs(pads),
        count_include_pad: false,
        ceil_mode: false,
    };
    channels_last(avg_pool2d(channels_first(x), options))
}

/// Maximum over the pixels of a window that lie inside of the picture.
pub(super) fn max_pool(x: Tensor<4>, kernel_size: usize, stride: usize, pads: Pads, fast: bool) -> Tensor<4> {
    if fast {
        let window = Window::new(&x, kernel_size, stride, pads);
        return kernels::max_pool(x, window);
    }
    let options = MaxPoolOptions {
        kernel_size: [kernel_size; 2],
        stride: [stride; 2],
        padding: pairs(pads),
        dilation: [1; 2],
        ceil_mode: false,
    };
    channels_last(max_pool2d(channels_first(x), options))
}

/// Padding of rows, then of columns; before, then after.
fn pairs(pads: Pads) -> [(usize, usize); 2] {
    [(pads.top, pads.bottom), (pads.left, pads.right)]
}

/// A row for each pixel.
fn rows(x: Tensor<4>) -> Tensor<2> {
    let [pictures, height, width, channels] = x.dims();
    x.reshape([pictures * height * width, channels])
}

fn channels_first(x: Tensor<4>) -> Tensor<4> {
    x.permute([0, 3, 1, 2])
}

fn channels_last(x: Tensor<4>) -> Tensor<4> {
    x.permute([0, 2, 3, 1])
}
