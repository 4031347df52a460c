//! A network is weights: any number of threads may share it, and several of them an inference.

use super::nets::{self, Arena, Image, an_image, bits, built::Features, output, threaded};
use mnas_runtime::Network;
use std::thread;

static NETWORK: Features<'static> = Features::embedded();

#[test]
fn threads_share_a_network() {
    let images: Vec<_> = (1..5).map(an_image).collect();
    let expected: Vec<_> = images.iter().map(|image| bits(&output(image))).collect();
    thread::scope(|scope| {
        for (image, expected) in images.iter().zip(&expected) {
            scope.spawn(move || {
                let (mut workspace, mut output) = (Arena::boxed(), [0.0; Features::OUTPUT_LEN]);
                for _ in 0..20 {
                    NETWORK.infer(&mut workspace, image, &mut output);
                    assert_eq!(&bits(&output), expected);
                }
            });
        }
    });
}

/// Fewer than cores, as many, more; more than there are rows in the smallest maps.
const COUNTS: [usize; 5] = [1, 2, 3, 4, 7];

static THREADED: threaded::Features<'static> = threaded::Features::embedded();

#[test]
fn threads_that_share_an_inference_change_no_bit() {
    let images: Vec<_> = (1..4).map(an_image).collect();
    for threads in COUNTS {
        let mut team = threaded::Features::team(threads).expect("a few threads");
        assert_eq!(team.count(), threads);
        let mut found = [f32::NAN; Features::OUTPUT_LEN];
        for image in &images {
            let expected = bits(&output(image));
            for _ in 0..20 {
                found.fill(f32::NAN);
                THREADED.infer_threaded(&mut team, image, &mut found);
                assert_eq!(bits(&found), expected, "{threads} threads");
            }
        }
    }
}

#[test]
fn the_code_for_threads_stands_alone_and_stays_inside_of_its_slices() {
    let image = an_image(2);
    // Vectors of the same width, for the last bits depend on it.
    let mut workspace = nets::threaded_standalone::mnas_runtime::Workspace::boxed();
    let network = nets::threaded_standalone::Features::embedded();
    let mut expected = [f32::NAN; Features::OUTPUT_LEN];
    network.infer(&mut workspace, &image, &mut expected);
    assert_eq!(bits(&expected), bits(&output(&image)));
    for threads in COUNTS {
        let mut team = nets::threaded_standalone::Features::team(threads).expect("a few threads");
        let mut found = [f32::NAN; Features::OUTPUT_LEN];
        network.infer_threaded(&mut team, &image, &mut found);
        assert_eq!(bits(&found), bits(&expected), "{threads} threads");
    }
}

#[test]
fn planes_bytes_and_steps_are_those_of_one_thread() {
    let image = an_image(6);
    let bytes: [u8; Features::INPUT_LEN] = std::array::from_fn(|i| (i * 31 % 256) as u8);
    let mut workspace = Arena::boxed();
    let (mut of_planes, mut of_bytes) = ([f32::NAN; 11], [f32::NAN; 11]);
    Features::embedded().infer_chw(&mut workspace, &image, &mut of_planes);
    Features::embedded().infer_u8(&mut workspace, &bytes, &mut of_bytes);
    let mut steps = Vec::new();
    let mut found = [f32::NAN; 11];
    let shapes = <Features<'_> as Network>::STEPS;
    // What lies in padding channels has no meaning.
    let real = |step: usize, made: &[f32]| -> Vec<u32> {
        let shape = &shapes[step];
        made.chunks_exact(shape.stride).flat_map(|pixel| bits(&pixel[..shape.shape[2]])).collect()
    };
    let alone = Features::embedded();
    alone.observe(&mut workspace, &image, &mut found, &mut |step, made| steps.push(real(step, made)));
    for threads in COUNTS {
        let mut team = threaded::Features::team(threads).expect("a few threads");
        THREADED.infer_chw_threaded(&mut team, &image, &mut found);
        assert_eq!(bits(&found), bits(&of_planes), "{threads} threads");
        THREADED.infer_u8_threaded(&mut team, &bytes, &mut found);
        assert_eq!(bits(&found), bits(&of_bytes), "{threads} threads");
        let mut seen = Vec::new();
        THREADED.observe_threaded(&mut team, &image, &mut found, &mut |step, made| seen.push(real(step, made)));
        assert!(seen == steps, "{threads} threads");
    }
}

#[test]
fn a_batch_gives_each_image_its_output() {
    let images: Vec<Image> = (1..12).map(|seed| *an_image(seed)).collect();
    let expected: Vec<_> = images.iter().map(|image| bits(&output(image))).collect();
    for threads in COUNTS {
        let mut team = threaded::Features::team(threads).expect("a few threads");
        let mut outputs = vec![[f32::NAN; 11]; images.len()];
        THREADED.infer_batch(&mut team, &images, &mut outputs);
        let found: Vec<_> = outputs.iter().map(|output| bits(output)).collect();
        assert_eq!(found, expected, "{threads} threads");
        // As many as there are of both.
        outputs.iter_mut().for_each(|output| output.fill(7.0));
        THREADED.infer_batch(&mut team, &images[..4], &mut outputs);
        assert!(outputs[3] != [7.0; 11] && outputs[4..].iter().all(|output| *output == [7.0; 11]));
        THREADED.infer_batch(&mut team, &images, &mut outputs[..0]);
    }
}

#[test]
fn teams_share_a_network() {
    let images: Vec<_> = (1..5).map(an_image).collect();
    thread::scope(|scope| {
        for image in &images {
            scope.spawn(move || {
                let expected = bits(&output(image));
                let (mut team, mut found) = (threaded::Features::team(3).expect("a few threads"), [f32::NAN; 11]);
                for _ in 0..20 {
                    THREADED.infer_threaded(&mut team, image, &mut found);
                    assert_eq!(bits(&found), expected);
                }
            });
        }
    });
}
