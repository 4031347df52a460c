//! Weights of recognised layers under mnas's names.

use crate::error::{Problems, shown};
use crate::layer::Layers;
use crate::net::{Net, Unit};
use crate::tape::{Affine, Constant};
use mnas_codegen::weights::{WeightTensor, Weights};
use mnas_dsl::network::Network;

/// All weights. A convolution whose batch norm was folded into it gets one that does nothing: with `gamma` 1, mean 0 and
/// a variance of `1 - eps`, its factor `gamma / sqrt(variance + eps)` differs from 1 by less than 2^-25, so that folding
/// it gives the file's weights and biases to the bit.
pub(crate) fn collect(layers: &Layers, network: &Network, eps: f64, net: &Net, problems: &mut Problems) -> Weights {
    let mut collector = Collector { net, eps, weights: Weights::new(), problems };
    for (layer, named) in layers.layers.iter().zip(&network.layers) {
        for (suffix, unit) in &layer.units {
            let name = format!("{}.{suffix}", named.name);
            match *suffix {
                "se.reduce" | "se.expand" => collector.biased(&name, unit),
                "depthwise1" | "depthwise2" => collector.weight(&name, unit),
                _ => collector.normed(&name, unit),
            }
        }
    }
    if let Some(head) = &layers.head {
        if let Some(conv) = &head.conv {
            collector.normed("head.conv", conv);
        }
        if let Some(hidden) = &head.hidden {
            collector.biased("head.hidden", hidden);
        }
        collector.biased("classifier", &head.classifier);
        if let Some(weight) = collector.weights.get_mut("classifier.weight").filter(|_| !head.is_conv) {
            weight.shape.truncate(2);
        }
    }
    collector.weights
}

struct Collector<'c, 't, 'a> {
    net: &'c Net<'t, 'a>,
    eps: f64,
    weights: Weights,
    problems: &'c mut Problems,
}

impl Collector<'_, '_, '_> {
    /// A convolution with a batch norm.
    fn normed(&mut self, name: &str, unit: &Unit) {
        self.weight(name, unit);
        let channels = unit.conv.output_channels;
        let bias = self.bias(unit);
        let [gamma, beta, mean, variance] = match unit.batch_norm {
            None => {
                let variance = vec![(1.0 - self.eps) as f32; channels];
                match unit.affine {
                    None => [vec![1.0; channels], bias, vec![0.0; channels], variance],
                    Some(Affine { scale, shift }) => {
                        let shift = shift.map_or(vec![0.0; channels], |it| self.data(unit, it).data);
                        [self.data(unit, *scale).data, shift, bias.iter().map(|bias| -bias).collect(), variance]
                    }
                }
            }
            Some(norm) => {
                let [gamma, beta, mut mean, variance] = norm.constants.map(|it| self.data(unit, it).data);
                // A bias before a batch norm shifts the mean.
                for (mean, bias) in mean.iter_mut().zip(bias) {
                    *mean -= bias;
                }
                [gamma, beta, mean, variance]
            }
        };
        for (leaf, data) in [("weight", gamma), ("bias", beta), ("running_mean", mean), ("running_var", variance)] {
            self.weights.insert(format!("{name}.bn.{leaf}"), WeightTensor { shape: vec![data.len()], data });
        }
    }

    /// A convolution with a bias.
    fn biased(&mut self, name: &str, unit: &Unit) {
        self.weight(name, unit);
        let data = self.bias(unit);
        self.weights.insert(format!("{name}.bias"), WeightTensor { shape: vec![data.len()], data });
    }

    fn weight(&mut self, name: &str, unit: &Unit) {
        let mut tensor = self.data(unit, unit.conv.weight);
        // A fully connected layer's is [outputs, inputs].
        tensor.shape.resize(4, 1);
        self.weights.insert(format!("{name}.weight"), tensor);
    }

    fn bias(&mut self, unit: &Unit) -> Vec<f32> {
        match unit.conv.bias {
            None => vec![0.0; unit.conv.output_channels],
            Some(bias) => self.data(unit, bias).data,
        }
    }

    fn data(&mut self, unit: &Unit, constant: Constant) -> WeightTensor {
        match self.net.tape.store.real(&constant) {
            Ok(tensor) if constant.transposed => transposed(tensor),
            Ok(tensor) if !constant.order.is_empty() => reordered(tensor, constant.order),
            Ok(tensor) => tensor,
            Err(error) => {
                let found = format!("constant `{}` {error}", shown(constant.tensor.name));
                self.problems.push(self.net.place(unit.step), found, "");
                WeightTensor { shape: vec![], data: vec![] }
            }
        }
    }
}

/// The tensor whose axes are those axes of this one.
fn reordered(tensor: WeightTensor, order: &[usize]) -> WeightTensor {
    let rank = tensor.shape.len();
    if order.len() != rank || order.iter().any(|&axis| axis >= rank) {
        return tensor;
    }
    let step = |axis: usize| tensor.shape.iter().skip(axis + 1).product::<usize>();
    let shape: Vec<usize> = order.iter().map(|&axis| tensor.shape[axis]).collect();
    let steps: Vec<usize> = order.iter().map(|&axis| step(axis)).collect();
    let place = |mut index: usize| {
        let mut at = 0;
        for (size, step) in shape.iter().zip(&steps).rev() {
            at += index % size * step;
            index /= size;
        }
        at
    };
    let data = (0..tensor.data.len()).filter_map(|index| tensor.data.get(place(index)).copied()).collect();
    WeightTensor { shape, data }
}

fn transposed(tensor: WeightTensor) -> WeightTensor {
    let [rows, columns] = tensor.shape[..] else { return tensor };
    let data = (0..columns).flat_map(|column| (0..rows).map(move |row| (row, column)));
    let data = data.filter_map(|(row, column)| tensor.data.get(row * columns + column).copied()).collect();
    WeightTensor { shape: vec![columns, rows], data }
}
