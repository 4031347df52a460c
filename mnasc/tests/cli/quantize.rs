//! `quantize`: files and figures against the library, misuse.

use crate::folder::Folder;
use image::{ImageBuffer, Luma};
use mnas_codegen::graph::Graph;
use mnas_codegen::quantized;
use mnas_codegen::reference;
use mnas_codegen::weights::{self, Weights};
use mnas_quantize::{Observations, Options, quantize};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(name)
}

/// The network of the digits in a folder.
fn digits(name: &str) -> Folder {
    let folder = Folder::new(name);
    for file in ["digits.yaml", "digits.safetensors"] {
        fs::copy(example(file), folder.path(file)).unwrap();
    }
    folder
}

const QUANTIZE: [&str; 4] = ["quantize", "digits.yaml", "--weights", "digits.safetensors"];

fn loaded(folder: &Folder) -> (Graph, Weights) {
    let text = String::from_utf8(folder.read("digits.yaml")).unwrap();
    let (_, network) = mnas_dsl::load_yaml(&text, "digits.yaml").unwrap_or_else(|e| panic!("{e:?}"));
    let weights = weights::load(&folder.read("digits.safetensors"), "digits.safetensors", &network).unwrap();
    (quantized::graph(&network), weights)
}

/// A picture of the digits as their spec has it: mean 0.3, standard deviation 0.38.
fn normalised(pixels: &[u8]) -> Vec<f32> {
    pixels.iter().map(|&p| ((f64::from(p) / 255.0 - 0.3) / 0.38) as f32).collect()
}

fn first(values: impl Iterator<Item = f64>) -> usize {
    values.enumerate().fold((0, f64::NEG_INFINITY), |best, (i, v)| if v > best.1 { (i, v) } else { best }).0
}

#[test]
fn the_file_is_the_librarys_and_figures_are_those_of_the_file() {
    let folder = digits("quantize_digits");
    let options = ["--data", "digits", "--images", "100", "-o", "int8.safetensors", "--report", "q.html", "--json"];
    let said = folder.mnasc(&[&QUANTIZE[..], &options].concat()).done();
    let found = said.json();

    let (graph, weights) = loaded(&folder);
    let data = mnas_data::digits();
    let len = data.shape.len();
    let image = |pixels: &[u8], at: usize| normalised(&pixels[at * len..][..len]);
    let learn = data.train.labels.len();
    let calibration: Vec<Vec<f32>> = (0..100).map(|i| image(&data.train.pixels, i * learn / 100)).collect();
    let mut observations = Observations::new(&graph);
    calibration.iter().for_each(|image| observations.add(&graph, &weights, image).unwrap());
    let expected = quantize(&graph, &weights, &observations, &calibration, &Options::default()).unwrap();
    let file = folder.read("int8.safetensors");
    assert!(file == quantized::write(&expected), "the file is not the library's");

    let network = quantized::read(&file, &graph).unwrap();
    let (mut float_right, mut int8_right, mut agree, mut signal, mut noise) = (0, 0, 0, 0.0, 0.0);
    let tests = data.test.labels.len();
    for (at, &label) in data.test.labels.iter().enumerate() {
        let image = image(&data.test.pixels, at);
        let float = reference::run(&graph, &weights, &image).unwrap().output().to_vec();
        let int8 = quantized::run(&network, &image, |_| false)[&graph.output].floats().to_vec();
        let (a, b) = (first(float.iter().copied()), first(int8.iter().copied().map(f64::from)));
        float_right += usize::from(a == usize::from(label));
        int8_right += usize::from(b == usize::from(label));
        agree += usize::from(a == b);
        signal += float.iter().map(|x| x * x).sum::<f64>();
        noise += float.iter().zip(&int8).map(|(x, y)| (x - f64::from(*y)).powi(2)).sum::<f64>();
    }
    assert!(float_right * 100 > tests * 97 && int8_right * 100 > tests * 97, "{float_right} {int8_right} of {tests}");
    let share = |count: usize| count as f64 / tests as f64;
    assert_eq!(found["top1_float"], share(float_right));
    assert_eq!(found["top1_int8"], share(int8_right));
    assert_eq!(found["agreement"], share(agree));
    let sqnr = found["sqnr_db"].as_f64().unwrap();
    assert!((sqnr - 10.0 * (signal / noise).log10()).abs() < 1e-6, "{sqnr}");
    assert_eq!((&found["bytes"], &found["images"]["compared"]), (&file.len().into(), &tests.into()));
    assert_eq!((&found["images"]["calibrated"], &found["images"]["corrected"]), (&100.into(), &100.into()));

    let layers = found["layers"].as_array().unwrap();
    assert_eq!(layers.len(), graph.nodes.len());
    for (layer, node) in layers.iter().zip(&graph.nodes) {
        assert_eq!(layer["name"], node.name.as_str());
        let Some(map) = &network.maps[node.output.0] else {
            assert_eq!(layer["scales"], Value::Null);
            continue;
        };
        assert_eq!((&layer["scales"], &layer["zero_point"]), (&map.scales.len().into(), &map.zero.into()));
        assert_eq!(layer["least_scale"], map.scales.iter().copied().fold(f32::MAX, f32::min));
        assert_eq!(layer["largest_scale"], map.scales.iter().copied().fold(0.0, f32::max));
        assert!((0.0..0.2).contains(&layer["saturated"].as_f64().unwrap()), "{layer}");
        assert!(layer["sqnr_db"].as_f64().is_none_or(|db| db > 20.0), "{layer}");
    }

    // The page has the same figures.
    let page = String::from_utf8(folder.read("q.html")).unwrap();
    assert!(page.contains(&format!("{:.2} %", 100.0 * share(int8_right))), "{page}");
    assert_eq!(page.matches("class=\"worst\"").count(), 5);
    for node in &graph.nodes {
        assert!(page.contains(&format!("<code>{}</code>", node.name)), "{}", node.name);
    }
}

