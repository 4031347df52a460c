//! Gradients equal finite differences of the reference executor, whose operators run image by image, and whose batch norms
//! use the statistics of the batch.

use super::forms;
use mnas_codegen::graph::{Graph, Op, TensorId};
use mnas_codegen::lower::lower;
use mnas_codegen::reference::run_nodes;
use mnas_codegen::weights::{self, Weights};
use mnas_search::rng::Rng;
use mnas_train::model::Noise;
use std::collections::BTreeMap;

/// Together these networks have every kind of block, skip and pool, squeeze-excite, strides, asymmetric padding and both
/// classifiers. Only the last one's activations have corners, at which finite differences are wrong.
const NETS: [(&str, &str, f64); 4] = [
    (
        "mobile",
        "
name: mobile
input: 7x6x2
activation: swish
stem: {op: conv, kernel: 3, stride: 2, filters: 3}
blocks:
  - {op: sepconv, kernel: 3, filters: 3}
  - {op: mbconv, expand: 2, kernel: 5, se: 0.5, filters: 3, stride: 2, skip: pool}
  - {op: mbconv, expand: 1, kernel: 3, filters: 3, skip: pool}
  - {op: fused_mbconv, expand: 2, kernel: 3, se: 0.5, filters: 4}
head: {filters: 5, hidden: 4, classes: 3}
",
        1e-3,
    ),
    (
        "resnet",
        "
name: resnet
input: 9x8x2
padding: symmetric
activation: sigmoid
stem: {op: conv, kernel: 5, filters: 3}
blocks:
  - {op: max_pool, kernel: 3, stride: 2}
  - {op: bottleneck, kernel: 3, filters: 4, reduce: 0.5, stride: 2, activation: swish}
head: {classes: 3}
",
        1e-3,
    ),
    (
        "xception",
        "
name: xception
input: 8x8x1
activation: swish
squeeze_excite: {of: expanded}
stem: {op: conv, kernel: 3, filters: 3}
blocks:
  - {op: xception, kernel: 3, filters: 4, stride: 2, se: 0.5}
head: {kernel: 3, classes: 3}
",
        1e-3,
    ),
    (
        "corners",
        "
name: corners
input: 5x5x1
activation: relu
stem: {op: conv, kernel: 3, filters: 3}
blocks:
  - {op: sepconv, kernel: 3, filters: 3, activation: hard_swish}
  - {op: mbconv, expand: 2, kernel: 3, se: 0.5, filters: 3, activation: relu6}
head: {classes: 3}
",
        1e-3,
    ),
];

/// Number of pictures in a batch.
const PICTURES: usize = 3;
const LABELS: [u16; PICTURES] = [2, 0, 1];
const SMOOTHING: f64 = 0.1;

#[test]
fn gradients_equal_finite_differences_of_the_reference() {
    for (name, text, tolerance) in NETS {
        let (spec, network) = mnas_dsl::load_yaml(text, name).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        let weights = weights::random(&network, 5);
        let mut rng = Rng::new(3);
        let pictures: Vec<Vec<f32>> =
            (0..PICTURES).map(|_| (0..network.input.len()).map(|_| rng.range(-2.0, 2.0) as f32).collect()).collect();
        let graph = lower(&network);
        let noise = Noise { label_smoothing: SMOOTHING, dropout: 0.0 };
        for (form, model) in forms(&spec, &network, &weights) {
            let slope = model.slope(&pictures.concat(), &LABELS, noise, &mut rng);
            let expected = loss(&graph, &weights, &pictures);
            assert!((slope.loss - expected).abs() < 1e-4, "{name} by {form}: {} is not {expected}", slope.loss);
            let parameters = weights::parameters(&network);
            let largest = slope.gradients.iter().flatten().flatten().fold(0.0_f32, |most, value| most.max(value.abs()));
            let (mut compared, mut stepped_over) = (0, 0);
            for (parameter, gradient) in parameters.iter().zip(&slope.gradients) {
                assert_eq!(gradient.is_some(), parameter.kind.is_learnt(), "{name}: {}", parameter.name);
                let Some(gradient) = gradient else { continue };
                for (at, &found) in gradient.iter().enumerate() {
                    let near = difference(&graph, &weights, &pictures, &parameter.name, at, 2e-3);
                    let nearer = difference(&graph, &weights, &pictures, &parameter.name, at, 5e-4);
                    // The slopes on the two sides of a corner differ.
                    if name == "corners" && (near - nearer).abs() > 1e-3 * f64::from(largest) {
                        stepped_over += 1;
                        continue;
                    }
                    compared += 1;
                    assert!(
                        (f64::from(found) - nearer).abs() <= tolerance * f64::from(largest),
                        "{name} by {form}: the gradient of {} at {at} is {found}, not {nearer} (the largest is {largest})",
                        parameter.name
                    );
                }
            }
            assert!(stepped_over * 5 < compared, "{name}: {stepped_over} of {compared} are corners");
        }
    }
}

