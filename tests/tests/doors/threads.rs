//! A network is weights: any number of threads may share it.

use super::nets::{Arena, an_image, bits, built::Features, output};
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