#[test]
fn the_text_says_what_was_written_and_other_commands_what_it_is() {
    let folder = digits("quantize_text");
    let options = ["--data", "digits", "--images", "40", "-o", "int8.safetensors", "--calibrate", "percentile=99.9"];
    let said = folder.mnasc(&[&QUANTIZE[..], &options].concat()).done();
    let bytes = folder.read("int8.safetensors").len();
    for words in [&format!("int8.safetensors: `digits` in int8, {bytes} bytes"), "top-1: ", "only 40 pictures"] {
        assert!(said.out.contains(words), "{words}\n{}", said.out);
    }
    for words in ["observed 40 pictures", "correcting biases with 40 pictures", "compared 355 pictures"] {
        assert!(said.err.contains(words), "{words}\n{}", said.err);
    }
    // What is said to be next can be done.
    let next = said.out.lines().last().and_then(|line| line.split('`').nth(1)).unwrap();
    folder.mnasc(&next.split(' ').skip(1).collect::<Vec<_>>()).done();
    assert!(folder.read("OUT.rs").starts_with(b"//"));
    let listed = folder.mnasc(&["inspect", "int8.safetensors"]).done().out;
    assert!(listed.contains("a network in int8") && listed.contains("classifier.weight_scale"), "{listed}");
    let int8 = |file: &str| folder.mnasc(&["inspect", file, "--json"]).done().json()["int8"].clone();
    assert_eq!((int8("int8.safetensors"), int8("digits.safetensors")), (true.into(), false.into()));
    folder
        .mnasc(&["view", "int8.safetensors", "-o", "x.html"])
        .failed(2, &["`int8.safetensors` is a network in int8, not a spec"]);
    let again = ["quantize", "digits.yaml", "--weights", "int8.safetensors", "--data", "digits", "-o", "again"];
    folder.mnasc(&again).failed(2, &["`int8.safetensors` is a network in int8", "`f32`"]);
}

/// Pictures with a number each, some of them in two classes.
fn pictures(folder: &Folder, names: &[&str]) {
    for (number, name) in names.iter().enumerate() {
        fs::create_dir_all(folder.path(name).parent().unwrap()).unwrap();
        let picture = ImageBuffer::from_fn(12, 10, |x, y| Luma([(20 * number as u32 + x * y) as u8]));
        picture.save(folder.path(name)).unwrap();
    }
}

