//! Every door gives the same network, and it is the one that the reference executor computes.

use super::nets::{self, an_image, bits, output};
use mnas_codegen::compile::fused_graph;
use mnas_codegen::machine;
use mnas_codegen::plan::{Target, plan};
use mnas_codegen::tuned::{ScheduleFile, TuningProfile};
use mnas_codegen::{reference, weights};
use mnas_dsl::Network;
use mnas_runtime::Workspace;

/// The output of a network for an image of interleaved pixels.
macro_rules! run {
    ($door:ident, $image:expr) => {{
        let mut output = [0.0; 11];
        nets::$door::Features::embedded().infer(&mut Workspace::boxed(), $image, &mut output);
        output
    }};
}

/// Read when it runs, so that only the macro makes cargo follow the file.
fn network() -> Network {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/specs/features.yaml");
    let text = std::fs::read_to_string(path).expect("the spec");
    mnas_dsl::load_yaml(&text, "features.yaml").expect("a good spec").1
}

#[test]
fn files_of_the_macro_are_followed() {
    // Beside the program, cargo keeps the list of files that it was made from.
    let list = std::env::current_exe().expect("this program").with_extension("d");
    let list = std::fs::read_to_string(list).expect("a list of files");
    for (what, file) in [("spec", "specs/features.yaml"), ("schedule", "specs/features.schedule.yaml")] {
        assert!(list.contains(file), "the {what} may change and nothing is compiled again");
    }
}

#[test]
fn every_door_gives_the_same_bits() {
    for seed in 1..4 {
        let image = an_image(seed);
        let expected = bits(&output(&image));
        assert_eq!(bits(&run!(inline, &image)), expected, "macro, written out");
        assert_eq!(bits(&run!(file, &image)), expected, "macro, from a file");
        assert_eq!(bits(&run!(tuned, &image)), expected, "macro, with a schedule");
        let mut standalone = [0.0; 11];
        let mut workspace = nets::standalone::mnas_runtime::Workspace::new();
        nets::standalone::Features::embedded().infer(&mut workspace, &image, &mut standalone);
        assert_eq!(bits(&standalone), expected, "file that stands alone");
    }
}

#[test]
fn the_macro_uses_the_given_section_of_a_schedule() {
    let path = |file: &str| format!("{}/specs/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path("features.schedule.yaml")).expect("the schedule");
    let file = ScheduleFile::parse(&text, "features.schedule.yaml").expect("a good schedule");
    // Memory tells schedules apart: of row blocks fewer rows are kept.
    let arena = |tuned: TuningProfile| {
        let target = Target { tuned, ..Target::new(machine::of_arch("x86_64")) };
        plan(&fused_graph(&network()), &target).expect("a network that can be planned").arena.len.0
    };
    let [default, rows, whole] = [
        TuningProfile::default(),
        file.select(Some("rows")).expect("rows"),
        file.select(Some("whole")).expect("whole"),
    ]
    .map(arena);
    assert_eq!(nets::file::Features::ARENA_LEN, default);
    assert_eq!(nets::tuned::Features::ARENA_LEN, rows);
    assert!(rows != default && rows != whole, "{default} {rows} {whole}: the schedule changes nothing");
}

#[test]
fn plain_rust_gives_the_same_with_and_without_checks() {
    let image = an_image(5);
    assert_eq!(bits(&run!(scalar, &image)), bits(&run!(checked, &image)));
}

#[test]
fn outputs_are_those_of_the_reference() {
    let network = network();
    let weights = weights::load(nets::SAFETENSORS, "features.safetensors", &network).expect("weights that fit");
    let graph = fused_graph(&network);
    for seed in 1..4 {
        let image = an_image(seed);
        let reference = reference::run(&graph, &weights, &image[..]).expect("an image that fits");
        let expected = reference.output();
        let largest = expected.iter().fold(0.0f64, |most, v| most.max(v.abs()));
        for (door, found) in [("best", output(&image)), ("scalar", run!(scalar, &image))] {
            assert_eq!(found.len(), expected.len());
            for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
                let difference = (f64::from(*found) - expected).abs() / largest;
                assert!(difference <= 1e-5, "{door}: output {index} is {found}, should be {expected}");
            }
        }
        // Outputs that do not depend on the image would prove nothing.
        assert_ne!(bits(&output(&image)), bits(&output(&an_image(seed + 10))));
    }
}

#[test]
fn planes_and_bytes_are_converted() {
    const PIXELS: usize = 37 * 29;
    let pixels = an_image(7);
    let mut planes = an_image(0);
    for (at, value) in pixels.iter().enumerate() {
        planes[at % 3 * PIXELS + at / 3] = *value;
    }
    let network = nets::built::Features::embedded();
    let (mut workspace, mut found) = (Workspace::boxed(), [0.0; 11]);
    network.infer_chw(&mut workspace, &planes, &mut found);
    assert_eq!(bits(&found), bits(&output(&pixels)));

    let bytes: [u8; 3 * PIXELS] = std::array::from_fn(|i| (i * 37 % 256) as u8);
    let (mean, std) = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]);
    let mut normalized = an_image(0);
    for (at, value) in normalized.iter_mut().enumerate() {
        *value = ((f64::from(bytes[at]) / 255.0 - mean[at % 3]) / std[at % 3]) as f32;
    }
    network.infer_u8(&mut workspace, &bytes, &mut found);
    let expected = output(&normalized);
    let largest = expected.iter().fold(0.0f32, |most, v| most.max(v.abs()));
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() <= 1e-5 * largest);
    }
}

#[test]
fn constants_describe_the_network() {
    use nets::built::Features;
    assert_eq!(Features::INPUT_SHAPE, [37, 29, 3]);
    assert_eq!(Features::OUTPUT_SHAPE, [1, 1, 11]);
    assert_eq!(Features::INPUT_LEN, 37 * 29 * 3);
    assert_eq!(Features::WEIGHT_BYTES, nets::PACKED.len());
    assert_eq!(Features::ARENA_BYTES, size_of::<nets::Arena>());
    assert_eq!(<Features<'_> as mnas_runtime::Network>::NAME, "features");
    let names: Vec<&str> = <Features<'_> as mnas_runtime::Network>::STEPS.iter().map(|step| step.name).collect();
    assert_eq!(names.first(), Some(&"stem+blocks.0.0"));
    assert_eq!(names.last(), Some(&"classifier"));
}

/// Writes the weights that the tests embed; run by hand when the spec changes.
#[test]
#[ignore = "writes a file of the repository"]
fn write_weights() {
    let network = network();
    let file = mnas_tests::safetensors(&weights::random(&network, 1));
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/specs/features.safetensors");
    std::fs::write(path, file).expect("a folder to write to");
}
