//! The trait of all generated networks, for code that is generic over them.

/// A generated network: weights that any number of threads may share.
pub trait Network: Sync {
    /// The memory of an inference, owned by the caller.
    type Workspace;
    /// `[f32; INPUT_LEN]`, height x width x channels.
    type Input: ?Sized;
    /// `[f32; OUTPUT_LEN]`.
    type Output: ?Sized;

    /// The spec's name.
    const NAME: &'static str;
    /// Height, width, channels.
    const INPUT_SHAPE: [usize; 3];
    /// Height, width, channels.
    const OUTPUT_SHAPE: [usize; 3];
    /// The steps that `observe` reports, in order.
    const STEPS: &'static [StepInfo];

    /// Runs the network: no allocation, no panic, little stack.
    fn infer(&self, workspace: &mut Self::Workspace, input: &Self::Input, output: &mut Self::Output);

    /// Like `infer`, and calls `after` with the index of each step and what it wrote.
    fn observe(
        &self,
        workspace: &mut Self::Workspace,
        input: &Self::Input,
        output: &mut Self::Output,
        after: &mut dyn FnMut(usize, &[f32]),
    );
}

/// One step of a network: a block, the stem, the head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepInfo {
    /// The layer's name.
    pub name: &'static str,
    /// Height, width and channels of what it writes.
    pub shape: [usize; 3],
    /// Floats from one pixel of it to the next.
    pub stride: usize,
    /// Multiply-accumulates.
    pub macs: u64,
}
