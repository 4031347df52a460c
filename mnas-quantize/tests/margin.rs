//! Ranges for values that were not seen.

use mnas_codegen::graph::TensorId;
use mnas_codegen::quantized;
use mnas_codegen::reference;
use mnas_codegen::weights::random;
use mnas_quantize::{Method, Observations, Options, quantize};

const NET: &str = "
name: margin
input: 8x8x3
activation: hard_swish
stem: {op: conv, kernel: 3, stride: 2, filters: 16}
blocks:
  - {op: mbconv, expand: 4, kernel: 3, stride: 2, filters: 16, se: 0.25}
head: {filters: 96, classes: 5}
";

/// Images of all kinds of brightness and contrast, so that a few of them do not show the range of a channel.
fn images(len: usize, count: usize, seed: u64) -> Vec<Vec<f32>> {
    let mut state = seed;
    let mut random = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 24) as f32 - 0.5
    };
    (0..count)
        .map(|_| {
            let (level, contrast) = (random() * 2.0, (random() * 4.0).exp());
            (0..len).map(|_| level + contrast * random()).collect()
        })
        .collect()
}

/// Squared error of the maps of pooled values (one value a channel and image) on images that were not seen.
fn errors(method: Method) -> f64 {
    let (_, network) = mnas_dsl::load_yaml(NET, "margin.yaml").unwrap_or_else(|e| panic!("{e:?}"));
    let (graph, weights) = (quantized::graph(&network), random(&network, 2));
    let mut observations = Observations::new(&graph);
    for image in images(network.input.len(), 16, 1) {
        observations.add(&graph, &weights, &image).unwrap();
    }
    let options = Options { method, rounding: false, bias_correction: false, ..Options::default() };
    let int8 = quantize(&graph, &weights, &observations, &[], &options).unwrap();
    let mut error = 0.0;
    for image in images(network.input.len(), 64, 99) {
        let values = reference::run(&graph, &weights, &image).unwrap();
        for (id, tensor) in graph.tensors.iter().enumerate() {
            let Some(map) = int8.maps[id].as_ref().filter(|_| tensor.name.ends_with("pool")) else { continue };
            assert!(map.by_channel());
            let values = values.get(TensorId(id)).unwrap();
            let signal: f64 = values.iter().map(|x| x * x).sum();
            for (channel, x) in values.iter().enumerate() {
                let (scale, zero) = (f64::from(map.scale(channel)), f64::from(map.zero));
                let y = scale * (((x / scale).round() + zero).clamp(0.0, 255.0) - zero);
                error += (x - y).powi(2) / signal;
            }
        }
    }
    error
}

#[test]
fn images_that_were_not_seen_lose_less_than_with_the_observed_range() {
    let (mse, min_max) = (errors(Method::Mse), errors(Method::MinMax));
    assert!(mse < 0.5 * min_max, "{mse} {min_max}");
}
