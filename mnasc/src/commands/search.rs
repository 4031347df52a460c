//! `mnasc search SPACE`

use crate::cli::{Exponent, RewardName, SearchArgs};
use crate::error::{Error, Result};
use crate::{input, output};
use mnas_dsl::Space;
use mnas_search::evaluator::{Command, Evaluator, Synthetic, Table};
use mnas_search::job::Budget;
use mnas_search::pareto;
use mnas_search::reward::Reward;
use mnas_search::search::{Search, SearchError};
use mnas_search::study::{Access, Settings, Study, StudyError, Trial, WeightExponent};
use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

/// A table of results has at most so many bytes.
const TABLE_LIMIT: u64 = 1 << 30;

/// How often a search that nobody watches says how far it is.
const EVERY: Duration = Duration::from_secs(10);

/// Begins or goes on.
pub(crate) fn run(args: &SearchArgs) -> Result<()> {
    let (space, text) = input::space(&args.space)?;
    let is_there = args.study.exists();
    if is_there && !args.resume {
        return Err(Error::input(format!("`{}` is there already", args.study.display()))
            .hint("add `--resume` to go on with it, or name another file"));
    }
    let study = match is_there {
        true => Some(Study::open(&args.study, Access::Search).map_err(study_error)?),
        false => None,
    };
    let evaluator = evaluator(args, &space, study.as_ref().map(Study::settings))?;
    let mut search = match study {
        Some(study) => {
            check_same(args, &text, study.settings(), &*evaluator)?;
            Search::resume(study, Some(&space), &*evaluator, None)
        }
        None => {
            let settings = settings(args, &space, text, &*evaluator)?;
            Search::begin(&args.study, &settings, Some(&space), &*evaluator, None)
        }
    }
    .map_err(search_error)?;
    watch(&mut search, args)
}

