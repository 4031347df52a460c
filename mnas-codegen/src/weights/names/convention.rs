//! What a framework calls the tensors of a module, and in which order it lays out their axes.

use crate::weights::{Parameter, ParameterKind, WeightTensor};

/// A framework's convention. Ours is PyTorch's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::weights) enum Convention {
    /// `module.weight`; OIHW, `[outputs, inputs]`.
    PyTorch,
    /// As PyTorch's, with PaddlePaddle's fully connected layers: `[inputs, outputs]`.
    Paddle,
    /// TensorFlow's `module/kernel`; HWIO, of depthwise convolutions HWIM, `[inputs, outputs]`.
    Keras,
    /// TensorFlow's `module/weights`; as Keras, but classifiers are convolutions.
    Slim,
}

impl Convention {
    /// The name of a parameter in a module that the file calls `module`.
    pub(super) fn name(self, module: &str, parameter: &Parameter) -> String {
        match self {
            Convention::PyTorch => format!("{module}.{}", leaf(parameter)),
            Convention::Paddle => match parameter.kind {
                ParameterKind::BnMean => format!("{module}._mean"),
                ParameterKind::BnVar => format!("{module}._variance"),
                _ => format!("{module}.{}", leaf(parameter)),
            },
            Convention::Keras | Convention::Slim => {
                let is_slim = self == Convention::Slim;
                let leaf = match parameter.kind {
                    ParameterKind::ConvWeight if is_depthwise(parameter) && is_slim => "depthwise_weights",
                    ParameterKind::ConvWeight if is_depthwise(parameter) => "depthwise_kernel",
                    ParameterKind::ConvWeight | ParameterKind::LinearWeight if is_slim => "weights",
                    ParameterKind::ConvWeight | ParameterKind::LinearWeight => "kernel",
                    ParameterKind::Bias if is_slim => "biases",
                    ParameterKind::Bias => "bias",
                    ParameterKind::BnWeight => "gamma",
                    ParameterKind::BnBias => "beta",
                    ParameterKind::BnMean => "moving_mean",
                    ParameterKind::BnVar => "moving_variance",
                };
                format!("{module}/{leaf}")
            }
        }
    }

    /// The module of a file's tensor.
    pub(super) fn module(self, name: &str) -> Option<&str> {
        let separator = match self {
            Convention::PyTorch | Convention::Paddle => '.',
            Convention::Keras | Convention::Slim => '/',
        };
        name.rsplit_once(separator).map(|(module, _)| module)
    }

    /// The shape that a file has a parameter in.
    pub(in crate::weights) fn shape(self, parameter: &Parameter) -> Vec<usize> {
        let order = self.order(parameter);
        let mut shape = parameter.shape.clone();
        order.iter().zip(&parameter.shape).for_each(|(&axis, &size)| shape[axis] = size);
        if self.has_convolution_for(parameter) { [vec![1, 1], shape].concat() } else { shape }
    }

    /// Whether a tensor of this shape is one of the parameter: some keep a 1x1 convolution on a single pixel as a fully
    /// connected layer.
    pub(in crate::weights) fn takes(self, parameter: &Parameter, shape: &[usize]) -> bool {
        let is_layer = parameter.kind == ParameterKind::ConvWeight;
        let as_layer = is_layer.then(|| parameter.shape.strip_suffix(&[1, 1])).flatten();
        self.shape(parameter) == shape || as_layer == Some(shape)
    }

    /// A tensor of a file with its axes in our order. One of another rank than the parameter stays as it is.
    pub(in crate::weights) fn to_ours(self, mut tensor: WeightTensor, parameter: &Parameter) -> WeightTensor {
        if self.has_convolution_for(parameter) && tensor.shape.starts_with(&[1, 1]) {
            tensor.shape.drain(..2);
        }
        let order = self.order(parameter);
        if order.len() != tensor.shape.len() {
            return tensor;
        }
        let shape: Vec<usize> = order.iter().map(|&axis| tensor.shape[axis]).collect();
        // How far apart values are in the file along each axis of ours.
        let strides: Vec<usize> = order.iter().map(|&axis| tensor.shape[axis + 1..].iter().product()).collect();
        let place = |index: usize| {
            let mut rest = index;
            let mut place = 0;
            for (&size, &stride) in shape.iter().zip(&strides).rev() {
                place += rest % size * stride;
                rest /= size;
            }
            place
        };
        let data = (0..tensor.data.len()).map(|index| tensor.data[place(index)]).collect();
        WeightTensor { shape, data }
    }

