//! The reference executor against numbers worked out by hand.

use mnas_codegen::fold::{fold, try_fold};
use mnas_codegen::graph::{Conv, Graph, GraphLayer, Node, Op, Residual, Tensor, TensorId};
use mnas_codegen::lower::lower;
use mnas_codegen::passes;
use mnas_codegen::reference::{self, Keep};
use mnas_codegen::weights::{WeightTensor, Weights};
use mnas_dsl::network::{Activation, Pads, Shape};

use crate::common::{Random, every_feature, image, weights};
use std::sync::Arc;

const NO_PADS: Pads = Pads { top: 0, left: 0, bottom: 0, right: 0 };

fn shape(height: usize, width: usize, channels: usize) -> Shape {
    Shape { height, width, channels }
}

/// A graph of one operator over tensors of these shapes, the last of them its result; all operands are the input.
fn single(op: Op, input: Shape, operands: usize, output: Shape) -> Graph {
    let tensor = |name: &str, shape| Tensor { name: name.to_owned(), shape };
    Graph {
        name: "single".to_owned(),
        tensors: vec![tensor("input", input), tensor("node", output)],
        nodes: vec![Node {
            name: "node".to_owned(),
            layer: 0,
            op,
            inputs: vec![TensorId(0); operands],
            output: TensorId(1),
        }],
        input: TensorId(0),
        output: TensorId(1),
        layers: vec![GraphLayer { name: "stem".to_owned(), source: String::new(), output: TensorId(1) }],
    }
}

fn conv(input_channels: usize, output_channels: usize, kernel_size: usize) -> Conv {
    Conv {
        param: "c".to_owned(),
        input_channels,
        output_channels,
        kernel_size,
        stride: 1,
        pads: NO_PADS,
        depthwise: false,
        bias: false,
        batch_norm: None,
        activation: Activation::Linear,
        residual: Residual::None,
    }
}

fn weight(shape: &[usize], data: &[f32]) -> WeightTensor {
    WeightTensor { shape: shape.to_vec(), data: data.to_vec() }
}

fn named<const N: usize>(weights: [(&str, WeightTensor); N]) -> Weights {
    weights.into_iter().map(|(name, tensor)| (name.to_owned(), tensor)).collect()
}

fn output(graph: &Graph, weights: &Weights, input: &[f32]) -> Vec<f64> {
    reference::run(graph, weights, input).unwrap().output().to_vec()
}

#[test]
fn convolution_pads_and_strides() {
    let pads = Pads { top: 0, left: 1, bottom: 1, right: 0 };
    let op = Op::Conv(Arc::new(Conv { stride: 2, pads, ..conv(1, 1, 3) }));
    let graph = single(op, shape(4, 4, 1), 1, shape(2, 2, 1));
    let kernel = weight(&[1, 1, 3, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]);
    #[rustfmt::skip]
    let x = [
        1.0, 0.0, 2.0, 0.0,
        0.0, 3.0, 0.0, 1.0,
        1.0, 0.0, 0.0, 2.0,
        0.0, 1.0, 4.0, 0.0,
    ];
    // Top left: columns -1, 0, 1 of rows 0, 1, 2: 2*1 + 3*0 + 5*0 + 6*3 + 8*1 + 9*0.
    // Top right: columns 1, 2, 3: 2*2 + 4*3 + 6*1 + 9*2. Below: rows 2, 3 and the padding.
    let expected = [28.0, 40.0, 2.0 + 6.0, 3.0 * 2.0 + 4.0 + 5.0 * 4.0];
    assert_eq!(output(&graph, &named([("c.weight", kernel)]), &x), expected);
}

#[test]
fn convolution_mixes_channels_in_oihw() {
    let op = Op::Conv(Arc::new(Conv { bias: true, ..conv(2, 3, 1) }));
    let graph = single(op, shape(1, 2, 2), 1, shape(1, 2, 3));
    let weights = named([
        ("c.weight", weight(&[3, 2, 1, 1], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])),
        ("c.bias", weight(&[3], &[100.0, 200.0, 300.0])),
    ]);
    let expected = [121.0, 243.0, 365.0, 100.0, 202.0, 304.0];
    assert_eq!(output(&graph, &weights, &[1.0, 10.0, 2.0, -1.0]), expected);
}

#[test]
fn depthwise_convolution_keeps_channels_apart() {
    let pads = Pads { top: 1, left: 1, bottom: 1, right: 1 };
    let op = Op::Conv(Arc::new(Conv { depthwise: true, pads, ..conv(2, 2, 3) }));
    let graph = single(op, shape(1, 2, 2), 1, shape(1, 2, 2));
    // Only the middle row of a kernel meets the image.
    let mut kernel = vec![9.0; 18];
    kernel[3..6].copy_from_slice(&[1.0, 2.0, 3.0]);
    kernel[12..15].copy_from_slice(&[10.0, 20.0, 30.0]);
    let weights = named([("c.weight", weight(&[2, 1, 3, 3], &kernel))]);
    // Channel 0 is (1, 2), channel 1 is (5, 7).
    let expected = [2.0 + 6.0, 100.0 + 210.0, 1.0 + 4.0, 50.0 + 140.0];
    assert_eq!(output(&graph, &weights, &[1.0, 5.0, 2.0, 7.0]), expected);
}

