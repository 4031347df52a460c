//! The settings of a study from the arguments of a search.

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

/// The number of networks that check whether accuracy ranks.
const RANKING: u32 = 8;

/// The settings of a new study.
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
        return Err(Error::input("successive halving needs the number of epochs of the lowest rung")
            .hint("add it, such as `--epochs 2`"));
    }
    // Promotion needs the reward, so its exponent is fitted before.
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

/// Successive halving of the arguments, if it is used.
fn halving(args: &SearchArgs) -> Option<Halving> {
    let rungs = args.rungs.filter(|&rungs| rungs > 1)?;
    Some(Halving { rungs, eta: args.eta.unwrap_or(3), bracket: args.bracket.or(args.trials).unwrap_or(TRIALS) })
}

/// Checks an exponent: above 0 the search would prefer slow networks, and far below 0 the reward of all networks but
/// those near T would underflow.
fn check_exponent(option: &str, value: Option<f64>) -> Result<()> {
    match value {
        Some(value) if !(-20.0..=0.0).contains(&value) => {
            Err(Error::input(format!("invalid `--{option} {value}`: expected an exponent from -20 to 0"))
                .hint("the MnasNet paper uses -0.07; the further below 0, the more a slow network loses"))
        }
        _ => Ok(()),
    }
}

/// The reward of the arguments, if they have one.
pub(super) fn reward(args: &SearchArgs) -> Result<Option<(Reward, WeightExponent)>> {
    let needs_target = |name: &str| {
        Error::input(format!("the reward `{name}` needs a target"))
            .hint("add `--target 25ms`, or frames a second, `--target 40fps`")
    };
    let given = |reward| Ok(Some((reward, WeightExponent::Given)));
    match (args.reward, args.alpha, args.beta) {
        (Some(RewardName::Absolute), _, Some(beta)) if !(beta < 0.0 && beta.is_finite()) => {
            return Err(Error::input(format!("invalid `--beta {beta}`: the reward `absolute` needs one below 0")));
        }
        (Some(RewardName::Absolute), ..) | (_, _, None) => {}
        (Some(_), _, Some(_)) => {
            return Err(Error::input("`--beta` cannot be used with a reward that has its own exponents")
                .hint("remove one of them"));
        }
        (None, None, Some(_)) => {
            return Err(
                Error::input("`--beta` needs the other exponent too").hint("add `--alpha`, or `--reward absolute`")
            );
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
            Err(Error::input("the reward `accuracy` has no target").hint("remove `--target` or `--reward`"))
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

/// Arguments that repeat a setting of the study must not change it.
pub(super) fn check_same(
    args: &SearchArgs,
    path: &Path,
    text: &str,
    begun: &Settings,
    evaluator: &dyn Evaluator,
) -> Result<()> {
    let differs = |what: &str| {
        Err(Error::input(format!("the study `{}` has another {what}", path.display()))
            .hint("remove the option to continue the study unchanged, or start another study"))
    };
    if text != begun.space {
        return Err(Error::input(format!("the space has changed since `{}` was created", path.display()))
            .hint("restore it, or start another study"));
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
        let what = format!("the study `{}` has another evaluator: {was}", path.display());
        return Err(Error::input(what).hint(format!("{hint}, or start another study")));
    }
    match reward(args)? {
        Some((reward, exponent)) if reward != begun.reward || !is_same(exponent, begun) => differs("reward"),
        _ => Ok(()),
    }
}

/// Whether an exponent of the arguments is that of a study, which fits it before the first promotion.
fn is_same(exponent: WeightExponent, begun: &Settings) -> bool {
    match (exponent, begun.halving) {
        (WeightExponent::Fitted { first }, Some(halving)) => {
            begun.exponent == WeightExponent::Fitted { first: first.min(halving.bracket) }
        }
        _ => exponent == begun.exponent,
    }
}

/// An evaluator by its name in a study, and how to give it again.
fn in_words(name: &str) -> (String, &'static str) {
    match name.split_once(' ') {
        Some(("train", setup)) => {
            let setup: Value = serde_json::from_str(setup).unwrap_or_default();
            let data = setup["data"].as_str().and_then(|data| data.rsplit_once(' ')).map_or("some data", |it| it.0);
            (
                format!("networks were trained on `{}`", printable(data)),
                "give the same data by `--data`, with the same recipe",
            )
        }
        Some(("table", _)) => ("a table with other results".to_owned(), "give the same table by `--table`"),
        Some(("command", line)) => {
            (format!("`--command '{}'`", printable(line)), "remove the option to continue the study unchanged")
        }
        _ => (format!("`--{}`", printable(name)), "remove the option to continue the study unchanged"),
    }
}
