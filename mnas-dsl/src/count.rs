//! Parameters and multiply-accumulates, as papers count them.
//!
//! Parameters are weights, biases and batch norm's gamma and beta (not its running statistics). MACs are
//! those of convolutions, the two of squeeze-excite among them, and of fully connected layers; nothing else.

use crate::network::{Layer, LayerOp, Network, Se};

/// What a part of a network costs.
#[derive(Clone, Copy, Default)]
struct Cost {
    parameters: u64,
    macs: u64,
}

impl Cost {
    /// A convolution with batch norm: each of `filters` sees `inputs` values at each of `pixels` places.
    fn add_conv(&mut self, filters: usize, inputs: usize, pixels: usize) {
        let (filters, inputs, pixels) = (filters as u64, inputs as u64, pixels as u64);
        self.parameters += filters * inputs + 2 * filters;
        self.macs += filters * inputs * pixels;
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
            cost.add_dense(head.classes, width);
        }
        cost
    }
}
