//! Warm inferences, round by round.

use super::{Contest, OURS, difference, middle};
use crate::cli::Engine;
use crate::commands::bench::rounded;
use crate::error::Result;
use crate::output;
use crate::quantile::median;
use crate::runner::Runner;
use serde_json::{Map, Value, json};

/// Median milliseconds of each engine, mnas first.
struct Round(Vec<f64>);

impl Round {
    /// mnas's median over that of the fastest other engine.
    fn ratio(&self) -> f64 {
        self.0[0] / self.0[1..].iter().copied().fold(f64::INFINITY, f64::min)
    }
}

/// Checks that the outputs of all engines agree, and times them.
pub(super) fn run(contest: &Contest<'_>, ours: &Runner) -> Result<()> {
    let differences = check(contest, ours)?;
    let names: Vec<&str> = [OURS].into_iter().chain(contest.engines.iter().map(|engine| engine.name())).collect();
    let header = row("round", names.iter().map(|name| format!("{name} ms")), "ratio");
    contest.say(&format!("{}\n{}\n\n{header}", contest.heading(), contest.agreement(&differences)))?;
    let cells = |round: &Round| round.0.iter().map(|ms| format!("{ms:.3}")).collect::<Vec<_>>();
    let mut rounds = Vec::new();
    for index in 0..contest.args.rounds as usize {
        let round = time(contest, ours, index)?;
        contest.say(&row(&(index + 1).to_string(), cells(&round).into_iter(), &format!("{:.3}", round.ratio())))?;
        rounds.push(round);
    }

    let medians = Round((0..names.len()).map(|i| middle(rounds.iter().map(|round| round.0[i]))).collect());
    let ratio = middle(rounds.iter().map(Round::ratio));
    let [best, worst] = [f64::min, f64::max].map(|of| rounds.iter().map(Round::ratio).reduce(of).unwrap_or(ratio));
    if contest.args.json {
        let named = |round: &Round| -> Map<String, Value> {
            names.iter().zip(&round.0).map(|(name, ms)| ((*name).to_owned(), json!(rounded(*ms)))).collect()
        };
        let mut result = contest.value(&differences);
        result["runs"] = json!(contest.args.runs);
        let rounds = rounds.iter().map(|round| json!({ "median_ms": named(round), "ratio": rounded(round.ratio()) }));
        result["rounds"] = Value::Array(rounds.collect());
        result["median_ms"] = json!(named(&medians));
        result["ratio"] = json!(rounded(ratio));
        result["ratio_range"] = json!([rounded(best), rounded(worst)]);
        return output::print_json(&result);
    }
    let last = row("median", cells(&medians).into_iter(), &format!("{ratio:.3}"));
    output::print(&format!(
        "{last}\n{OURS} / fastest of the others: {ratio:.3} ({best:.3} to {worst:.3}); below 1 {OURS} is faster\n"
    ))
}

/// Runs every engine once. Returns the difference of each output from mnas's, relative to the largest value.
fn check(contest: &Contest<'_>, ours: &Runner) -> Result<Vec<f64>> {
    let outputs = ours.infer(contest.isa, std::slice::from_ref(&contest.image))?;
    let expected = contest.as_planes(outputs.concat());
    let compare = |&engine: &Engine| Ok(difference(&contest.peers.time(engine, 0)?.0, &expected));
    let differences: Vec<f64> = contest.engines.iter().map(compare).collect::<Result<_>>()?;
    contest.agree(&differences)?;
    Ok(differences)
}

/// Times every engine. The first engine changes with each round, so that none always follows the same one.
fn time(contest: &Contest<'_>, ours: &Runner, index: usize) -> Result<Round> {
    let count = contest.engines.len() + 1;
    let mut medians = vec![0.0; count];
    for turn in (0..count).map(|turn| (index + turn) % count) {
        let runs = contest.args.runs;
        let times = match turn {
            0 => ours.bench(contest.isa, contest.image.clone(), runs)?,
            peer => contest.peers.time(contest.engines[peer - 1], runs)?.1,
        };
        let times: Vec<f64> = times.into_iter().map(|ns| ns as f64).collect();
        medians[turn] = median(&times) / 1e6;
    }
    Ok(Round(medians))
}

fn row(first: &str, cells: impl Iterator<Item = String>, last: &str) -> String {
    let cells: Vec<String> = cells.map(|cell| format!("{cell:>14}")).collect();
    format!("{first:>6}  {}  {last:>6}\n", cells.join("  "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ratio_is_to_the_fastest_peer() {
        assert_eq!(Round(vec![3.0, 6.0, 4.0]).ratio(), 0.75);
        assert_eq!(Round(vec![3.0, 2.0]).ratio(), 1.5);
    }
}
