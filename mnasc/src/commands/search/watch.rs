//! What a search says while it runs, and of its trials.

use super::search_error;
use crate::cli::SearchArgs;
use crate::error::{Error, Result};
use crate::output;
use mnas_search::pareto;
use mnas_search::search::Search;
use mnas_search::study::Trial;
use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

/// How often a search that nobody watches says how far it is.
const EVERY: Duration = Duration::from_secs(10);

/// Runs the search, and says what it does.
pub(super) fn run(search: &mut Search<'_>, args: &SearchArgs) -> Result<()> {
    let is_watched = std::io::stderr().is_terminal() && !args.json;
    let (start, before) = (Instant::now(), search.trials().len() as u64);
    if before > 0 {
        output::progress(&format!("going on behind {before} trials"));
    }
    match search.reward() {
        Some(reward) => output::progress(&format!("reward: {reward}")),
        None => {
            output::progress(&format!("reward: ACC * (LAT / T)^w, w is fitted from the first {} trials", args.first))
        }
    }
    let (mut said, mut is_fitted) = (start, search.reward().is_some());
    let mut printed = Ok(());
    let result = search.run(args.trials, &mut |search| {
        if let (false, Some(reward)) = (is_fitted, search.reward()) {
            is_fitted = true;
            output::status("");
            output::progress(&format!("reward: {reward}"));
        }
        if args.json
            && printed.is_ok()
            && let Some(trial) = search.trials().last()
        {
            printed = serde_json::to_value(trial)
                .map_err(|error| Error::system(error.to_string()))
                .and_then(|trial| output::print_json(&trial));
        }
        if is_watched || said.elapsed() >= EVERY {
            said = Instant::now();
            let line = line(search.trials(), args.trials, before, start.elapsed());
            if is_watched {
                output::status(&line);
            } else {
                output::progress(&line);
            }
        }
    });
    if is_watched {
        output::progress("");
    }
    result.map_err(search_error)?;
    printed?;
    if args.json {
        return Ok(());
    }
    let trials = search.trials();
    let mut text = line(trials, args.trials, before, start.elapsed());
    text.push('\n');
    if let Some(best) = best(trials) {
        text.push_str(&format!("the best is trial {}: {}\n", best.number, describe(best)));
        text.push_str(&format!("`mnasc study best {} --to FOLDER` writes its spec\n", args.study.display()));
    }
    output::print(&text)
}

/// How far a search is.
fn line(trials: &[Trial], all: u64, before: u64, elapsed: Duration) -> String {
    let done = trials.len() as u64;
    let mut line = format!("{done} of {all} trials");
    if let Some(best) = best(trials) {
        line.push_str(&format!(", best {:.4} (trial {})", best.reward.unwrap_or(0.0), best.number));
    }
    let points: Vec<(f64, f64)> = trials.iter().filter_map(Trial::point).collect();
    if !points.is_empty() {
        line.push_str(&format!(", {} on the front", pareto::front(&points).len()));
    }
    if done > before && done < all {
        let left = elapsed.as_secs_f64() / (done - before) as f64 * (all - done) as f64;
        line.push_str(&format!(", {:.0} s left", left.ceil()));
    }
    line
}

/// The first trial of the highest reward.
fn best(trials: &[Trial]) -> Option<&Trial> {
    let known = trials.iter().filter(|trial| trial.reward.is_some_and(f64::is_finite));
    known.reduce(|best, trial| if trial.reward > best.reward { trial } else { best })
}

/// A trial in a line.
pub(in crate::commands) fn describe(trial: &Trial) -> String {
    let mut parts = Vec::new();
    if let Some(reward) = trial.reward {
        parts.push(format!("reward {reward:.4}"));
    }
    if let Some(accuracy) = trial.accuracy {
        parts.push(format!("accuracy {accuracy:.4}"));
    }
    if let Some(latency) = trial.latency {
        let note = if latency.is_stable { "" } else { ", unstable" };
        parts.push(format!("{:.4} ms ({:.4} to {:.4}{note})", latency.ms, latency.low, latency.high));
    }
    parts.push(format!("{} parameters", trial.parameters));
    parts.push(format!("{} multiply-accumulates", trial.macs));
    if let Some(earlier) = trial.same_as {
        parts.push(format!("the network of trial {earlier}"));
    }
    if let Some(message) = &trial.message {
        parts.push(format!("failed: {}", message.lines().next().unwrap_or("")));
    }
    parts.join(", ")
}
