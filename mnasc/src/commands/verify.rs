//! `mnasc verify SPEC`: compares the generated code with the reference executor, block by block.

use super::run::read_tensors;
use super::verify_int8;
use crate::cli::VerifyArgs;
use crate::error::{Error, Result};
use crate::runner::{self, Runner, RunnerOptions, random_image};
use crate::{input, output};
use mnas_codegen::code::{Code, Values};
use mnas_codegen::machine::{self, Isa};
use mnas_codegen::plan::{Plan, Step};
use mnas_codegen::reference::{self, Keep, Outputs};
use mnas_dsl::Network;
use mnas_dsl::network::Shape;
use serde_json::json;

/// Compares the outputs for each instruction set.
pub(crate) fn run(args: &VerifyArgs) -> Result<()> {
    let (spec, network) = input::spec(&args.spec)?;
    let values = input::values_or_random(&args.weights, &network)?;
    let image = image(args, &network)?;
    let isas = match args.isa {
        None if matches!(values, Values::Int8(_)) => machine::int8_on_host(),
        None => machine::on_host(),
        Some(_) => vec![runner::isa_for(&values, args.isa)?],
    };
    // One program has all instruction sets, as `mnasc SPEC -o` writes it: the widest one decides the packing of the weights,
    // which the others read.
    let tuned = input::tuned(&args.schedule)?;
    let (checked, threads) = (args.checked, args.threads);
    let options = RunnerOptions { isas: machine::of_host(), checked, threads, tuned };
    let runner = Runner::build(&spec, &network, &values, options)?;
    let (compiled, weights) = match (&runner.code, &values) {
        (Code::F32(compiled), Values::F32(weights)) => (compiled, weights),
        (Code::Int8(compiled), Values::Int8(quantized)) => {
            return verify_int8::run(&runner, compiled, quantized, &image, &isas, args.json);
        }
        _ => unreachable!("code is of the number type of its weights"),
    };
    let steps = &compiled.plan.steps;
    let tensors: Vec<_> = steps.iter().map(|step| step.tensor).collect();
    let expected = reference::run_keeping(&compiled.graph, weights, &image, Keep::Only(&tensors));
    let expected = expected.map_err(|error| Error::input(error.to_string()))?;
    let mut reports = Vec::new();
    for isa in isas {
        let found = runner.observe(isa, image.clone())?;
        let blocks: Vec<Block> =
            steps.iter().zip(&found).map(|(step, found)| compare(&compiled.plan, step, found, &expected)).collect();
        reports.push(Report { isa, blocks });
    }

    let differs = |block: &&Block| !block.agrees(args.tolerance);
    if args.json {
        let isas: Vec<_> = reports
            .iter()
            .map(|report| {
                let blocks: Vec<_> = report
                    .blocks
                    .iter()
                    .map(|block| json!({ "name": block.name, "difference": block.difference }))
                    .collect();
                json!({
                    "isa": report.isa.name,
                    "largest_difference": report.largest().map(|block| block.difference),
                    "first_different": report.blocks.iter().find(differs).map(|block| &block.name),
                    "blocks": blocks,
                })
            })
            .collect();
        let ok = reports.iter().all(|report| !report.blocks.iter().any(|block| differs(&block)));
        output::print_json(&json!({ "name": network.name, "ok": ok, "tolerance": args.tolerance, "isas": isas }))?;
    }
    let mut different = Vec::new();
    for report in &reports {
        let isa = report.isa.name;
        match report.blocks.iter().find(differs) {
            Some(block) => different.push(format!("{isa}: {}", block.describe(args.tolerance))),
            None if args.json => {}
            None => {
                let largest = report.largest().map_or_else(String::new, |block| {
                    format!(", largest difference {:.1e} of the largest output ({})", block.difference, block.name)
                });
                output::print(&format!("\x1b[32mok\x1b[0m {isa}: {} blocks{largest}\n", report.blocks.len()))?;
            }
        }
    }
    if different.is_empty() { Ok(()) } else { Err(Error::difference(different.join("\n"))) }
}

fn image(args: &VerifyArgs, network: &Network) -> Result<Vec<f32>> {
    let Some(path) = &args.input else { return Ok(random_image(network.input)) };
    let mut images = read_tensors(path, network.input)?;
    match (images.pop(), images.is_empty()) {
        (Some(image), true) => Ok(image),
        _ => Err(Error::input(format!("`{}` does not hold one image", path.display()))),
    }
}

struct Report {
    isa: Isa,
    blocks: Vec<Block>,
}

impl Report {
    fn largest(&self) -> Option<&Block> {
        self.blocks.iter().max_by(|a, b| a.difference.total_cmp(&b.difference))
    }
}

/// The largest difference in a block's output.
struct Block {
    name: String,
    source: String,
    /// Relative to the block's largest output; infinite if one of the two is NaN.
    difference: f64,
    /// Row, column and channel of the difference.
    at: [usize; 3],
    found: f64,
    expected: f64,
}

impl Block {
    fn agrees(&self, tolerance: f64) -> bool {
        self.difference <= tolerance
    }

    fn describe(&self, tolerance: f64) -> String {
        let Block { name, source, difference, at: [y, x, c], found, expected } = self;
        format!(
            "block {name} is the first that differs, by {difference:.1e} of its largest output (tolerance {tolerance:e})\n  \
             {source}\n  row {y}, column {x}, channel {c}: {found:e} instead of {expected:e}"
        )
    }
}

fn compare(plan: &Plan, step: &Step, found: &[f32], expected: &Outputs) -> Block {
    let Shape { channels, width, .. } = step.output_shape;
    let expected = expected.get(step.tensor).unwrap_or_default();
    let mut block = Block {
        name: step.name.clone(),
        source: step.source.clone(),
        difference: 0.0,
        at: [0; 3],
        found: 0.0,
        expected: 0.0,
    };
    let largest = expected.iter().fold(0.0_f64, |largest, value| largest.max(value.abs())).max(f64::MIN_POSITIVE);
    let pixels = found.chunks_exact(plan.stride(step.output_shape).0).zip(expected.chunks_exact(channels));
    for (pixel, (found, expected)) in pixels.enumerate() {
        for (c, (&found, &expected)) in found.iter().zip(expected).enumerate() {
            let difference = (f64::from(found) - expected).abs() / largest;
            let difference = if difference.is_nan() { f64::INFINITY } else { difference };
            if difference > block.difference {
                block = Block {
                    difference,
                    at: [pixel / width, pixel % width, c],
                    found: f64::from(found),
                    expected,
                    ..block
                };
            }
        }
    }
    block
}
