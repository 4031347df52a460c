//! Parameters and multiply-accumulates, as papers count them.
//!
//! Parameters are weights, biases and batch norm's gamma and beta (not its running statistics). MACs are
//! those of convolutions, the two of squeeze-excite among them, and of fully connected layers; nothing else.

use crate::network::{Classifier, Layer, LayerOp, Network, Se, Shape, Skip, slide};

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
        self.parameters += 2 * filters as u64;
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

    fn add_se(&mut self, channels: usize, se: Option<Se>) {
        if let Some(se) = se {
            self.add_dense(se.channels, channels);
            self.add_dense(channels, se.channels);
        }
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
        let window = self.kernel_size * self.kernel_size;
        let (input, output) = (self.input, self.output);
        match self.op {
            LayerOp::Conv { .. } => cost.add_conv(output.channels, window * input.channels, output.pixels()),
            LayerOp::SepConv { se, .. } => {
                cost.add_conv(input.channels, window, output.pixels());
                cost.add_se(input.channels, se);
                cost.add_conv(output.channels, input.channels, output.pixels());
            }
            LayerOp::MbConv { expanded, se, .. } => {
                cost.add_conv(expanded, input.channels, input.pixels());
                cost.add_conv(expanded, window, output.pixels());
                cost.add_se(expanded, se);
                cost.add_conv(output.channels, expanded, output.pixels());
            }
            LayerOp::FusedMbConv { expanded, se, .. } => {
                cost.add_conv(expanded, window * input.channels, output.pixels());
                cost.add_se(expanded, se);
                cost.add_conv(output.channels, expanded, output.pixels());
            }
            LayerOp::Bottleneck { reduced, .. } => {
                cost.add_conv(reduced, input.channels, input.pixels());
                cost.add_conv(reduced, window * reduced, output.pixels());
                cost.add_conv(output.channels, reduced, output.pixels());
            }
            LayerOp::Xception { se, .. } => {
                let mut x = input;
                for _ in 0..2 {
                    let between = slide(x, self.kernel_size, 1, self.pads).unwrap_or(x);
                    cost.add_weights(x.channels, window, between.pixels());
                    cost.add_conv(output.channels, x.channels, between.pixels());
                    x = Shape { channels: output.channels, ..between };
                }
                cost.add_se(output.channels, se);
            }
            LayerOp::MaxPool => {}
        }
        if self.skip == Skip::Projection {
            cost.add_conv(output.channels, input.channels, output.pixels());
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