/// The slope of the loss along a parameter.
fn difference(graph: &Graph, weights: &Weights, pictures: &[Vec<f32>], parameter: &str, at: usize, step: f32) -> f64 {
    let at_distance = |step: f32| {
        let mut moved = weights.clone();
        let value = &mut moved.get_mut(parameter).unwrap().data[at];
        *value += step;
        (f64::from(*value), loss(graph, &moved, pictures))
    };
    let ((left, below), (right, above)) = (at_distance(-step), at_distance(step));
    (above - below) / (right - left)
}

/// Mean cross entropy with smoothed targets of a graph's scores, with the statistics of the batch.
fn loss(graph: &Graph, weights: &Weights, pictures: &[Vec<f32>]) -> f64 {
    let scores = scores(graph, weights, pictures);
    let of = |(scores, label): (&Vec<f64>, &u16)| {
        let total: f64 = scores.iter().map(|score| score.exp()).sum();
        let classes = scores.len() as f64;
        let terms = scores.iter().enumerate().map(|(class, score)| {
            let target = SMOOTHING / classes + if class == usize::from(*label) { 1.0 - SMOOTHING } else { 0.0 };
            -target * (score - total.ln())
        });
        terms.sum::<f64>()
    };
    scores.iter().zip(&LABELS).map(of).sum::<f64>() / pictures.len() as f64
}

fn scores(graph: &Graph, weights: &Weights, pictures: &[Vec<f32>]) -> Vec<Vec<f64>> {
    let mut weights = weights.clone();
    let mut values: Vec<BTreeMap<TensorId, Vec<f64>>> = pictures
        .iter()
        .map(|picture| BTreeMap::from([(graph.input, picture.iter().map(|&value| f64::from(value)).collect())]))
        .collect();
    for node in &graph.nodes {
        let mut node = node.clone();
        if let Op::BatchNorm { param, eps } = &mut node.op {
            let x: Vec<&Vec<f64>> = values.iter().map(|values| &values[&node.inputs[0]]).collect();
            let channels = graph.shape(node.inputs[0]).channels;
            // As weights the statistics would have single precision, which is too coarse for small differences: the test
            // applies them to the input instead.
            let normalised = normalise(&x, channels, *eps);
            for (values, x) in values.iter_mut().zip(normalised) {
                values.insert(node.inputs[0], x);
            }
            *eps = 0.0;
            for (name, value) in [("running_mean", 0.0), ("running_var", 1.0)] {
                weights.get_mut(&format!("{param}.{name}")).unwrap().data.fill(value);
            }
        }
        for values in &mut values {
            let made = run_nodes(graph, std::slice::from_ref(&node), &weights, values).unwrap();
            values.extend(made);
        }
    }
    values.into_iter().map(|mut values| values.remove(&graph.output).unwrap()).collect()
}

/// Normalises each channel to mean 0 and variance 1 over all pictures.
fn normalise(x: &[&Vec<f64>], channels: usize, eps: f64) -> Vec<Vec<f64>> {
    let mut result: Vec<Vec<f64>> = x.iter().map(|x| (*x).clone()).collect();
    for channel in 0..channels {
        let all: Vec<f64> = x.iter().flat_map(|x| x.iter().skip(channel).step_by(channels)).copied().collect();
        let mean = all.iter().sum::<f64>() / all.len() as f64;
        let variance = all.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / all.len() as f64;
        for value in result.iter_mut().flat_map(|x| x.iter_mut().skip(channel).step_by(channels)) {
            *value = (*value - mean) / (variance + eps).sqrt();
        }
    }
    result
}
