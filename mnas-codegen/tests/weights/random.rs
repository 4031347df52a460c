//! Random weights keep a network alive.

use crate::nets;
use mnas_codegen::reference::{Keep, run_keeping};
use mnas_codegen::weights::{self, parameters};
use mnas_codegen::{graph::Op, lower};
use mnas_dsl::network::{Activation, Network};

/// An image: a few waves (smooth, as photographs are) or noise, about normalised.
fn image(network: &Network, smooth: bool) -> Vec<f32> {
    let shape = network.input;
    let mut state = 5_u64;
    let mut noise = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1_u64 << 24) as f32 * 3.46 - 1.73
    };
    let wave = |y: usize, x: usize, c: usize| {
        let (y, x, c) = (y as f32, x as f32, c as f32);
        (y * 0.11 + c).sin() + (x * 0.07 - y * 0.05).cos() + 0.3 * c
    };
    let pixel = |index: usize| {
        let (row, c) = (index / shape.channels, index % shape.channels);
        if smooth { wave(row / shape.width, row % shape.width, c) } else { noise() }
    };
    (0..shape.len()).map(pixel).collect()
}

#[test]
fn random_weights_are_those_that_the_network_needs() {
    for network in [
        nets::tiny(),
        nets::shipped("mnasnet_a1"),
        nets::shipped("mobilenet_v1"),
        nets::shipped("resnet50"),
        nets::shipped("mini_xception_se"),
    ] {
        let weights = weights::random(&network, 1);
        let parameters = parameters(&network);
        assert_eq!(weights.len(), parameters.len());
        for parameter in &parameters {
            let tensor = &weights[&parameter.name];
            assert_eq!(tensor.shape, parameter.shape, "{}", parameter.name);
            assert_eq!(tensor.data.len(), parameter.shape.iter().product::<usize>());
            assert!(tensor.data.iter().all(|value| value.is_finite()));
        }
    }
}

#[test]
fn values_depend_on_the_seed_alone() {
    let network = nets::tiny();
    assert_eq!(weights::random(&network, 9), weights::random(&network, 9));
    assert_ne!(weights::random(&network, 9), weights::random(&network, 10));
    // Fixed, so that a change of platform or of this code that changes values is seen.
    let weights = weights::random(&network, 9);
    let first = |name: &str| weights[name].data[0];
    assert_eq!(first("stem.conv.weight"), 0.039_295_7);
    assert_eq!(first("blocks.1.0.project.bn.running_var"), 0.324_348_1);
    assert_eq!(first("classifier.bias"), -0.087_280_98);
}

#[test]
fn activations_stay_alive_and_sane() {
    check(&nets::small("mnasnet_a1"), 1, true);
    check(&nets::small("mnasnet_a1"), 42, false);
    check(&nets::small("mobilenet_v2"), 7, true);
    check(&nets::small("efficientnet_lite0"), 3, false);
    check(&nets::small("mobilenet_v3_large"), 5, true);
    check(&nets::small("resnet50"), 6, true);
    check(&nets::small("efficientnet_es"), 8, false);
    check(&nets::shipped("mini_xception"), 9, true);
    check(&nets::shipped("mini_xception_se"), 10, false);
}

fn check(network: &Network, seed: u64, smooth: bool) {
    let weights = weights::random(network, seed);
    let graph = lower::lower(network);
    let outputs = run_keeping(&graph, &weights, &image(network, smooth), Keep::All).unwrap();
    for node in &graph.nodes {
        let values = outputs.get(node.output).unwrap();
        let alive = values.iter().filter(|value| value.abs() > 1e-3).count() as f64 / values.len() as f64;
        let rms = (values.iter().map(|value| value * value).sum::<f64>() / values.len() as f64).sqrt();
        let context = || format!("{} seed {seed} smooth {smooth}: {:?} {}", network.name, node.op, node.name);
        assert!(alive >= 0.5, "{}: {alive}", context());
        assert!((0.05..50.0).contains(&rms), "{}: {rms}", context());
        if matches!(node.op, Op::Activation(Activation::Sigmoid | Activation::HardSigmoid)) {
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            let spread =
                (values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / values.len() as f64).sqrt();
            assert!((0.3..0.7).contains(&mean) && spread > 0.02, "{}: gates {mean} +- {spread}", context());
        }
    }
    let logits = outputs.output();
    let mean = logits.iter().sum::<f64>() / logits.len() as f64;
    let spread = (logits.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / logits.len() as f64).sqrt();
    assert!((0.1..10.0).contains(&spread), "{}: logits spread {spread}", network.name);
}
