//! Networks run on a small stack, in a build without optimisation too; `toolchain` has a large one, optimised.

use super::nets::built::Features;
use mnas_runtime::Workspace;
use mnas_tests::image;
use std::thread;

/// Without optimisation each of the hundreds of vectors in an AVX-512 kernel has a place of its own on the stack.
const STACK: usize = 512 << 10;

fn on_a_small_stack(run: impl FnOnce() + Send + 'static) {
    let thread = thread::Builder::new().stack_size(STACK).spawn(run).expect("a thread");
    thread.join().expect("it ended well");
}

#[test]
fn a_small_stack_is_enough() {
    on_a_small_stack(|| {
        let pixels = image(Features::INPUT_LEN, 1);
        let mut output = [f32::NAN; Features::OUTPUT_LEN];
        let pixels = pixels.as_slice().try_into().expect("the length of the input");
        Features::embedded().infer(&mut Workspace::boxed(), pixels, &mut output);
        assert!(output.iter().all(|v| v.is_finite()));
    });
}
