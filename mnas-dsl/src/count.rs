//! Parameters and multiply-accumulates, as papers count them.
//!
//! Parameters are weights, biases and batch norm's gamma and beta (not its running statistics). MACs are
//! those of convolutions, the two of squeeze-excite among them, and of fully connected layers; nothing else.

use crate::chain::Unit;
use crate::network::{Classifier, Layer, Network, Se, Skip, slide};

/// What a part of a network costs.
#[derive(Clone, Copy, Default)]
struct Cost {
    parameters: u64,
    macs: u64,
}

impl Cost {
    /// A convolution with batch norm: each of `filters` sees `inputs` values at each of `pixels` places.
    fn add_conv(&mut self, filters: usize, inputs: usize, pixels: usize) {
        self.add_weights(filters, inputs, pixels);
        self.add_batch_norm(filters);
    }

    /// Gamma and beta.
    fn add_batch_norm(&mut self, channels: usize) {
        self.parameters += 2 * channels as u64;
    }

    /// A convolution alone.
    fn add_weights(&mut self, filters: usize, inputs: usize, pixels: usize) {
        let weights = filters as u64 * inputs as u64;
        self.parameters += weights;
        self.macs += weights * pixels as u64;
    }

    /// A fully connected layer with bias.
    fn add_dense(&mut self, outputs: usize, inputs: usize) {
        let (outputs, inputs) = (outputs as u64, inputs as u64);
        self.parameters += outputs * inputs + outputs;
        self.macs += outputs * inputs;
    }

    fn add_squeeze_excite(&mut self, channels: usize, se: Se) {
        self.add_dense(se.channels, channels);
        self.add_dense(channels, se.channels);
    }
}

impl Layer {
    /// Trainable parameters.
    pub fn parameters(&self) -> u64 {
        self.cost().parameters
    }

    /// Multiply-accumulates for one image.
    pub fn macs(&self) -> u64 {
        self.cost().macs
    }

    fn cost(&self) -> Cost {
        let mut cost = Cost::default();
        for (unit, input, output) in self.chain().with_shapes(self.input) {
            match unit {
                Unit::Conv(conv) => {
                    let [filters, inputs, rows, columns] = conv.weight_shape(input.channels);
                    cost.add_weights(filters, inputs * rows * columns, output.pixels());
                    if conv.batch_norm {
                        cost.add_batch_norm(filters);
                    }
                }
                Unit::SqueezeExcite(se) => cost.add_squeeze_excite(input.channels, *se),
                Unit::MaxPool { .. } => {}
            }
        }
        if self.skip == Skip::Projection {
            cost.add_conv(self.output.channels, self.input.channels, self.output.pixels());
        }
        cost
    }
}

impl Network {
    /// Trainable parameters.
    pub fn parameters(&self) -> u64 {
        self.layers.iter().map(Layer::parameters).sum::<u64>() + self.head_cost().parameters
    }

    /// Multiply-accumulates for one image.
    pub fn macs(&self) -> u64 {
        self.layers.iter().map(Layer::macs).sum::<u64>() + self.head_cost().macs
    }

    /// Trainable parameters of the head.
    pub fn head_parameters(&self) -> u64 {
        self.head_cost().parameters
    }

    /// Multiply-accumulates of the head for one image.
    pub fn head_macs(&self) -> u64 {
        self.head_cost().macs
    }

    fn head_cost(&self) -> Cost {
        let mut cost = Cost::default();
        if let Some(head) = &self.head {
            let features = self.features();
            let mut width = features.channels;
            if let Some((filters, _)) = head.conv {
                cost.add_conv(filters, width, features.pixels());
                width = filters;
            }
            if let Some((outputs, _)) = head.hidden {
                cost.add_dense(outputs, width);
                width = outputs;
            }
            match head.classifier {
                Classifier::Linear => cost.add_dense(head.classes, width),
                Classifier::Conv { kernel_size, pads } => {
                    let pixels = slide(features, kernel_size, 1, pads).map_or(0, |scores| scores.pixels());
                    cost.add_weights(head.classes, kernel_size * kernel_size * width, pixels);
                    cost.parameters += head.classes as u64;
                }
            }
        }
        cost
    }
}
