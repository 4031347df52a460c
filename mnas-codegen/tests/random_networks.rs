//! Whole networks drawn at random against the reference executor, step by step, on every instruction set of the machine.
//!
//! The generated files are compiled into one program, several networks at a time; what each step wrote is compared
//! here with the tensors of the reference, element by element.

mod networks;

use mnas_codegen::compile::{Options, compile};
use mnas_codegen::plan::{Plan, isa};
use mnas_codegen::reference;
use mnas_codegen::weights::random;
use networks::{Draw, Program};

/// The largest difference over the largest value that counts as equal: single precision, sums of up to 300 products.
const TOLERANCE: f64 = 1e-5;

#[test]
fn random_networks_equal_the_reference() {
    let mut draw = Draw::new(1);
    let mut program = Program::new("random");
    let mut expected: Vec<(String, Plan, reference::Outputs)> = Vec::new();
    while expected.len() < 12 {
        let text = draw.spec(expected.len());
        // Not every draw is a network: an image may be too small for its strides.
        let Ok((spec, network)) = mnas_dsl::load_yaml(&text, "random.yaml") else { continue };
        let weights = random(&network, expected.len() as u64);
        let options = Options { standalone: true, checked: expected.len().is_multiple_of(12), ..Options::default() };
        let compiled = compile(&spec, &network, Some(&weights), &options).expect("a network of ours compiles");
        let input: Vec<f32> = draw.values(network.input.len());
        let outputs = reference::run(&compiled.graph, &weights, &input).expect("the reference runs");
        program.push(&compiled, &input);
        expected.push((text, compiled.plan, outputs));
    }
    let binary = program.build();
    let mut tried = 0;
    for isa in isa::ALL {
        let Some(results) = binary.run(isa.name) else {
            eprintln!("skipped: this machine has no {}", isa.name);
            continue;
        };
        tried += 1;
        assert_eq!(results.len(), expected.len());
        for ((text, plan, outputs), steps) in expected.iter().zip(&results) {
            assert_eq!(steps.len(), plan.steps.len());
            for (step, got) in plan.steps.iter().zip(steps) {
                let Some(want) = outputs.get(step.tensor) else { continue };
                let difference =
                    networks::difference(want, got, step.output_shape, plan.padded(step.output_shape.channels));
                assert!(
                    difference <= TOLERANCE,
                    "{} on {}: differs by {difference:e} of the largest value\n{text}",
                    step.name,
                    isa.name
                );
            }
        }
        // The control: one wrong value is seen.
        let (_, plan, outputs) = &expected[0];
        let step = &plan.steps[0];
        let mut spoilt = results[0][0].clone();
        let want = outputs.get(step.tensor).expect("the first step's tensor");
        let largest = want.iter().fold(0.0f64, |m, v| m.max(v.abs()));
        spoilt[0] += (largest * 1e-4) as f32;
        let stride = plan.padded(step.output_shape.channels);
        assert!(networks::difference(want, &spoilt, step.output_shape, stride) > TOLERANCE);
    }
    assert!(tried > 0);
}