/// Runs the search, and says what it does.
fn watch(search: &mut Search<'_>, args: &SearchArgs) -> Result<()> {
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
pub(super) fn describe(trial: &Trial) -> String {
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

fn evaluator(args: &SearchArgs, space: &Space, begun: Option<&Settings>) -> Result<Box<dyn Evaluator>> {
    if let Some(path) = &args.table {
        let bytes = input::read(path, TABLE_LIMIT)?
            .ok_or_else(|| Error::input(format!("`{}` has more than {} MB", path.display(), TABLE_LIMIT >> 20)))?;
        let text = String::from_utf8_lossy(&bytes);
        let table = Table::parse(&text, space.choices().len());
        let table = table.map_err(|error| Error::input(format!("`{}`: {error}", path.display())))?;
        return Ok(Box::new(table));
    }
    // What was begun with a command goes on with it.
    let name = begun.map(|settings| settings.evaluator.as_str()).unwrap_or_default();
    match (&args.command, args.synthetic) {
        (Some(line), _) => Ok(Box::new(Command::new(line))),
        (None, true) => Ok(Box::new(Synthetic)),
        (None, false) if name == Synthetic.name() => Ok(Box::new(Synthetic)),
        (None, false) => match name.strip_prefix("command ") {
            Some(line) => Ok(Box::new(Command::new(line))),
            None => Err(Error::input("nothing says how good a network is")
                .hint("give `--command LINE`, `--table FILE` or, to try the space, `--synthetic`")),
        },
    }
}

fn settings(args: &SearchArgs, space: &Space, text: String, evaluator: &dyn Evaluator) -> Result<Settings> {
    let (reward, exponent) = reward(args)?.unwrap_or((Reward::Accuracy, WeightExponent::Given));
    Ok(Settings {
        space: text,
        sizes: space.sizes(),
        method: args.method.clone().unwrap_or_else(|| "evolution".to_owned()),
        seed: args.seed.unwrap_or(0),
        reward,
        exponent,
        evaluator: evaluator.name(),
        stopwatch: None,
        budget: Budget { epochs: args.epochs },
    })
}

/// The reward that was asked for, if any was.
fn reward(args: &SearchArgs) -> Result<Option<(Reward, WeightExponent)>> {
    let needs_target = |name: &str| {
        Error::input(format!("the reward `{name}` needs a target"))
            .hint("add `--target 25ms`, or frames a second, `--target 40fps`")
    };
    let given = |reward| Ok(Some((reward, WeightExponent::Given)));
    let Some(target) = args.target else {
        return match args.reward {
            None => Ok(None),
            Some(RewardName::Accuracy) => given(Reward::Accuracy),
            Some(RewardName::Soft) => Err(needs_target("soft")),
            Some(RewardName::Hard) => Err(needs_target("hard")),
            Some(RewardName::Absolute) => Err(needs_target("absolute")),
        };
    };
    let weighted = |(alpha, beta): (f64, f64)| Reward::Weighted { target, alpha, beta };
    match (args.reward, args.w, args.alpha.zip(args.beta)) {
        (Some(RewardName::Accuracy), ..) => {
            Err(Error::input("the reward `accuracy` has no target").hint("leave `--target` or `--reward` away"))
        }
        (Some(RewardName::Soft), ..) => given(weighted(Reward::SOFT)),
        (Some(RewardName::Hard), ..) => given(weighted(Reward::HARD)),
        (Some(RewardName::Absolute), ..) => given(Reward::Absolute { target, beta: Reward::ABSOLUTE }),
        (None, _, Some((alpha, beta))) if alpha.is_finite() && beta.is_finite() => given(weighted((alpha, beta))),
        (None, _, Some(_)) => Err(Error::input("alpha and beta are finite numbers")),
        (None, Some(Exponent::Is(w)), None) => given(weighted((w, w))),
        (None, Some(Exponent::Auto) | None, None) => {
            Ok(Some((weighted(Reward::SOFT), WeightExponent::Fitted { first: args.first })))
        }
    }
}

/// What is given again has to be as it was.
fn check_same(args: &SearchArgs, text: &str, begun: &Settings, evaluator: &dyn Evaluator) -> Result<()> {
    let differs = |what: &str| {
        Err(Error::input(format!("the study `{}` was begun with another {what}", args.study.display()))
            .hint("leave the option away to go on as it was begun, or begin another study"))
    };
    if text != begun.space {
        return Err(Error::input(format!("the space has changed since `{}` was begun", args.study.display()))
            .hint("bring it back, or begin another study"));
    }
    if args.method.as_ref().is_some_and(|method| *method != begun.method) {
        return differs("method");
    }
    if args.seed.is_some_and(|seed| seed != begun.seed) {
        return differs("seed");
    }
    if args.epochs.is_some() && args.epochs != begun.budget.epochs {
        return differs("number of epochs");
    }
    if evaluator.name() != begun.evaluator {
        return differs("evaluator");
    }
    match reward(args)? {
        Some(reward) if reward != (begun.reward, begun.exponent) => differs("reward"),
        _ => Ok(()),
    }
}

/// A study that cannot be used.
pub(super) fn study_error(error: StudyError) -> Error {
    let text = error.to_string();
    match error {
        StudyError::Exists(_) => Error::input(text).hint("add `--resume` to go on with it"),
        StudyError::InUse(_) => Error::system(text).hint("wait until it is done, or stop it; nothing of it is lost"),
        StudyError::Foreign(_) => Error::input(text),
        StudyError::Damaged(_) => Error::input(text).hint("take a copy of it from before, or begin another study"),
        StudyError::System(_) => Error::system(text),
    }
}

fn search_error(error: SearchError) -> Error {
    match error {
        SearchError::Study(error) => study_error(error),
        SearchError::Input(text) => Error::input(text),
        SearchError::Evaluator(text) => {
            Error::system(text).hint("every finished trial is in the study; `--resume` goes on with it")
        }
    }
}