/// gamma 2, beta 1, mean 3, var 0.75, eps 0.25: 2 * (x - 3) + 1.
fn batch_norm_weights() -> Weights {
    named([
        ("c.weight", weight(&[1, 1, 1, 1], &[-1.0])),
        ("c.bn.weight", weight(&[1], &[2.0])),
        ("c.bn.bias", weight(&[1], &[1.0])),
        ("c.bn.running_mean", weight(&[1], &[3.0])),
        ("c.bn.running_var", weight(&[1], &[0.75])),
    ])
}

#[test]
fn batch_norm_normalises() {
    let op = Op::BatchNorm { param: "c.bn".to_owned(), eps: 0.25 };
    let graph = single(op, shape(1, 3, 1), 1, shape(1, 3, 1));
    assert_eq!(output(&graph, &batch_norm_weights(), &[3.0, 4.0, 0.0]), [1.0, 3.0, -5.0]);
}

#[test]
fn convolution_applies_norm_activation_and_residual_in_their_order() {
    let fused = |residual| Conv {
        batch_norm: Some(("c.bn".to_owned(), 0.25)),
        activation: Activation::Relu,
        residual,
        ..conv(1, 1, 1)
    };
    for (residual, expected) in [
        // relu(2 * (-x - 3) + 1) + x
        (Residual::Last, [1.0, -1.0, 3.0]),
        // relu(2 * (-x - 3) + 1 + x)
        (Residual::BeforeActivation, [0.0, 0.0, 3.0]),
    ] {
        let graph = single(Op::Conv(Arc::new(fused(residual))), shape(1, 3, 1), 2, shape(1, 3, 1));
        assert_eq!(output(&graph, &batch_norm_weights(), &[1.0, -4.0, -8.0]), expected);
    }
}

#[test]
fn average_pool_does_not_count_padding() {
    let pads = Pads { top: 1, left: 1, bottom: 1, right: 1 };
    let op = Op::AveragePool { kernel_size: 3, stride: 2, pads };
    let graph = single(op, shape(3, 3, 1), 1, shape(2, 2, 1));
    let x = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0];
    assert_eq!(output(&graph, &Weights::new(), &x), [3.0, 4.0, 6.0, 7.0]);
}