    /// Whether a file has a 1x1 convolution where we have a fully connected layer.
    fn has_convolution_for(self, parameter: &Parameter) -> bool {
        self == Convention::Slim && parameter.kind == ParameterKind::LinearWeight
    }

    /// For each axis of ours the axis of the file; empty where they are the same.
    fn order(self, parameter: &Parameter) -> &'static [usize] {
        match (self, parameter.kind) {
            (Convention::Keras | Convention::Slim, ParameterKind::ConvWeight) if is_depthwise(parameter) => {
                &[2, 3, 0, 1]
            }
            (Convention::Keras | Convention::Slim, ParameterKind::ConvWeight) => &[3, 2, 0, 1],
            (Convention::Keras | Convention::Slim | Convention::Paddle, ParameterKind::LinearWeight) => &[1, 0],
            _ => &[],
        }
    }
}

/// `weight` of `blocks.0.0.depthwise.weight`.
fn leaf(parameter: &Parameter) -> &str {
    parameter.name.rsplit_once('.').map_or(&parameter.name, |(_, leaf)| leaf)
}

fn is_depthwise(parameter: &Parameter) -> bool {
    parameter.name.ends_with(".depthwise.weight")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameter(name: &str, shape: &[usize], kind: ParameterKind) -> Parameter {
        Parameter { name: name.into(), shape: shape.to_vec(), kind }
    }

    /// A tensor whose values are their indices, digit by digit.
    fn tensor(shape: &[usize]) -> WeightTensor {
        let mut values = vec![0.0];
        for &size in shape {
            values = values.iter().flat_map(|value| (0..size).map(move |digit| value * 10.0 + digit as f32)).collect();
        }
        WeightTensor { shape: shape.to_vec(), data: values }
    }

    #[test]
    fn axes_are_put_in_order() {
        let conv = parameter("stem.conv.weight", &[5, 4, 3, 2], ParameterKind::ConvWeight);
        assert_eq!(Convention::Keras.shape(&conv), [3, 2, 4, 5]);
        let ours = Convention::Keras.to_ours(tensor(&[3, 2, 4, 5]), &conv);
        assert_eq!(ours.shape, conv.shape);
        // Row 2, column 1, input 3, output 4; then output 1, all inputs of row 0 and column 1.
        assert_eq!(ours.data.last(), Some(&2134.0));
        assert_eq!(ours.data[4 * 3 * 2..][..7], [1.0, 101.0, 1001.0, 1101.0, 2001.0, 2101.0, 11.0]);

        let depthwise = parameter("blocks.0.0.depthwise.weight", &[4, 1, 3, 2], ParameterKind::ConvWeight);
        assert_eq!(Convention::Keras.shape(&depthwise), [3, 2, 4, 1]);
        let ours = Convention::Keras.to_ours(tensor(&[3, 2, 4, 1]), &depthwise);
        assert_eq!(ours.shape, depthwise.shape);
        assert_eq!(ours.data[..7], [0.0, 100.0, 1000.0, 1100.0, 2000.0, 2100.0, 10.0]);

        let dense = parameter("classifier.weight", &[3, 2], ParameterKind::LinearWeight);
        let ours = Convention::Keras.to_ours(tensor(&[2, 3]), &dense);
        assert_eq!(ours, WeightTensor { shape: vec![3, 2], data: vec![0.0, 10.0, 1.0, 11.0, 2.0, 12.0] });
        assert_eq!(Convention::Slim.shape(&dense), [1, 1, 2, 3]);
        assert_eq!(Convention::Slim.to_ours(tensor(&[1, 1, 2, 3]), &dense), ours);
        assert_eq!(Convention::PyTorch.to_ours(tensor(&[3, 2]), &dense), tensor(&[3, 2]));
    }
}
