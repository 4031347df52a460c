//! Random weights on which a network behaves like a trained one, for tests and timings.
//!
//! He initialisation alone is not enough: a batch norm's running statistics must be those of its input, or activations
//! vanish or explode within a few layers. So the mean and variance of each channel are computed through the network
//! (for an input of mean 0 and variance 1), with the weights that were drawn. Weights are drawn independently
//! of the data with mean 0, so that correlations between inputs cancel on average and errors do not pile up with depth.
//!
//! The values are the same on every platform: integer arithmetic, and of floating point only operations that IEEE 754
//! rounds exactly.

mod generator;
mod moments;

use super::{WeightTensor, Weights};
use generator::Generator;
use mnas_dsl::chain::Unit;
use mnas_dsl::network::{Activation, Classifier, Layer, Network, Se, Skip};
use moments::{Moments, coverage};

/// Weights for every parameter of `network`, decided by `seed` and the parameters' names and shapes alone.
///
/// Convolutions follow He; the scales of batch norms lie around 1; their biases are slightly positive where an
/// activation follows, so that well over half of its outputs stay away from zero; gates of squeeze-excites vary around a half.
pub fn random(network: &Network, seed: u64) -> Weights {
    let mut draw = Draw { seed, weights: Weights::new() };
    let mut x = Moments::unit(network.input.channels);
    for layer in &network.layers {
        x = draw.layer(layer, &x);
    }
    if let Some(head) = &network.head {
        if let Some((filters, activation)) = head.conv {
            x = draw.pointwise("head.conv", &x, filters, activation);
        }
        if let Some((outputs, activation)) = head.hidden {
            x = draw.hidden("head.hidden", &x, outputs, activation);
        }
        // Features after the pool differ by channel; with this spread the classes' scores differ by about as much.
        let spread = (1.0 / x.channels() as f64).sqrt();
        let shape = match head.classifier {
            Classifier::Linear => vec![head.classes, x.channels()],
            Classifier::Conv { kernel_size: k, .. } => vec![head.classes, x.channels(), k, k],
        };
        draw.tensor("classifier.weight", &shape, |random| random.normal() * spread);
        draw.tensor("classifier.bias", &[head.classes], |random| random.between(-0.1, 0.1));
    }
    draw.weights
}

/// Ranges of the scales and biases of a batch norm.
struct Norm {
    scale: (f64, f64),
    bias: (f64, f64),
}

/// An activation follows.
const ACTIVE: Norm = Norm { scale: (0.8, 1.2), bias: (0.2, 0.6) };
/// No activation follows.
const LINEAR: Norm = Norm { scale: (0.8, 1.2), bias: (-0.2, 0.2) };
/// It is added to a skip, and the activation follows the sum. Training makes such scales small, so that a deep stack of
/// blocks changes what goes through it little by little.
const ADDED: Norm = Norm { scale: (0.3, 0.5), bias: (0.2, 0.6) };

/// Filters of a convolution.
struct Window<'a> {
    outputs: usize,
    kernel_size: usize,
    depthwise: bool,
    /// For each tap of the kernel, on which share of the outputs it lies within the image.
    coverage: &'a [f64],
}

struct Draw {
    seed: u64,
    weights: Weights,
}

impl Draw {
    /// Draws a layer's weights; gives the moments of its output for those of its input.
    fn layer(&mut self, layer: &Layer, x: &Moments) -> Moments {
        let name = &layer.name;
        let chain = layer.chain();
        let last = chain.units.len().saturating_sub(1);
        let mut y = x.clone();
        for (index, (unit, input, output)) in chain.with_shapes(layer.input).enumerate() {
            match unit {
                Unit::Conv(conv) => {
                    let window = Window {
                        outputs: conv.filters,
                        kernel_size: conv.kernel_size,
                        depthwise: conv.depthwise,
                        coverage: &coverage(conv, input, output),
                    };
                    let norm = match conv.activation {
                        _ if !conv.batch_norm => None,
                        _ if index == last && chain.after_sum.is_some() => Some(ADDED),
                        Activation::Linear => Some(LINEAR),
                        _ => Some(ACTIVE),
                    };
                    let module = format!("{name}.{}", conv.name);
                    y = self.conv_and_norm(&module, &y, &window, norm.as_ref()).activate(conv.activation);
                }
                Unit::SqueezeExcite(se) => self.squeeze_excite(&format!("{name}.se"), se, &mut y),
                Unit::MaxPool { .. } => y = y.max_pool(),
            }
        }
        match layer.skip {
            Skip::None => {}
            Skip::Projection => {
                let shortcut =
                    self.pointwise(&format!("{name}.shortcut"), x, layer.output.channels, Activation::Linear);
                y.add(&shortcut, 1.0);
            }
            Skip::Identity => y.add(x, 1.0),
            // Between that of noise (a ninth) and that of a smooth image (all of it).
            Skip::Pool => y.add(x, 0.5),
        }
        match chain.after_sum {
            Some(activation) => y.activate(activation),
            None => y,
        }
    }