#[test]
fn padding_never_wins_a_max_pool() {
    let pads = Pads { top: 1, left: 0, bottom: 0, right: 1 };
    let op = Op::MaxPool { kernel_size: 2, stride: 2, pads };
    let graph = single(op, shape(3, 3, 1), 1, shape(2, 2, 1));
    let x = [-1.0, -2.0, -3.0, -4.0, 5.0, -6.0, -9.0, -8.0, -7.0];
    // Above the image; and column 2 with nothing to its right.
    assert_eq!(output(&graph, &Weights::new(), &x), [-1.0, -3.0, 5.0, -6.0]);
    let output = output(&graph, &Weights::new(), &[-1.0, f32::NAN, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    assert!(output[0].is_nan() && output[1..] == [0.0; 3]);
}

#[test]
fn global_average_pool_is_a_mean_a_channel() {
    let graph = single(Op::GlobalAveragePool, shape(2, 1, 2), 1, shape(1, 1, 2));
    assert_eq!(output(&graph, &Weights::new(), &[1.0, 10.0, 2.0, 30.0]), [1.5, 20.0]);
}

#[test]
fn add_and_activation() {
    let graph = single(Op::Add, shape(1, 2, 1), 2, shape(1, 2, 1));
    assert_eq!(output(&graph, &Weights::new(), &[1.5, -2.0]), [3.0, -4.0]);
    let graph = single(Op::Activation(Activation::Relu6), shape(1, 3, 1), 1, shape(1, 3, 1));
    assert_eq!(output(&graph, &Weights::new(), &[-1.0, 3.0, 7.0]), [0.0, 3.0, 6.0]);
}

#[test]
fn multiply_scales_channels() {
    let graph = single(Op::Multiply, shape(1, 1, 2), 2, shape(1, 1, 2));
    assert_eq!(output(&graph, &Weights::new(), &[3.0, -2.0]), [9.0, 4.0]);
}

#[test]
fn linear_is_a_matrix_product() {
    let graph = single(Op::Linear { param: "l".to_owned() }, shape(1, 1, 3), 1, shape(1, 1, 2));
    let weights =
        named([("l.weight", weight(&[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])), ("l.bias", weight(&[2], &[0.5, -0.5]))]);
    assert_eq!(output(&graph, &weights, &[1.0, 10.0, 100.0]), [321.5, 653.5]);
}

#[test]
fn squeeze_excite_gates_by_means() {
    let reduce = Conv { param: "r".to_owned(), bias: true, activation: Activation::Relu, ..conv(2, 1, 1) };
    let expand = Conv { param: "e".to_owned(), bias: true, activation: Activation::HardSigmoid, ..conv(1, 2, 1) };
    let graph =
        single(Op::SqueezeExcite { reduce: reduce.into(), expand: expand.into() }, shape(1, 2, 2), 1, shape(1, 2, 2));
    let weights = named([
        ("r.weight", weight(&[1, 2, 1, 1], &[1.0, 1.0])),
        ("r.bias", weight(&[1], &[-3.0])),
        ("e.weight", weight(&[2, 1, 1, 1], &[1.0, -1.0])),
        ("e.bias", weight(&[2], &[0.0, 0.0])),
    ]);
    // Means 1.5 and 3; relu(4.5 - 3) = 1.5; gates hard_sigmoid(1.5) = 0.75 and hard_sigmoid(-1.5) = 0.25.
    assert_eq!(output(&graph, &weights, &[1.0, 2.0, 2.0, 4.0]), [0.75, 0.5, 1.5, 1.0]);
}

#[test]
fn folding_is_the_batch_norm_in_f64() {
    let folded = Conv { batch_norm: Some(("c.bn".to_owned(), 0.25)), ..conv(1, 1, 1) };
    let values = fold(&folded, &batch_norm_weights());
    assert_eq!(values.weight, [-2.0]);
    assert_eq!(values.bias, [-5.0]);

    let mut weights = batch_norm_weights();
    weights.insert("c.bias".to_owned(), weight(&[1], &[10.0]));
    assert_eq!(fold(&Conv { bias: true, ..folded.clone() }, &weights).bias, [15.0]);

    assert_eq!(fold(&conv(1, 1, 1), &weights).bias, [0.0]);
    weights.remove("c.bn.running_var");
    assert_eq!(try_fold(&folded, &weights).unwrap_err().to_string(), "there is no weight `c.bn.running_var`");
}

#[test]
fn folding_rounds_once() {
    let mut random = Random::new(4);
    for _ in 0..100 {
        let [w, gamma, beta, mean] = std::array::from_fn(|_| random.next());
        let var = random.next().abs();
        let weights = named([
            ("c.weight", weight(&[1, 1, 1, 1], &[w])),
            ("c.bn.weight", weight(&[1], &[gamma])),
            ("c.bn.bias", weight(&[1], &[beta])),
            ("c.bn.running_mean", weight(&[1], &[mean])),
            ("c.bn.running_var", weight(&[1], &[var])),
        ]);
        let folded = fold(&Conv { batch_norm: Some(("c.bn".to_owned(), 1e-5)), ..conv(1, 1, 1) }, &weights);
        let scale = f64::from(gamma) / (f64::from(var) + 1e-5).sqrt();
        assert_eq!(folded.weight, [(f64::from(w) * scale) as f32]);
        assert_eq!(folded.bias, [(f64::from(beta) - f64::from(mean) * scale) as f32]);
    }
}

#[test]
fn what_is_kept_does_not_change_values() {
    for network in every_feature() {
        let mut graph = lower(&network);
        passes::run_all(&mut graph);
        let (weights, image) = (weights(&graph, 1), image(&graph, 2));
        let all = reference::run(&graph, &weights, &image).unwrap();
        let layers = reference::run_keeping(&graph, &weights, &image, Keep::LayerOutputs).unwrap();
        let first = graph.nodes[0].output;
        let one = reference::run_keeping(&graph, &weights, &image, Keep::Only(&[first])).unwrap();
        assert_eq!(all.output(), layers.output());
        assert_eq!(all.output(), one.output());
        assert_eq!(all.get(first), one.get(first));
        for id in (0..graph.tensors.len()).map(TensorId) {
            assert!(all.get(id).is_some());
            let is_layer_output = graph.layers.iter().any(|layer| layer.output == id);
            assert_eq!(layers.get(id).is_some(), is_layer_output);
            assert_eq!(one.get(id).is_some(), id == first || id == graph.output);
        }
    }
}

#[test]
fn mistakes_are_told() {
    let graph = lower(&every_feature()[0]);
    let mut weights = weights(&graph, 1);
    let image = image(&graph, 2);
    let error = reference::run(&graph, &weights, &image[1..]).unwrap_err();
    assert_eq!(error.to_string(), "the input has 968 values, the network takes 969");
    weights.get_mut("head.conv.weight").unwrap().shape = vec![13, 10];
    let error = reference::run(&graph, &weights, &image).unwrap_err();
    assert_eq!(error.to_string(), "weight `head.conv.weight` has shape [13, 10], the network needs [13, 10, 1, 1]");
    weights.remove("stem.conv.weight");
    let error = reference::run(&graph, &weights, &image).unwrap_err();
    assert_eq!(error.to_string(), "there is no weight `stem.conv.weight`");
}
