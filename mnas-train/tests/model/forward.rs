//! Scores by running statistics, on random networks that cover every option value of a spec.

use super::forms;
use mnas_codegen::lower::lower;
use mnas_codegen::reference;
use mnas_codegen::weights;
use mnas_fuzz::{data, draw};

/// These networks have every kind of block, activation, skip and padding.
const SPECS: usize = 60;

#[test]
fn scores_equal_the_reference() {
    let mut compared = 0;
    for case in draw::cases(0, SPECS) {
        let weights = weights::random(&case.network, case.seed);
        let images = [data::image(&case.network, case.seed), data::image(&case.network, case.seed + 1)];
        let expected: Vec<f64> = images
            .iter()
            .flat_map(|image| reference::run(&lower(&case.network), &weights, image).unwrap().output().to_vec())
            .collect();
        let largest = expected.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
        assert!(largest > 1e-3, "all scores are 0 in\n{}", case.spec.to_yaml());
        for (form, model) in forms(&case.spec, &case.network, &weights) {
            let found = model.scores(&images.concat());
            assert_eq!(found.len(), expected.len());
            for (at, (expected, found)) in expected.iter().zip(&found).enumerate() {
                let difference = (expected - f64::from(*found)).abs();
                assert!(
                    difference <= 1e-4 * largest.max(1.0),
                    "score {at} by {form} is {found}, not {expected}:\n{}",
                    case.spec.to_yaml()
                );
                compared += 1;
            }
        }
    }
    assert!(compared > 1000, "{compared}");
}
