//! What each program of this folder does with its networks. It is copied beside them.
#![allow(dead_code, unused_macros, reason = "the programs use it, and this crate only copies it")]

/// Whether results are compared: not those of a program with a planted fault, for a sanitizer has to report it.
pub(crate) fn compares() -> bool {
    std::env::args().nth(1).as_deref() != Some("planted")
}

/// How often a team infers.
pub(crate) fn repeats() -> usize {
    if cfg!(miri) { 1 } else { 3 }
}

/// `len` values between -0.05 and 0.05. With these as weights and image, no network overflows.
pub(crate) fn values(len: usize, seed: u32) -> Vec<f32> {
    let mut state = seed | 1;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 8) as f32 / (1 << 24) as f32 / 10.0 - 0.05
    };
    (0..len).map(next).collect()
}

/// Fails if two outputs differ in a bit.
pub(crate) fn compare(found: &[f32], expected: &[f32], what: &str) {
    let same = found.iter().zip(expected).all(|(a, b)| a.to_bits() == b.to_bits());
    assert!(same || !compares(), "{what}: {found:?} instead of {expected:?}");
}

/// Runs a network in every way that it has. All of them have to give the same bits.
macro_rules! drive {
    ($module:ident, $net:ident, $threads:expr) => {{
        use crate::driver::{compare, compares, repeats, values};
        use mnas_runtime::{Network, Workspace};
        type Net<'w> = $module::$net<'w>;
        let packed = values(Net::WEIGHTS_LEN, 1);
        let net = Net::from_packed(&packed).expect("all weights");
        let image: Box<[f32; Net::INPUT_LEN]> = values(Net::INPUT_LEN, 2).try_into().expect("an image");
        let mut output = [f32::NAN; Net::OUTPUT_LEN];
        let mut workspace = Workspace::<{ Net::ARENA_LEN }>::boxed();
        // What is read before it was written shows in the output.
        workspace.arena().fill(f32::NAN);
        net.infer(&mut workspace, &image, &mut output);
        let expected = output;
        assert!(expected.iter().all(|v| v.is_finite()) || !compares(), "{expected:?}");

        let [height, width, channels] = Net::INPUT_SHAPE;
        let mut planes = image.clone();
        for at in 0..Net::INPUT_LEN {
            planes[at % channels * height * width + at / channels] = image[at];
        }
        workspace.arena().fill(f32::NAN);
        net.infer_chw(&mut workspace, &planes, &mut output);
        compare(&output, &expected, "infer_chw");
        let mut count = 0;
        net.observe(&mut workspace, &image, &mut output, &mut |_, made| count += usize::from(!made.is_empty()));
        assert_eq!(count, Net::STEPS.len());
        compare(&output, &expected, "observe");

        for threads in $threads {
            let mut team = Net::team(threads).expect("threads");
            for _ in 0..repeats() {
                team.shared().fill(f32::NAN);
                net.infer_threaded(&mut team, &image, &mut output);
                compare(&output, &expected, "infer_threaded");
            }
            net.infer_chw_threaded(&mut team, &planes, &mut output);
            compare(&output, &expected, "infer_chw_threaded");
            let mut sum = 0.0;
            // Reads all that a step wrote while the other threads go on.
            net.observe_threaded(&mut team, &image, &mut output, &mut |_, made| sum += made.iter().sum::<f32>());
            std::hint::black_box(sum);
            compare(&output, &expected, "observe_threaded");
            let mut outputs = vec![[f32::NAN; Net::OUTPUT_LEN]; 1 + repeats()];
            net.infer_batch(&mut team, &vec![*image; 1 + repeats()], &mut outputs);
            outputs.iter().for_each(|output| compare(output, &expected, "infer_batch"));
        }
        println!("{}: as on one thread", Net::NAME);
    }};
}
