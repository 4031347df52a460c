//! Weights and images with which an error in any operator is visible.
//!
//! Weights like those of a trained network are not enough: after a batch norm few values would exceed 6, and ReLU6 would
//! equal ReLU. The network is therefore run on its image, operator by operator, and each batch norm gets the statistics of
//! its input and a scale that spreads its channels over both ends of the activation after it.

use crate::case::Case;
use crate::random::Random;
use mnas_codegen::graph::{Graph, Op, TensorId};
use mnas_codegen::reference::{self, ReferenceError};
use mnas_codegen::weights::{self, WeightTensor, Weights};
use mnas_dsl::Network;
use mnas_dsl::network::Activation;
use std::collections::BTreeMap;

/// An image for a network, height x width x channels.
pub fn image(network: &Network, seed: u64) -> Vec<f32> {
    let mut random = Random::new(seed ^ 0x5eed_0001);
    (0..network.input.len()).map(|_| random.between(-2.0, 2.0) as f32).collect()
}

/// Weights of the right shapes.
pub fn first_weights(case: &Case, lowered: &Graph) -> Weights {
    if case.graph.is_none() {
        return weights::random(&case.network, case.seed);
    }
    let mut random = Random::new(case.seed ^ 0x5eed_0003);
    let mut weights = Weights::new();
    for node in &lowered.nodes {
        let channels = lowered.shape(node.output).channels;
        let (param, shape, bias) = match &node.op {
            Op::Conv(conv) => (&conv.param, conv.weight_shape().to_vec(), conv.bias),
            Op::Linear { param } => (param, vec![channels, lowered.shape(node.inputs[0]).channels], true),
            Op::BatchNorm { param, .. } => {
                for leaf in ["weight", "bias", "running_mean", "running_var"] {
                    let name = format!("{param}.{leaf}");
                    weights.insert(name, WeightTensor { shape: vec![channels], data: vec![1.0; channels] });
                }
                continue;
            }
            _ => continue,
        };
        let len: usize = shape.iter().product();
        let spread = (6.0 / (len / channels) as f64).sqrt();
        let mut values = |n: usize, spread: f64| (0..n).map(|_| random.between(-spread, spread) as f32).collect();
        weights.insert(format!("{param}.weight"), WeightTensor { shape, data: values(len, spread) });
        if bias {
            weights
                .insert(format!("{param}.bias"), WeightTensor { shape: vec![channels], data: values(channels, 1.0) });
        }
    }
    weights
}

/// Weights that reach both ends of every activation, from weights of the right shapes, the graph as it was lowered and its
/// image.
///
/// # Errors
///
/// As [`reference::run`]; not for weights of this graph.
pub fn weights(mut weights: Weights, lowered: &Graph, image: &[f32], seed: u64) -> Result<Weights, ReferenceError> {
    let mut random = Random::new(seed ^ 0x5eed_0002);
    let pixels = image.iter().copied().map(f64::from).collect();
    let mut values: BTreeMap<TensorId, Vec<f64>> = BTreeMap::from([(lowered.input, pixels)]);
    for node in &lowered.nodes {
        if let Op::BatchNorm { param, .. } = &node.op {
            let activation = lowered.nodes.iter().find_map(|next| match next.op {
                Op::Activation(it) if next.inputs.first() == Some(&node.output) => Some(it),
                _ => None,
            });
            spread(
                &mut weights,
                param,
                &values[&node.inputs[0]],
                activation.unwrap_or(Activation::Linear),
                &mut random,
            );
        }
        let mut made = reference::run_nodes(lowered, std::slice::from_ref(node), &weights, &values)?;
        let mut made = made.remove(&node.output).unwrap_or_default();
        match &node.op {
            Op::BatchNorm { param, .. } => wake(&mut weights, param, &mut made),
            // A squeeze-excite has few hidden values, and after a ReLU all of them could be zero.
            Op::Conv(conv) if conv.bias && node.name.ends_with("se/reduce") => {
                let bias = weights.get_mut(&format!("{}.bias", conv.param)).expect("a bias");
                for (bias, made) in bias.data.iter_mut().zip(&mut made) {
                    let wanted = random.between(0.3, 1.5);
                    *bias += (wanted - *made) as f32;
                    *made = wanted;
                }
            }
            _ => {}
        }
        values.insert(node.output, made);
    }
    Ok(weights)
}

/// Statistics of `x` and a scale for the activation, each channel a little different.
fn spread(weights: &mut Weights, param: &str, x: &[f64], activation: Activation, random: &mut Random) {
    let scale = match activation {
        // They bend at 3 or 6.
        Activation::Relu6 | Activation::HardSwish | Activation::HardSigmoid => 3.5,
        Activation::Swish | Activation::Sigmoid => 1.6,
        Activation::Linear | Activation::Relu => 1.1,
    };
    let count = x.len() as f64;
    let mean = x.iter().sum::<f64>() / count;
    // Centred at zero and not at the mean: where values hardly differ, scaling would magnify rounding errors too.
    let variance = (x.iter().map(|v| v * v).sum::<f64>() / count).max(1e-2);
    let deviation = variance.sqrt();
    let mut set = |leaf: &str, value: &mut dyn FnMut(&mut Random) -> f64| {
        let tensor = weights.get_mut(&format!("{param}.{leaf}")).expect("a parameter of a batch norm");
        tensor.data.iter_mut().for_each(|it| *it = value(random) as f32);
    };
    set("running_mean", &mut |r| 0.5 * mean + deviation * r.between(-0.3, 0.3));
    set("running_var", &mut |r| variance * r.between(0.6, 1.5));
    set("weight", &mut |r| scale * r.between(0.6, 1.3) * if r.percent(15) { -1.0 } else { 1.0 });
    set("bias", &mut |r| scale * r.between(-0.2, 0.5));
}

/// Raises the bias of a batch norm whose output is negative everywhere: after a ReLU all of it would be zero.
fn wake(weights: &mut Weights, param: &str, made: &mut [f64]) {
    let highest = made.iter().copied().fold(f64::MIN, f64::max);
    if highest < 0.5 {
        let lift = 1.0 - highest;
        let bias = weights.get_mut(&format!("{param}.bias")).expect("a bias");
        bias.data.iter_mut().for_each(|it| *it += lift as f32);
        made.iter_mut().for_each(|it| *it += lift);
    }
}
