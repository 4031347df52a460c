//! `mnasc bench SPEC`: times the generated code.

mod against;
mod profile;
mod steps;

use crate::cli::BenchArgs;
use crate::error::{Error, Result};
use crate::lock;
use crate::quantile::quantile;
use crate::runner::{self, Runner, RunnerOptions, random_image};
use crate::{input, output};
use mnas_codegen::code::{Code, Values};
use profile::Profile;
use serde_json::json;
use std::path::Path;
use steps::Steps;

/// Times a network.
pub(crate) fn run(args: &BenchArgs) -> Result<()> {
    let threads = args.threads;
    let (spec, network) = input::spec(&args.spec)?;
    if let Some(svg) = &args.svg {
        let inputs = [Some(&args.spec), args.weights.weights.as_ref()];
        let inputs: Vec<&Path> = inputs.into_iter().flatten().map(|path| path.as_path()).collect();
        output::refuse_overwriting(svg, &inputs)?;
    }
    let values = input::values_or_random(&args.weights, &network)?;
    let isa = runner::isa_for(&values, args.isa.isa)?;
    let tuned = input::tuned(&args.schedule)?;
    if !args.against.is_empty() {
        let Values::F32(weights) = &values else {
            return Err(Error::input("`--against` compares `f32`, and the weights are those of a network in int8"));
        };
        return against::run(args, &spec, &network, weights, isa, tuned);
    }
    let runner = Runner::build(&spec, &network, &values, RunnerOptions { threads, tuned, ..RunnerOptions::new(isa) })?;
    let image = random_image(network.input);
    let _alone = lock::acquire_for("bench");
    let (mut profile, mut steps) = (None, None);
    match &runner.code {
        _ if !args.profile => {}
        Code::F32(compiled) => {
            profile = Some(Profile::measure(&runner, compiled, isa, threads, image.clone(), args.runs)?);
        }
        Code::Int8(compiled) => steps = Some(Steps::measure(&runner, compiled, isa, image.clone(), args.runs)?),
    }
    let times: Vec<f64> = runner.bench(isa, image, args.runs)?.into_iter().map(|ns| ns as f64).collect();
    let [median, p90, min] = [0.5, 0.9, 0.0].map(|part| quantile(&times, part) / 1e6);

    if let (Some(svg), Some(profile)) = (&args.svg, &profile) {
        let text = profile.svg(&network.name, isa, median);
        output::write_all(&[output::Artifact { path: svg.clone(), bytes: text.into_bytes() }])?;
    }
    if args.json {
        let mut result = json!({
            "name": network.name,
            "median_ms": rounded(median),
            "p90_ms": rounded(p90),
            "min_ms": rounded(min),
            "threads": threads,
            "isa": isa.name,
            "runs": args.runs,
        });
        if let Some(profile) = profile {
            profile.add_to(&mut result, median);
        }
        if let Some(steps) = steps {
            result["steps"] = steps.json();
        }
        return output::print_json(&result);
    }
    let mut text = profile.as_ref().map_or_else(String::new, Profile::table);
    text.push_str(&steps.as_ref().map_or_else(String::new, Steps::table));
    let (name, isa, runs) = (&network.name, isa.name, args.runs);
    let s = if threads == 1 { "" } else { "s" };
    text.push_str(&format!(
        "{name}: median {median:.3} ms, p90 {p90:.3} ms, min {min:.3} ms ({isa}, {threads} thread{s}, {runs} runs)\n"
    ));
    if let Some(profile) = &profile {
        text.push_str(&profile.verdict(isa, median));
    }
    output::print(&text)
}

/// Rounds to a millionth: a nanosecond, for values in milliseconds.
fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}
