//! The same network from every door.

use mnas_runtime::Workspace;
use mnas_tests::image;

/// The macro, written out.
pub(crate) mod inline {
    mnas::mnas_net! {
        /// As `specs/features.yaml`.
        pub(crate) struct Features<37 x 29 x 3, 11> {
            preprocess mean [0.485, 0.456, 0.406] std [0.229, 0.224, 0.225];
            activation relu6;
            stem conv k3 s2 c12;
            sepconv k3 c9 noskip activation relu;
            mbconv e3 k5 s2 c13 r2 se0.25;
            mbconv e2 k3 c13 activation hard_swish;
            mbconv e2 k3 s2 c13 skip pool activation swish;
            sepconv k5 c13 activation sigmoid;
            conv k3 c20 activation hard_sigmoid;
            mbconv e1.5 k3 c20 activation linear se0.5;
            head c27;
        }, weights = "specs/features.safetensors"
    }
}

/// The macro, from a file, with another path to the runtime.
pub(crate) mod file {
    mnas::mnas_net!(
        pub(crate) struct Features = <"specs/features.yaml">, weights = "specs/features.safetensors", crate = ::mnas_runtime
    );
}

/// The macro with schedules that were measured.
pub(crate) mod tuned {
    mnas::mnas_net!(
        pub(crate) struct Features = <"specs/features.yaml">, weights = "specs/features.safetensors",
            schedule = "specs/features.schedule.yaml", cpu = "rows"
    );
}

/// The macro with plain Rust only.
pub(crate) mod scalar {
    mnas::mnas_net!(
        pub(crate) struct Features = <"specs/features.yaml">, weights = "specs/features.safetensors", isa = "scalar"
    );
}

/// The build script.
pub(crate) mod built {
    include!(concat!(env!("OUT_DIR"), "/features.rs"));
}

/// A file that brings its own runtime.
pub(crate) mod standalone {
    include!(concat!(env!("OUT_DIR"), "/standalone.rs"));
}

/// For several threads.
pub(crate) mod threaded {
    include!(concat!(env!("OUT_DIR"), "/threaded.rs"));
}

/// For several threads, with a runtime of its own, every access asserted.
pub(crate) mod threaded_standalone {
    include!(concat!(env!("OUT_DIR"), "/threaded_standalone.rs"));
}

/// Plain Rust only, every access asserted.
pub(crate) mod checked {
    include!(concat!(env!("OUT_DIR"), "/checked.rs"));
}

/// Packed weights as the build script wrote them.
pub(crate) static PACKED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/features.weights"));

/// Named weights, as a file for `load`.
pub(crate) static SAFETENSORS: &[u8] = include_bytes!("../../specs/features.safetensors");

pub(crate) type Arena = Workspace<{ built::Features::ARENA_LEN }>;
pub(crate) type Image = [f32; built::Features::INPUT_LEN];
pub(crate) type Output = [f32; built::Features::OUTPUT_LEN];

/// An image for the network.
pub(crate) fn an_image(seed: u64) -> Box<Image> {
    image(built::Features::INPUT_LEN, seed).into_boxed_slice().try_into().expect("the length of the input")
}

/// Its output, by the build script's code.
pub(crate) fn output(image: &Image) -> Output {
    let mut output = [0.0; built::Features::OUTPUT_LEN];
    built::Features::embedded().infer(&mut Arena::boxed(), image, &mut output);
    output
}

/// For comparing every bit.
pub(crate) fn bits(output: &[f32]) -> Vec<u32> {
    output.iter().map(|v| v.to_bits()).collect()
}