#[test]
fn pictures_need_no_labels_and_labels_have_to_be_classes_of_the_network() {
    let folder = digits("quantize_pictures");
    let names: Vec<String> = (0..10).map(|n| format!("flat/{n}.png")).collect();
    pictures(&folder, &names.iter().map(String::as_str).collect::<Vec<_>>());
    let run = |options: &[&str]| folder.mnasc(&[&QUANTIZE[..], &["-o", "int8", "--json"], options].concat());
    let found = run(&["--data", "flat"]).done().json();
    let counts = |found: &Value| {
        let images = &found["images"];
        ["calibrated", "corrected", "compared"].map(|what| images[what].as_u64().unwrap())
    };
    // Every fifth is for tests.
    assert_eq!(counts(&found), [8, 8, 2]);
    assert_eq!((&found["top1_float"], &found["top1_int8"]), (&Value::Null, &Value::Null));
    assert!(found["agreement"].as_f64().is_some());
    // All pictures of other data are for tests if these do not say which.
    let found = run(&["--data", "digits", "--images", "20", "--evaluate", "flat", "--evaluate-images", "7"]);
    assert_eq!(counts(&found.done().json()), [20, 20, 7]);

    pictures(&folder, &["two/a/0.png", "two/a/1.png", "two/b/0.png", "two/b/1.png"]);
    let two = ["--data", "digits", "--images", "20", "--evaluate", "two"];
    let found = run(&two).done().json();
    assert_eq!((&found["top1_int8"], counts(&found)), (&Value::Null, [20, 20, 4]));
    let said = folder.mnasc(&[&QUANTIZE[..], &["-o", "int8"], &two].concat()).done();
    assert!(said.err.contains("the data have 2 classes, the network 10"), "{}", said.err);
    assert!(!said.out.contains("top-1"), "{}", said.out);
}

#[test]
fn mistakes_are_named_and_leave_no_file() {
    let folder = digits("quantize_wrong");
    pictures(&folder, &["one/0.png", "bad/0.png", "bad/1.png", "bad/2.png", "bad/3.png", "bad/4.png", "bad/5.png"]);
    fs::create_dir(folder.path("empty")).unwrap();
    folder.write("bad/2.png", "no picture");
    folder.write("plain.yaml", String::from_utf8(folder.read("digits.yaml")).unwrap().replace("preprocess", "# pre"));
    let mut nan = weights::load(&folder.read("digits.safetensors"), "w", &{
        let text = String::from_utf8(folder.read("digits.yaml")).unwrap();
        mnas_dsl::load_yaml(&text, "digits.yaml").unwrap_or_else(|e| panic!("{e:?}")).1
    })
    .unwrap();
    nan.get_mut("classifier.bias").unwrap().data[3] = f32::NAN;
    folder.write("nan.safetensors", weights::safetensors::write(&nan).unwrap());
    let before = folder.names();
    let run = |options: &[&str]| folder.mnasc(&[&QUANTIZE[..], options].concat());
    let out = ["--data", "digits", "-o"];
    run(&["--data", "digits"]).failed(2, &["--output"]);
    run(&["--data", "nowhere", "-o", "x"]).failed(2, &["`nowhere` is no folder", "`digits`"]);
    run(&["--data", "empty", "-o", "x"]).failed(2, &["`empty` is no data set that is known", "mnasc quantize --help"]);
    run(&["--data", "one", "-o", "x"]).failed(2, &["`one` has 0 pictures for tests"]);
    run(&["--data", "bad", "-o", "x"]).failed(2, &["bad/2.png"]);
    run(&[&out[..], &["x", "--calibrate", "entropy"]].concat()).failed(2, &["mse, minmax or percentile=P"]);
    run(&[&out[..], &["x", "--calibrate", "percentile=101"]].concat()).failed(2, &["from 50 to 100"]);
    run(&[&out[..], &["x", "--images", "0"]].concat()).failed(2, &["--images"]);
    run(&[&out[..], &["digits.safetensors"]].concat()).failed(2, &["would overwrite `digits.safetensors`"]);
    run(&[&out[..], &["x", "--report", "digits.yaml"]].concat()).failed(2, &["would overwrite `digits.yaml`"]);
    run(&[&out[..], &["x", "--report", "./x"]].concat()).failed(2, &["give each output its own name"]);
    run(&[&out[..], &["none/x"]].concat()).failed(3, &["cannot write `none/x`: its folder is not there"]);
    run(&[&out[..], &["empty"]].concat()).failed(3, &["cannot write `empty`: it is a folder"]);
    let nan = ["quantize", "digits.yaml", "--weights", "nan.safetensors", "--data", "digits", "-o", "x"];
    folder.mnasc(&nan).failed(2, &["`nan.safetensors`", "`classifier.bias` has 1 NaN or infinite values"]);
    let missing = ["quantize", "digits.yaml", "--weights", "none.safetensors", "--data", "digits", "-o", "x"];
    folder.mnasc(&missing).failed(3, &["none.safetensors"]);
    let plain = ["quantize", "plain.yaml", "--weights", "digits.safetensors", "--data", "digits", "-o", "x"];
    folder.mnasc(&plain).failed(2, &["does not say how bytes become its input"]);
    assert_eq!(folder.names(), before);
}
