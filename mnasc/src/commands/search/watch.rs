//! The progress of a search on the terminal, and its summary.

use super::defaults::{Places, TRIALS};
use crate::cli::SearchArgs;
use crate::describe::describe;
use crate::error::{Error, Result};
use crate::output;
use crate::study_error::search_error;
use mnas_dsl::printable;
use mnas_search::search::Search;
use mnas_search::study::{State, Trial};
use mnas_search::{pareto, ranking};
use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

/// The interval of progress lines where standard error is not a terminal.
const EVERY: Duration = Duration::from_secs(10);

/// Runs the search and prints its progress.
pub(super) fn run(search: &mut Search<'_>, args: &SearchArgs, places: &Places) -> Result<()> {
    let there = search.trials().iter().filter(|trial| trial.rung == 0).count() as u64;
    let all = args.trials.unwrap_or(TRIALS).max(there);
    let is_watched = std::io::stderr().is_terminal() && !args.json;
    let (start, before) = (Instant::now(), search.trials().len() as u64);
    if before > 0 {
        output::progress(&format!("resuming after {before} trials"));
    }
    let mut said = Meter { is_watched, last: None };
    check_ranking(search, args, &mut said)?;
    let start = if said.last.take().is_some() { Instant::now() } else { start };
    output::progress(&format!("reward: {}", search.reward_in_words()));
    let mut is_fitted = search.reward().is_some();
    let mut printed = Ok(());
    said.last = Some(start);
    let result = search.run(all, &mut |search| {
        if !is_fitted && search.reward().is_some() {
            is_fitted = true;
            output::status("");
            output::progress(&format!("reward: {}", search.reward_in_words()));
        }
        if args.json
            && printed.is_ok()
            && let Some(trial) = search.trials().last()
        {
            printed = serde_json::to_value(trial)
                .map_err(|error| Error::system(error.to_string()))
                .and_then(|trial| output::print_json(&trial));
        }
        said.say(|| line(search, all, before, start.elapsed(), false));
    });
    if is_watched {
        output::progress("");
    }
    result.map_err(search_error)?;
    printed?;
    if !args.json {
        output::print(&end(search, &line(search, all, before, start.elapsed(), true), places)?)?;
    }
    let trials = search.trials();
    if !trials.is_empty() && trials.iter().all(|trial| trial.state == State::Failed) {
        return Err(Error::system("no network could be evaluated")
            .hint(format!("`mnasc study list {}` shows the reasons", places.study.display())));
    }
    Ok(())
}

/// The summary of a search; `line` is its progress.
fn end(search: &Search<'_>, line: &str, places: &Places) -> Result<String> {
    let mut text = String::new();
    if let Some(noise) = search.rung_noise().map_err(search_error)? {
        text.push_str(&format!("{noise}\n"));
    }
    text.push_str(line);
    text.push('\n');
    if search.reward().is_none() {
        text.push_str(&format!("reward: {}\n", search.reward_in_words()));
    }
    if let Some(best) = best(search) {
        text.push_str(&format!("the best is trial {}: {}\n", best.number, describe(best)));
        if places.found.is_none() {
            text.push_str(&format!("`mnasc study best {} --to FOLDER` writes its spec\n", places.study.display()));
        }
    }
    let trials = search.trials();
    let failed: Vec<&Trial> = trials.iter().filter(|trial| trial.state == State::Failed).collect();
    if let Some(last) = failed.last() {
        let message = last.message.as_deref().unwrap_or_default();
        let first = printable(message.lines().next().unwrap_or_default());
        text.push_str(&format!("{} of {} trials failed; the last: {first}\n", failed.len(), trials.len()));
    }
    Ok(text)
}

/// Checks whether accuracy ranks networks, where the study wants to know, and prints the result: as the first line of
/// the output or, with `--json`, on standard error.
fn check_ranking(search: &mut Search<'_>, args: &SearchArgs, said: &mut Meter) -> Result<()> {
    if search.study().settings().ranking.is_none() {
        return Ok(());
    }
    if search.ranking().map_err(search_error)?.is_none() {
        output::progress("checking whether accuracy ranks networks: training a few of them with two seeds each");
        let result = search.check_ranking(&mut |done, all| said.say(|| format!("{done} of {all} trainings")));
        if said.is_watched {
            output::status("");
        }
        result.map_err(search_error)?;
    }
    if let Some(ranking) = search.ranking().map_err(search_error)? {
        let line = ranking.to_string();
        if !args.json {
            return output::print(&format!("{line}\n"));
        }
        output::progress(&line);
    }
    Ok(())
}

/// Prints progress, often to a terminal and rarely to a file.
struct Meter {
    is_watched: bool,
    last: Option<Instant>,
}

impl Meter {
    fn say(&mut self, line: impl FnOnce() -> String) {
        let pause = if self.is_watched { Duration::from_millis(50) } else { EVERY };
        if self.last.is_some_and(|last| last.elapsed() < pause) {
            return;
        }
        self.last = Some(Instant::now());
        if self.is_watched {
            output::status(&line());
        } else {
            output::progress(&line());
        }
    }
}

/// The progress of a search in one line.
fn line(search: &Search<'_>, all: u64, before: u64, elapsed: Duration, is_over: bool) -> String {
    let trials = search.trials();
    let done = trials.iter().filter(|trial| trial.rung == 0).count() as u64;
    let mut line = format!("{done} of {all} trials");
    if let Some(halving) = search.study().settings().halving {
        for rung in 1..halving.rungs {
            let count = trials.iter().filter(|trial| trial.rung == rung).count();
            line.push_str(&format!(", {count} on rung {rung}"));
        }
    }
    if let Some((best, reward)) = best(search).and_then(|best| Some((best, best.reward?))) {
        line.push_str(&format!(", best {reward:.4} (trial {})", best.number));
    }
    let shown = ranking::finalists(trials);
    let points: Vec<(f64, f64)> = shown.iter().filter_map(|&at| trials[at].point()).collect();
    if !points.is_empty() {
        line.push_str(&format!(", {} on the front", pareto::front(&points).len()));
    }
    let (spent, left) = effort(search, all, before);
    if !is_over && spent > 0.0 && left > 0.0 {
        line.push_str(&format!(", {:.0} s left", (elapsed.as_secs_f64() / spent * left).ceil()));
    }
    line
}

/// The work of this run that is done, and an estimate of what remains, in trials of the lowest rung.
fn effort(search: &Search<'_>, all: u64, before: u64) -> (f64, f64) {
    let halving = search.study().settings().halving;
    let cost = |rung: u32| halving.map_or(1.0, |halving| f64::from(halving.eta).powi(rung as i32));
    let of = |trials: &[Trial]| trials.iter().map(|trial| cost(trial.rung)).sum::<f64>();
    let (done, spent) = (of(search.trials()), of(&search.trials()[before as usize..]));
    // Each rung has 1 / eta of the trials of the rung below, each eta times as long.
    let rungs = halving.map_or(1, |halving| if all >= halving.bracket { halving.rungs } else { 1 });
    (spent, all as f64 * f64::from(rungs) - done)
}

/// The best network.
fn best<'s>(search: &'s Search<'_>) -> Option<&'s Trial> {
    let trials = search.trials();
    let reward = search.study().settings().reward_so_far(trials);
    ranking::ranked(trials, reward, search.noise()).first().map(|&at| &trials[at])
}
