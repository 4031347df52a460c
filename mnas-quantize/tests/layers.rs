//! What layers lose, against errors that are planted.

use mnas_codegen::graph::{Graph, Op};
use mnas_codegen::quantized::{self, Quantized, Value};
use mnas_codegen::reference;
use mnas_codegen::weights::{Weights, random};
use mnas_quantize::{Comparer, LayerError, Observations, Options, quantize};

const NET: &str = "
name: layers
input: 12x12x3
activation: relu
stem: {op: conv, kernel: 3, stride: 2, filters: 8}
blocks:
  - {op: mbconv, expand: 3, kernel: 3, filters: 8, se: 0.25}
head: {filters: 16, classes: 5}
";

fn network() -> (Graph, Weights, Quantized, Vec<Vec<f32>>) {
    let (_, network) = mnas_dsl::load_yaml(NET, "layers.yaml").unwrap_or_else(|e| panic!("{e:?}"));
    let (graph, weights) = (quantized::graph(&network), random(&network, 5));
    let value = |i: usize| ((i * 2_654_435_761) % 1_000_003) as f32 / 500_001.5 - 1.0;
    let images: Vec<Vec<f32>> =
        (0..20).map(|n| (0..network.input.len()).map(|i| value(i + n * 7919)).collect()).collect();
    let mut observations = Observations::new(&graph);
    images.iter().for_each(|image| observations.add(&graph, &weights, image).unwrap());
    let int8 = quantize(&graph, &weights, &observations, &images, &Options::default()).unwrap();
    (graph, weights, int8, images)
}

fn layers(network: &Quantized, weights: &Weights, images: &[Vec<f32>]) -> Vec<LayerError> {
    let mut comparer = Comparer::new(network, weights);
    images.iter().for_each(|image| comparer.add_with_layers(image, None).unwrap());
    comparer.layers()
}

#[test]
fn accumulated_ratios_are_those_of_the_tensors() {
    let (graph, weights, int8, images) = network();
    let found = layers(&int8, &weights, &images[..3]);
    assert_eq!(found.len(), graph.nodes.len());
    for (node, layer) in graph.nodes.iter().zip(&found) {
        let channels = graph.shape(node.output).channels;
        let (mut signal, mut noise) = (0.0, 0.0);
        for image in &images[..3] {
            let float = reference::run(&graph, &weights, image).unwrap();
            let bytes = quantized::run(&int8, image, |_| true);
            for (i, x) in float.get(node.output).unwrap().iter().enumerate() {
                let y = match &bytes[&node.output] {
                    Value::Floats(y) => f64::from(y[i]),
                    Value::Bytes(q) => {
                        let map = int8.map(node.output);
                        f64::from(map.scale(i % channels)) * (f64::from(q[i]) - f64::from(map.zero))
                    }
                    Value::Sum(_) => panic!("the network has no activation behind a sum"),
                };
                signal += x * x;
                noise += (x - y) * (x - y);
            }
        }
        let expected = 10.0 * (signal / noise).log10();
        assert!((layer.accumulated_db - expected).abs() < 1e-6, "{}: {} {expected}", layer.name, layer.accumulated_db);
        assert!(layer.alone_db > 15.0, "{layer:?}");
    }
}

#[test]
fn a_layer_that_is_broken_is_alone_the_worst_and_all_behind_it_accumulate() {
    let (graph, weights, good, images) = network();
    let broken = graph.nodes.iter().position(|node| node.name.ends_with("/project")).unwrap();
    let Op::Conv(conv) = &graph.nodes[broken].op else { panic!("a convolution") };
    let mut bad = good.clone();
    bad.layers.get_mut(&conv.param).unwrap().weight_scale.iter_mut().for_each(|s| *s *= 1.5);
    let (before, after) = (layers(&good, &weights, &images[..3]), layers(&bad, &weights, &images[..3]));
    for (at, (before, after)) in before.iter().zip(&after).enumerate() {
        let lost = [before.alone_db - after.alone_db, before.accumulated_db - after.accumulated_db];
        match at {
            _ if at < broken => assert_eq!(before, after),
            _ if at == broken => assert!(lost.iter().all(|lost| *lost > 10.0), "{before:?} {after:?}"),
            _ => assert!(lost[0] == 0.0 && lost[1] > 0.0, "{before:?} {after:?}"),
        }
    }
}

#[test]
fn saturated_values_are_counted() {
    let (graph, weights, mut int8, images) = network();
    let stem = graph.nodes.iter().find(|node| node.name.starts_with("stem")).unwrap();
    let map = int8.maps[stem.output.0].as_mut().unwrap();
    map.scales.iter_mut().for_each(|s| *s /= 16.0);
    let map = map.clone();
    let float = reference::run(&graph, &weights, &images[0]).unwrap();
    let values = float.get(stem.output).unwrap();
    let channels = graph.shape(stem.output).channels;
    let beyond = |(i, x): (usize, &f64)| *x > 255.5 * f64::from(map.scale(i % channels));
    let expected = values.iter().enumerate().filter(|at| beyond(*at)).count() as f64 / values.len() as f64;
    let found = layers(&int8, &weights, &images[..1]);
    let stem = found.iter().find(|layer| layer.name.starts_with("stem")).unwrap();
    assert!(expected > 0.01, "{expected}");
    assert_eq!(stem.saturated, expected);
}
