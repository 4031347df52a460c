//! Networks from a build script. `scripts/test.sh targets` compiles them for foreign targets.
#![no_std]

/// Beside the runtime.
pub mod features {
    include!(concat!(env!("OUT_DIR"), "/features.rs"));
}

/// With the runtime in the file.
pub mod standalone {
    include!(concat!(env!("OUT_DIR"), "/standalone.rs"));
}

/// Runs both networks, so that their code is generated.
pub fn infer(
    packed: &[f32],
    image: &[f32; features::Features::INPUT_LEN],
    output: &mut [f32; features::Features::OUTPUT_LEN],
) -> Option<()> {
    let mut workspace = mnas_runtime::Workspace::new();
    features::Features::from_packed(packed)?.infer(&mut workspace, image, output);
    let mut workspace = standalone::mnas_runtime::Workspace::new();
    standalone::Features::embedded().infer(&mut workspace, image, output);
    Some(())
}
