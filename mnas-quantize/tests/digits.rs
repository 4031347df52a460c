//! The network of examples/digits.yaml with its weights, on the digits that it was not trained on.

use mnas_quantize::{Comparer, Observations, Options, quantize};

#[test]
fn digits_lose_at_most_three_in_a_thousand() {
    let read = |name: &str| std::fs::read(format!("{}/../examples/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let text = String::from_utf8(read("digits.yaml")).unwrap();
    let (_, network) = mnas_dsl::load_yaml(&text, "digits.yaml").unwrap_or_else(|e| panic!("{e:?}"));
    let weights = mnas_codegen::weights::load(&read("digits.safetensors"), "digits.safetensors", &network).unwrap();
    let data = mnas_data::digits();
    let (mean, std) = (0.3, 0.38);
    let image = |pixels: &[u8]| -> Vec<f32> { pixels.iter().map(|&p| (f32::from(p) / 255.0 - mean) / std).collect() };
    let graph = mnas_codegen::quantized::graph(&network);
    let len = network.input.len();
    let calibration: Vec<Vec<f32>> = data.train.pixels.chunks_exact(len).step_by(7).map(image).collect();
    let mut observations = Observations::new(&graph);
    calibration.iter().for_each(|image| observations.add(&graph, &weights, image).unwrap());
    let network = quantize(&graph, &weights, &observations, &calibration[..40], &Options::default()).unwrap();
    let mut comparer = Comparer::new(&network, &weights);
    for (pixels, &label) in data.test.pixels.chunks_exact(len).zip(&data.test.labels) {
        comparer.add(&image(pixels), Some(usize::from(label))).unwrap();
    }
    let counts = comparer.counts();
    assert!(counts.images > 300 && counts.float_right * 100 >= counts.images * 97, "{counts:?}");
    let lost = counts.float_right as f64 - counts.int8_right as f64;
    assert!(lost / counts.images as f64 <= 0.003, "{counts:?}");
    assert!(counts.agree as f64 / counts.images as f64 >= 0.99, "{counts:?}");
}
