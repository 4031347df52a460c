//! What was asked for, as the settings of a study.

use super::defaults::TRIALS;
use crate::cli::{Exponent, RewardName, SearchArgs};
use crate::error::{Error, Result};
use mnas_dsl::Space;
use mnas_dsl::printable;
use mnas_search::evaluator::{Evaluator, Stopwatch};
use mnas_search::job::Budget;
use mnas_search::reward::Reward;
use mnas_search::study::{Halving, Settings, WeightExponent};
use serde_json::Value;
use std::path::Path;

/// Networks by which it is seen whether accuracy ranks.
const RANKING: u32 = 8;

/// The settings of a study that begins.
pub(super) fn settings(
    args: &SearchArgs,
    space: &Space,
    text: String,
    evaluator: &dyn Evaluator,
    stopwatch: Option<&dyn Stopwatch>,
) -> Result<Settings> {
    let (reward, mut exponent) = reward(args)?.unwrap_or((Reward::Accuracy, WeightExponent::Given));
    let halving = halving(args);
    if halving.is_some() && args.epochs.is_none() {
        return Err(Error::input("successive halving needs to know how many epochs the lowest rung trains")
            .hint("add them, such as `--epochs 2`"));
    }
    // Who goes on is known by the reward, so it is fitted before.
    if let (Some(halving), WeightExponent::Fitted { first }) = (halving, &mut exponent) {
        *first = halving.bracket.min(*first);
    }
    Ok(Settings {
        space: text,
        sizes: space.sizes(),
        method: args.method.clone().unwrap_or_else(|| "evolution".to_owned()),
        seed: args.seed.unwrap_or(0),
        reward,
        exponent,
        evaluator: evaluator.name(),
        stopwatch: stopwatch.map(Stopwatch::name),
        budget: Budget { epochs: args.epochs },
        jobs: args.jobs.unwrap_or(u32::try_from(evaluator.jobs()).unwrap_or(1).max(1)),
        halving,
        ranking: (evaluator.is_noisy() && !args.no_ranking).then_some(args.ranking.unwrap_or(RANKING)),
        timeout: args.timeout,
    })
}

/// The halving that was asked for, if any was.
fn halving(args: &SearchArgs) -> Option<Halving> {
    let rungs = args.rungs.filter(|&rungs| rungs > 1)?;
    Some(Halving { rungs, eta: args.eta.unwrap_or(3), bracket: args.bracket.or(args.trials).unwrap_or(TRIALS) })
}

/// An exponent: above 0 it would look for slow networks, and far below it no reward
/// would be a number but for those that are just at T.
fn check_exponent(option: &str, value: Option<f64>) -> Result<()> {
    match value {
        Some(value) if !(-20.0..=0.0).contains(&value) => {
            Err(Error::input(format!("`--{option} {value}`: an exponent is from -20 to 0"))
                .hint("-0.07 is the MnasNet paper's; the further below 0, the more a slow network loses"))
        }
        _ => Ok(()),
    }
}

