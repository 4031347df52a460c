//! The programs on a stand-in for a generated network, whose outputs are known.

use mnas_harness::engine::Engine as _;
use mnas_harness::{latency, schedules, serve, source, values};
use mnas_runtime::{Network, StepInfo, Workspace};
use std::io::ErrorKind;

/// Two steps: the image times the weight, then the sum of that.
struct Scaled(f32);

impl Scaled {
    const WEIGHTS_LEN: usize = 1;
    const INPUT_LEN: usize = 3;
    const OUTPUT_LEN: usize = 1;
    const ARENA_LEN: usize = 16;

    fn supported() -> bool {
        true
    }

    fn from_packed(packed: &'static [f32]) -> Option<Self> {
        packed.first().map(|weight| Scaled(*weight))
    }

    fn infer(&self, workspace: &mut Workspace<16>, image: &[f32; 3], output: &mut [f32; 1]) {
        Network::observe(self, workspace, image, output, &mut |_, _| {});
    }
}

impl Network for Scaled {
    type Workspace = Workspace<16>;
    type Input = [f32; 3];
    type Output = [f32; 1];

    const NAME: &'static str = "scaled";
    const INPUT_SHAPE: [usize; 3] = [1, 1, 3];
    const OUTPUT_SHAPE: [usize; 3] = [1, 1, 1];
    const STEPS: &'static [StepInfo] = &[
        StepInfo { name: "scale", shape: [1, 1, 3], stride: 3, macs: 3 },
        StepInfo { name: "sum", shape: [1, 1, 1], stride: 1, macs: 0 },
    ];

    fn infer(&self, workspace: &mut Workspace<16>, image: &[f32; 3], output: &mut [f32; 1]) {
        Scaled::infer(self, workspace, image, output);
    }

    fn observe(
        &self,
        workspace: &mut Workspace<16>,
        image: &[f32; 3],
        output: &mut [f32; 1],
        after: &mut dyn FnMut(usize, &[f32]),
    ) {
        let scaled = &mut workspace.arena()[..3];
        scaled.iter_mut().zip(image).for_each(|(scaled, value)| *scaled = self.0 * value);
        after(0, scaled);
        output[0] = scaled.iter().sum();
        after(1, output);
    }
}

mnas_harness::single_thread!(Engine, Scaled);

fn bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn answer(mode: &str, input: &[f32]) -> std::io::Result<Vec<u8>> {
    let mut output = Vec::new();
    serve::serve::<Engine>(mode, 1, 1, &mut &bytes(input)[..], &mut output)?;
    Ok(output)
}

#[test]
fn a_network_is_run_on_every_image() {
    // The weight, then two images.
    let input = [2.0, 1.0, 2.0, 3.0, -1.0, 0.0, 0.5];
    assert_eq!(answer("infer", &input).unwrap(), bytes(&[12.0, -1.0]));
    assert_eq!(answer("observe", &input).unwrap(), bytes(&[2.0, 4.0, 6.0, 12.0, -2.0, 0.0, 1.0, -1.0]));
    assert_eq!(answer("infer", &input[..1]).unwrap(), [0; 0]);
}

#[test]
fn input_that_ends_early_and_unknown_modes_are_errors() {
    assert_eq!(answer("infer", &[2.0, 1.0, 2.0]).unwrap_err().kind(), ErrorKind::UnexpectedEof);
    assert_eq!(answer("infer", &[]).unwrap_err().to_string(), "no weights");
    assert_eq!(answer("guess", &[2.0, 1.0, 2.0, 3.0]).unwrap_err().to_string(), "no such mode");
}

#[test]
fn an_engine_without_weights_is_refused() {
    assert!(Engine::new(values::aligned(0), 1).is_err());
    assert_eq!((Engine::STEPS, Engine::WEIGHTS_LEN), (2, 1));
}

#[test]
fn values_start_at_a_cache_line() {
    for len in [1, 16, 17, 1000] {
        let values = values::aligned(len);
        assert_eq!((values.len(), values.as_ptr().align_offset(64)), (len, 0));
    }
}

/// How long anything takes is not compared: every entry is overwritten by a time below the start value.
#[test]
fn every_step_or_the_whole_inference_is_timed() {
    let mut variant = schedules::variant::<Engine>(&[2.0], &[1.0, 2.0, 3.0], 1).unwrap();
    for steps in [2, 1] {
        let mut times = vec![u64::MAX; steps];
        variant(&mut times);
        assert!(times.iter().all(|time| *time < u64::MAX), "{times:?}");
    }
    let mut layer = latency::layer::<Engine>(&[(0, 3), (3, 2)], &[(0, 1, 0.5)], 1);
    let mut whole = latency::whole::<Engine>(&[(0, 1, 0.5)], 1);
    assert!(layer() < u64::MAX && whole() < u64::MAX);
}

/// A module of this crate that `source` leaves out cannot be in a program, nor can one that names this crate.
#[test]
fn every_module_is_exported_as_source() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files: Vec<String> =
        std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    files.retain(|file| file != "lib.rs");
    files.sort();
    let mut exported: Vec<String> = source::ALL.iter().map(|source| format!("{}.rs", source.name)).collect();
    exported.sort();
    assert_eq!(files, exported);
    for source in source::ALL {
        assert!(!source.text.contains("mnas_harness"), "{}", source.name);
    }
}
