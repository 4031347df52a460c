//! Networks in int8: every door gives the bits of the definition, on one thread and on several.

use super::nets::{an_image, bits};
use mnas_codegen::quantized::{self, Quantized, Value};
use mnas_runtime::{Network as _, Workspace, image};

/// The macro.
mod macro_file {
    mnas::mnas_net!(
        pub(crate) struct Features = <"specs/features.yaml">, weights = "specs/features_int8.safetensors", threaded = true
    );
}

/// The macro with plain Rust only.
mod scalar {
    mnas::mnas_net!(
        pub(crate) struct Features = <"specs/features.yaml">, weights = "specs/features_int8.safetensors", isa = "scalar"
    );
}

/// The build script.
mod built {
    include!(concat!(env!("OUT_DIR"), "/int8.rs"));
}

/// A file that brings its own runtime, every access asserted.
mod checked {
    include!(concat!(env!("OUT_DIR"), "/int8_checked.rs"));
}

fn read(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/specs/{name}", env!("CARGO_MANIFEST_DIR"))).expect("a file of the tests")
}

fn network() -> mnas_dsl::Network {
    let text = String::from_utf8(read("features.yaml")).expect("a text");
    mnas_dsl::load_yaml(&text, "features.yaml").expect("a good spec").1
}

fn definition() -> Quantized {
    let graph = quantized::graph(&network());
    quantized::read(&read("features_int8.safetensors"), &graph).expect("integers that fit")
}

fn expected(definition: &Quantized, image: &[f32]) -> Vec<u32> {
    let output = definition.graph.output;
    match quantized::run(definition, image, |_| false).remove(&output) {
        Some(Value::Floats(values)) => values.iter().map(|value| value.to_bits()).collect(),
        other => panic!("logits are floats, and not {other:?}"),
    }
}

macro_rules! infer {
    ($module:ident, $image:expr) => {{
        let mut output = [0.0; 11];
        $module::Features::embedded().infer(&mut Workspace::boxed(), $image, &mut output);
        bits(&output)
    }};
}

#[test]
fn every_door_gives_the_bits_of_the_definition() {
    let definition = definition();
    for seed in 1..4 {
        let image = an_image(seed);
        let expected = expected(&definition, &image[..]);
        assert_eq!(infer!(macro_file, &image), expected, "macro");
        assert_eq!(infer!(scalar, &image), expected, "macro, plain Rust");
        assert_eq!(infer!(built, &image), expected, "build script");
        let mut output = [0.0; 11];
        let mut workspace = checked::mnas_runtime::Workspace::new();
        checked::Features::embedded().infer(&mut workspace, &image, &mut output);
        assert_eq!(bits(&output), expected, "checked file that stands alone");
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    let (definition, image) = (definition(), an_image(5));
    let expected = expected(&definition, &image[..]);
    for threads in 1..5 {
        let mut output = [0.0; 11];
        let mut team = built::Features::team(threads).expect("threads");
        built::Features::embedded().infer_threaded(&mut team, &image, &mut output);
        assert_eq!(bits(&output), expected, "{threads} threads");
        let mut outputs = [[0.0; 11]; 3];
        built::Features::embedded().infer_batch(&mut team, &[*image; 3], &mut outputs);
        outputs.iter().for_each(|output| assert_eq!(bits(output), expected, "a batch on {threads} threads"));
        let mut team = checked::Features::team(threads).expect("threads");
        checked::Features::embedded().infer_threaded(&mut team, &image, &mut output);
        assert_eq!(bits(&output), expected, "{threads} threads, checked");
    }
}

#[test]
fn planes_and_bytes_are_the_same_image() {
    let definition = definition();
    let net = built::Features::embedded();
    let mut workspace = Workspace::boxed();
    let [height, width, channels] = built::Features::INPUT_SHAPE;
    let bytes: Box<[u8; built::Features::INPUT_LEN]> =
        Box::new(std::array::from_fn(|i| (i * 89 % 256) as u8 ^ (i / 7) as u8));
    let preprocess = network().preprocess.expect("the spec has it");
    let scale: Vec<f32> = preprocess.std.iter().map(|s| (1.0 / (preprocess.divide * s)) as f32).collect();
    let shift: Vec<f32> = preprocess.mean.iter().zip(&preprocess.std).map(|(m, s)| (-m / s) as f32).collect();
    let mut pixels = Box::new([0.0; built::Features::INPUT_LEN]);
    image::normalize(&bytes[..], &scale, &shift, &mut pixels[..]);
    let expected = expected(&definition, &pixels[..]);
    let (mut from_bytes, mut from_planes) = ([0.0; 11], [0.0; 11]);
    net.infer_u8(&mut workspace, &bytes, &mut from_bytes);
    assert_eq!(bits(&from_bytes), expected, "8-bit values");
    let area = height * width;
    let planes: Box<[f32; built::Features::INPUT_LEN]> =
        Box::new(std::array::from_fn(|i| pixels[i % area * channels + i / area]));
    net.infer_chw(&mut workspace, &planes, &mut from_planes);
    assert_eq!(bits(&from_planes), expected, "planes");
}

#[test]
fn every_step_is_observed() {
    let image = an_image(2);
    let mut steps = Vec::new();
    let mut output = [0.0; 11];
    let net = built::Features::embedded();
    net.observe(&mut Workspace::boxed(), &image, &mut output, &mut |index, memory| steps.push((index, memory.len())));
    let expected: Vec<usize> = (0..built::Features::STEPS.len()).collect();
    assert_eq!(steps.iter().map(|(index, _)| *index).collect::<Vec<_>>(), expected);
    assert!(steps.iter().all(|(_, len)| *len > 0));
}