/// The reward that was asked for, if any was.
pub(super) fn reward(args: &SearchArgs) -> Result<Option<(Reward, WeightExponent)>> {
    let needs_target = |name: &str| {
        Error::input(format!("the reward `{name}` needs a target"))
            .hint("add `--target 25ms`, or frames a second, `--target 40fps`")
    };
    let given = |reward| Ok(Some((reward, WeightExponent::Given)));
    match (args.reward, args.alpha, args.beta) {
        (Some(RewardName::Absolute), _, Some(beta)) if !(beta < 0.0 && beta.is_finite()) => {
            return Err(Error::input(format!("`--beta {beta}`: of the reward `absolute` it is below 0")));
        }
        (Some(RewardName::Absolute), ..) | (_, _, None) => {}
        (Some(_), _, Some(_)) => {
            return Err(Error::input("`--beta` and a reward that has its own exponents").hint("leave one of them away"));
        }
        (None, None, Some(_)) => {
            return Err(Error::input("`--beta` is one of two exponents").hint("add `--alpha`, or `--reward absolute`"));
        }
        (None, Some(_), Some(_)) => {}
    }
    let Some(target) = args.target else {
        return match args.reward {
            None if args.w.is_some() => Err(needs_target("ACC * (LAT / T)^w")),
            None if args.alpha.is_some() => Err(needs_target("ACC * (LAT / T)^alpha or ^beta")),
            None => Ok(None),
            Some(RewardName::Accuracy) => given(Reward::Accuracy),
            Some(RewardName::Soft) => Err(needs_target("soft")),
            Some(RewardName::Hard) => Err(needs_target("hard")),
            Some(RewardName::Absolute) => Err(needs_target("absolute")),
        };
    };
    let weighted = |(alpha, beta): (f64, f64)| Reward::Weighted { target, alpha, beta };
    let w = match args.w {
        Some(Exponent::Is(w)) => Some(w),
        _ => None,
    };
    let beta = args.beta.filter(|_| args.reward != Some(RewardName::Absolute));
    for (option, value) in [("w", w), ("alpha", args.alpha), ("beta", beta)] {
        check_exponent(option, value)?;
    }
    match (args.reward, args.w, args.alpha.zip(args.beta)) {
        (Some(RewardName::Accuracy), ..) => {
            Err(Error::input("the reward `accuracy` has no target").hint("leave `--target` or `--reward` away"))
        }
        (Some(RewardName::Soft), ..) => given(weighted(Reward::SOFT)),
        (Some(RewardName::Hard), ..) => given(weighted(Reward::HARD)),
        (Some(RewardName::Absolute), ..) => {
            given(Reward::Absolute { target, beta: args.beta.unwrap_or(Reward::ABSOLUTE) })
        }
        (None, _, Some((alpha, beta))) => given(weighted((alpha, beta))),
        (None, Some(Exponent::Is(w)), None) => given(weighted((w, w))),
        (None, Some(Exponent::Auto) | None, None) => {
            Ok(Some((weighted(Reward::SOFT), WeightExponent::Fitted { first: args.first })))
        }
    }
}

/// What is given again has to be as it was.
pub(super) fn check_same(
    args: &SearchArgs,
    path: &Path,
    text: &str,
    begun: &Settings,
    evaluator: &dyn Evaluator,
) -> Result<()> {
    let differs = |what: &str| {
        Err(Error::input(format!("the study `{}` was begun with another {what}", path.display()))
            .hint("leave the option away to go on as it was begun, or begin another study"))
    };
    if text != begun.space {
        return Err(Error::input(format!("the space has changed since `{}` was begun", path.display()))
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
    if args.jobs.is_some_and(|jobs| jobs != begun.jobs) {
        return differs("number of jobs at once");
    }
    if args.rungs.is_some_and(|rungs| rungs != begun.halving.map_or(1, |halving| halving.rungs))
        || args.eta.is_some_and(|eta| begun.halving.is_none_or(|halving| halving.eta != eta))
        || args.bracket.is_some_and(|bracket| begun.halving.is_none_or(|halving| halving.bracket != bracket))
    {
        return differs("successive halving");
    }
    if args.ranking.is_some_and(|count| begun.ranking != Some(count)) || (args.no_ranking && begun.ranking.is_some()) {
        return differs("check of the ranking");
    }
    if evaluator.name() != begun.evaluator {
        let (was, hint) = in_words(&begun.evaluator);
        let what = format!("the study `{}` was begun with another evaluator: {was}", path.display());
        return Err(Error::input(what).hint(format!("{hint}, or begin another study")));
    }
    match reward(args)? {
        Some((reward, exponent)) if reward != begun.reward || !is_same(exponent, begun) => differs("reward"),
        _ => Ok(()),
    }
}

/// Whether an exponent that was asked for is that of a study, which fits no later than the best go on.
fn is_same(exponent: WeightExponent, begun: &Settings) -> bool {
    match (exponent, begun.halving) {
        (WeightExponent::Fitted { first }, Some(halving)) => {
            begun.exponent == WeightExponent::Fitted { first: first.min(halving.bracket) }
        }
        _ => exponent == begun.exponent,
    }
}

/// An evaluator by its name in a study, and how to have it again.
fn in_words(name: &str) -> (String, &'static str) {
    match name.split_once(' ') {
        Some(("train", setup)) => {
            let setup: Value = serde_json::from_str(setup).unwrap_or_default();
            let data = setup["data"].as_str().and_then(|data| data.rsplit_once(' ')).map_or("some data", |it| it.0);
            (
                format!("networks were trained on `{}`", printable(data)),
                "give the same data again by `--data`, and no other recipe",
            )
        }
        Some(("table", _)) => ("a table of other results".to_owned(), "give the same table again by `--table`"),
        Some(("command", line)) => {
            (format!("`--command '{}'`", printable(line)), "leave the option away to go on as it was begun")
        }
        _ => (format!("`--{}`", printable(name)), "leave the option away to go on as it was begun"),
    }
}
