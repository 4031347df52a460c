//! `mnasc bench SPEC`: how long the generated code takes.

use crate::cli::BenchArgs;
use crate::error::{Error, Result};
use crate::runner::{self, Runner};
use crate::{input, output};
use mnas_dsl::network::Shape;
use serde_json::{Value, json};

/// Times a network.
pub(crate) fn run(args: &BenchArgs) -> Result<()> {
    if args.threads != 1 {
        return Err(Error::input(format!("{} threads: an inference runs on one thread only, so far", args.threads))
            .hint("leave `--threads` away; networks are `Sync`, so that several threads can run one each"));
    }
    let (spec, network) = input::spec(&args.spec)?;
    let isa = runner::isa_or_best(args.isa.isa)?;
    let weights = input::weights_or_random(&args.weights, &network)?;
    let runner = Runner::build(&spec, &network, &weights, vec![isa], false)?;
    let image = random_image(network.input);
    let blocks =
        if args.profile { profile(&runner.profile(isa, image.clone(), args.runs)?, &runner) } else { Vec::new() };
    let mut times = runner.bench(isa, image, args.runs)?;
    times.sort_unstable();
    let [median, p90, min] = [quantile(&times, 0.5), quantile(&times, 0.9), quantile(&times, 0.0)].map(|ns| ns / 1e6);

    if args.json {
        let mut result = json!({
            "name": network.name,
            "median_ms": rounded(median),
            "p90_ms": rounded(p90),
            "min_ms": rounded(min),
            "threads": args.threads,
            "isa": isa.name,
            "runs": args.runs,
        });
        if args.profile {
            let blocks = blocks.iter().map(
                |b| json!({ "name": b.name, "median_us": b.median_us, "macs": b.macs, "gflops": rounded(b.gflops) }),
            );
            result["blocks"] = Value::Array(blocks.collect());
        }
        return output::print_json(&result);
    }
    let mut text = String::new();
    if args.profile {
        let width = blocks.iter().map(|block| block.name.len()).max().unwrap_or(0).max("block".len());
        text.push_str(&format!("{:width$}  {:>10}  {:>12}  {:>8}\n", "block", "us", "MACs", "GFLOP/s"));
        for Block { name, median_us, macs, gflops } in &blocks {
            text.push_str(&format!("{name:width$}  {median_us:>10.1}  {macs:>12}  {gflops:>8.1}\n"));
        }
    }
    text.push_str(&format!(
        "{}: median {median:.3} ms, p90 {p90:.3} ms, min {min:.3} ms ({}, 1 thread, {} runs)\n",
        network.name, isa.name, args.runs
    ));
    output::print(&text)
}

/// What a block takes.
struct Block {
    name: String,
    median_us: f64,
    macs: u64,
    /// Two operations a multiply-accumulate.
    gflops: f64,
}

fn profile(runs: &[Vec<u64>], runner: &Runner) -> Vec<Block> {
    let block = |(index, step): (usize, &mnas_codegen::plan::Step)| {
        let mut times: Vec<u64> = runs.iter().map(|run| run[index]).collect();
        times.sort_unstable();
        let median = quantile(&times, 0.5);
        let gflops = if median > 0.0 { 2.0 * step.macs as f64 / median } else { 0.0 };
        Block { name: step.name.clone(), median_us: median / 1e3, macs: step.macs, gflops }
    };
    runner.compiled.plan.steps.iter().enumerate().map(block).collect()
}

/// The value below which `part` of the sorted values lie, between two where it falls between them.
fn quantile(sorted: &[u64], part: f64) -> f64 {
    let at = part * sorted.len().saturating_sub(1) as f64;
    let value = |at: f64| sorted.get(at as usize).map_or(0.0, |&value| value as f64);
    let below = value(at.floor());
    below + (value(at.ceil()) - below) * at.fract()
}

/// To a millionth: of a millisecond that is what clocks count.
fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

/// An image of mean 0 and variance 1, the same each time.
pub(crate) fn random_image(shape: Shape) -> Vec<f32> {
    let mut state = 0_u64;
    let uniform = || {
        // SplitMix64 (Steele, Lea, Flood 2014).
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let unit = ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64;
        ((2.0 * unit - 1.0) * 3.0_f64.sqrt()) as f32
    };
    std::iter::repeat_with(uniform).take(shape.len()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_values() {
        assert_eq!(
            [0.0, 0.5, 0.9, 1.0].map(|part| quantile(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 21], part)),
            [1.0, 6.0, 10.0, 21.0]
        );
        assert_eq!(quantile(&[1, 2], 0.5), 1.5);
        assert_eq!(quantile(&[7], 0.9), 7.0);
    }

    #[test]
    fn images_have_mean_0_and_variance_1() {
        let image = random_image(Shape { height: 100, width: 100, channels: 3 });
        let moment = |power| image.iter().map(|v| f64::from(*v).powi(power)).sum::<f64>() / image.len() as f64;
        assert!(moment(1).abs() < 0.02 && (moment(2) - 1.0).abs() < 0.02);
    }
}
