//! A network from the macro. `scripts/test.sh targets` compiles it for foreign targets.
#![no_std]

mnas::mnas_net!(
    /// Default instruction sets.
    pub struct Features<37 x 29 x 3, 11> {
        activation relu6;
        stem conv k3 s2 c12;
        mbconv e3 k5 s2 c13 r2 se0.25;
        mbconv e2 k3 s2 c13 skip pool activation swish;
        head c27;
    }
);

/// Runs the network, so that its code is generated.
pub fn infer(
    packed: &[f32],
    image: &[f32; Features::INPUT_LEN],
    output: &mut [f32; Features::OUTPUT_LEN],
) -> Option<()> {
    Features::from_packed(packed)?.infer(&mut mnas::Workspace::new(), image, output);
    Some(())
}