    /// Pointwise convolution, batch norm, activation.
    fn pointwise(&mut self, name: &str, x: &Moments, outputs: usize, activation: Activation) -> Moments {
        let norm = if activation == Activation::Linear { LINEAR } else { ACTIVE };
        let window = Window { outputs, kernel_size: 1, depthwise: false, coverage: &[1.0] };
        self.conv_and_norm(name, x, &window, Some(&norm)).activate(activation)
    }

    /// Convolution, \[batch norm\].
    fn conv_and_norm(&mut self, name: &str, x: &Moments, window: &Window<'_>, norm: Option<&Norm>) -> Moments {
        let (outputs, k) = (window.outputs, window.kernel_size);
        let inputs = if window.depthwise { 1 } else { x.channels() };
        let spread = (2.0 / (inputs * k * k) as f64).sqrt();
        let weight = self.tensor(&format!("{name}.weight"), &[outputs, inputs, k, k], |r| r.normal() * spread);
        let before = x.convolve(&weight, window.depthwise, window.coverage);
        let Some(norm) = norm else { return before };

        let scale = self.tensor(&format!("{name}.bn.weight"), &[outputs], |r| r.between(norm.scale.0, norm.scale.1));
        let bias = self.tensor(&format!("{name}.bn.bias"), &[outputs], |r| r.between(norm.bias.0, norm.bias.1));
        self.given(&format!("{name}.bn.running_mean"), &before.mean);
        self.given(&format!("{name}.bn.running_var"), &before.variance);
        Moments::after_batch_norm(&scale, &bias)
    }

    fn squeeze_excite(&mut self, name: &str, se: &Se, x: &mut Moments) {
        // There are few channels between reduce and expand, so their expected values are set: by chance, sometimes
        // all of them would be negative, and the gates would be the same for every image.
        let (reduce, expand) = (format!("{name}.reduce"), format!("{name}.expand"));
        let hidden = self.matrix(&reduce, se.channels, &x.mean);
        let wanted = Generator::draw(self.seed, &reduce, se.channels, |random| random.between(0.2, 0.8));
        let bias: Vec<f64> = wanted.iter().zip(&hidden).map(|(wanted, hidden)| wanted - hidden).collect();
        self.given(&format!("{reduce}.bias"), &bias);
        let hidden: Vec<f64> = wanted.iter().map(|&x| moments::apply(se.activation, x)).collect();

        let gates = self.matrix(&expand, x.channels(), &hidden);
        let bias = self.tensor(&format!("{expand}.bias"), &[x.channels()], |random| random.between(-0.2, 0.2));
        let gates = gates.iter().zip(&bias).map(|(gate, bias)| moments::apply(se.gate, gate + f64::from(*bias)));
        x.scale(&gates.collect::<Vec<f64>>());
    }

    /// The layer after the pool. Means vary little about what is expected of them, so the bias sets the outputs to
    /// values that keep most of them away from zero, as for the few channels of a squeeze-excite.
    fn hidden(&mut self, name: &str, x: &Moments, outputs: usize, activation: Activation) -> Moments {
        let product = self.matrix(name, outputs, &x.mean);
        let wanted = Generator::draw(self.seed, &format!("{name}.wanted"), outputs, |random| random.between(-0.5, 1.5));
        let bias: Vec<f64> = wanted.iter().zip(&product).map(|(wanted, product)| wanted - product).collect();
        self.given(&format!("{name}.bias"), &bias);
        let mean = wanted.iter().map(|&x| moments::apply(activation, x)).collect();
        Moments { mean, variance: vec![0.0; outputs] }
    }

    /// Draws the weight of a 1x1 convolution; gives its product with a pooled image.
    fn matrix(&mut self, name: &str, outputs: usize, x: &[f64]) -> Vec<f64> {
        let spread = (2.0 / x.len() as f64).sqrt();
        let weight = self.tensor(&format!("{name}.weight"), &[outputs, x.len(), 1, 1], |r| r.normal() * spread);
        let rows = weight.chunks_exact(x.len().max(1));
        rows.map(|row| row.iter().zip(x).map(|(w, x)| f64::from(*w) * x).sum()).collect()
    }

    /// Draws a tensor. Each has its own generator, so that a change to one layer does not change the values of others.
    fn tensor(&mut self, name: &str, shape: &[usize], value: impl FnMut(&mut Generator) -> f64) -> Vec<f32> {
        let values = Generator::draw(self.seed, name, shape.iter().product(), value);
        let data: Vec<f32> = values.into_iter().map(|value| value as f32).collect();
        self.weights.insert(name.into(), WeightTensor { shape: shape.to_vec(), data: data.clone() });
        data
    }

    fn given(&mut self, name: &str, values: &[f64]) {
        let data = values.iter().map(|&value| value as f32).collect();
        self.weights.insert(name.into(), WeightTensor { shape: vec![values.len()], data });
    }
}
