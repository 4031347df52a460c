//! `--against ENGINE,...`: times other engines with the same network, weights and input.
//!
//! Every round runs every engine once, one after another, each in its own process that is pinned to the same processors.
//! Disturbances (clock rates, other programs) affect all engines of a round, so the result is the ratio in each round:
//! mnas's median over that of the fastest other engine.

mod peers;
mod rounds;
mod start;

use crate::cli::{BenchArgs, Engine};
use crate::commands::run::planes;
use crate::compiler;
use crate::error::{Error, Result};
use crate::lock;
use crate::output;
use crate::quantile::median;
use crate::runner::{Runner, RunnerOptions, random_image};
use mnas_codegen::code::Values;
use mnas_codegen::compile::fused_graph;
use mnas_codegen::machine::Isa;
use mnas_codegen::tuned::TuningProfile;
use mnas_codegen::weights::Weights;
use mnas_dsl::{Network, Spec};
use peers::{Peers, Probe};
use serde_json::{Value, json};
use std::ffi::OsString;

/// Largest difference between outputs of engines, relative to the largest output.
const TOLERANCE: f64 = 1e-4;

/// The name of mnas in tables.
const OURS: &str = "mnas";

/// A network and its device.
struct Contest<'a> {
    args: &'a BenchArgs,
    network: &'a Network,
    isa: Isa,
    threads: u32,
    engines: Vec<Engine>,
    /// Height x width x channels.
    image: Vec<f32>,
    peers: Peers,
    probe: Probe,
    tuned: TuningProfile,
}

/// Compares the engines.
pub(super) fn run(
    args: &BenchArgs,
    spec: &Spec,
    network: &Network,
    weights: &Weights,
    isa: Isa,
    tuned: TuningProfile,
) -> Result<()> {
    let threads = args.threads;
    let mut engines = args.against.clone();
    engines.sort_unstable();
    engines.dedup();
    if args.start && threads > 1 {
        return Err(Error::input("`--start` times one thread, from a program's start to its first output")
            .hint("omit `--threads`"));
    }
    let image = random_image(network.input);
    let model = compiler::onnx_file(spec, network, &fused_graph(network), Some(weights))?;
    let peers = Peers::new(&args.python, threads, &model, &planes(&image, network.input.channels))?;
    let probe = peers.probe(&engines)?;
    let contest = Contest { args, network, isa, threads, engines, image, peers, probe, tuned };
    if args.start {
        return start::run(&contest, spec, weights);
    }
    let options = RunnerOptions { threads, tuned: contest.tuned.clone(), ..RunnerOptions::new(isa) };
    let runner = Runner::build(spec, network, &Values::F32(weights.clone()), options)?;
    let _alone = lock::acquire_for("bench");
    rounds::run(&contest, &runner.through(contest.launcher("exec")))
}

impl Contest<'_> {
    /// The prefix of mnas's command that pins it to the processors of the others; empty if the system cannot pin.
    fn launcher(&self, mode: &str) -> Vec<OsString> {
        if self.probe.processors.is_some() { self.peers.launcher(mode) } else { Vec::new() }
    }

    /// Refuses outputs that differ.
    fn agree(&self, differences: &[f64]) -> Result<()> {
        let different = self.engines.iter().zip(differences).find(|(_, difference)| **difference > TOLERANCE);
        different.map_or(Ok(()), |(engine, difference)| {
            let name = engine.name();
            Err(Error::difference(format!(
                "outputs of {name} differ from mnas's by {difference:.1e} of the largest; expected at most {TOLERANCE:e}"
            ))
            .hint("`mnasc verify` compares mnas's with the reference executor"))
        })
    }

    /// mnas's output in the layout of other engines: a backbone's is a plane for each channel.
    fn as_planes(&self, output: Vec<f32>) -> Vec<f32> {
        if self.network.head.is_some() { output } else { planes(&output, self.network.features().channels) }
    }

    fn heading(&self) -> String {
        let s = if self.threads == 1 { "" } else { "s" };
        let pinned = match &self.probe.processors {
            None => "not pinned to processors, as this system cannot pin".to_owned(),
            Some(processors) => {
                let s = if processors.len() == 1 { "" } else { "s" };
                let list: Vec<String> = processors.iter().map(u64::to_string).collect();
                format!("pinned to processor{s} {}", list.join(", "))
            }
        };
        format!("{}: {}, {} thread{s}, {pinned}", self.network.name, self.isa.name, self.threads)
    }

    fn agreement(&self, differences: &[f64]) -> String {
        let engines = self.engines.iter().zip(&self.probe.versions).zip(differences);
        let each =
            engines.map(|((engine, version), difference)| format!("{} {version} ({difference:.0e})", engine.name()));
        format!(
            "outputs agree, as parts of the largest: {}; Python {}",
            each.collect::<Vec<_>>().join(", "),
            self.probe.python
        )
    }

    /// The first entries of every JSON object of this command.
    fn value(&self, differences: &[f64]) -> Value {
        let engines = self.engines.iter().zip(&self.probe.versions).zip(differences);
        let engines = engines.map(|((engine, version), difference)| {
            (engine.name().to_owned(), json!({ "version": version, "difference": difference }))
        });
        json!({
            "name": self.network.name,
            "isa": self.isa.name,
            "threads": self.threads,
            "processors": self.probe.processors,
            "python": self.probe.python,
            "engines": Value::Object(engines.collect()),
        })
    }

    /// Prints a part of the table immediately, because the whole table takes a while.
    fn say(&self, text: &str) -> Result<()> {
        if self.args.json { Ok(()) } else { output::print(text) }
    }
}

/// The median of a few values.
fn middle(values: impl Iterator<Item = f64>) -> f64 {
    median(&values.collect::<Vec<_>>())
}

/// The largest difference relative to the largest value; infinite if the outputs cannot be compared.
fn difference(found: &[f32], expected: &[f32]) -> f64 {
    if found.len() != expected.len() {
        return f64::INFINITY;
    }
    let largest = expected.iter().fold(f32::MIN_POSITIVE, |largest, value| largest.max(value.abs()));
    let parts = found.iter().zip(expected).map(|(a, b)| f64::from((a - b).abs()) / f64::from(largest));
    parts.fold(0.0, |most, part| if part.is_nan() { f64::INFINITY } else { most.max(part) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_parts_of_the_largest_value() {
        assert_eq!(difference(&[1.0, -8.0], &[1.0, -8.0]), 0.0);
        assert_eq!(difference(&[1.0, -7.0], &[0.0, -8.0]), 0.125);
        assert_eq!(difference(&[f32::NAN, 1.0], &[1.0, 1.0]), f64::INFINITY);
        assert_eq!(difference(&[1.0, 1.0], &[f32::NAN, 1.0]), f64::INFINITY);
        assert_eq!(difference(&[1.0], &[1.0, 1.0]), f64::INFINITY);
    }

    #[test]
    fn the_middle_of_an_even_number_lies_between() {
        assert_eq!(middle([3.0, 1.0, 2.0].into_iter()), 2.0);
        assert_eq!(middle([3.0, 1.0, 2.0, 10.0].into_iter()), 2.5);
    }
}
