//! Values of arguments that are not given: those of the space, and names that follow from the space's.

use crate::cli::{RewardName, SearchArgs};
use crate::error::Result;
use crate::input;
use crate::study_error::study_error;
use mnas_dsl::Space;
use mnas_search::findings::ASKED;
use mnas_search::study::Study;
use std::path::{Path, PathBuf};

/// The number of trials where neither the arguments nor the space have one.
pub(super) const TRIALS: u64 = 100;

/// The files of a search.
pub(super) struct Places {
    /// The study.
    pub(super) study: PathBuf,
    /// The folder for the results, if they are written.
    pub(super) found: Option<PathBuf>,
}

/// The files of a search. Without `--study` the results are written too.
pub(super) fn places(args: &SearchArgs, space: &Space) -> Result<Places> {
    if let Some(study) = &args.study {
        return Ok(Places { study: study.clone(), found: args.to.clone() });
    }
    let (spec, _) = space.member(&vec![0; space.choices().len()])?;
    let name = spec.name.value;
    let found = args.to.clone().unwrap_or_else(|| PathBuf::from(format!("{name}_found")));
    Ok(Places { study: PathBuf::from(format!("{name}.study")), found: Some(found) })
}

/// The arguments, completed by the space's values. A resumed search takes only the number of trials, and T if the
/// arguments repeat its reward: everything else is in the study. Where networks are not evaluated on the space's data,
/// its epochs and its target latency do not apply.
pub(super) fn completed(args: &SearchArgs, space: &Space, begun: Option<&Study>) -> Result<SearchArgs> {
    let usual = space.usual();
    let mut args = args.clone();
    let asked = match begun {
        Some(study) => study.finding(ASKED).map_err(study_error)?,
        None => None,
    };
    args.trials = args.trials.or(asked).or(usual.trials.and_then(|it| u64::try_from(it).ok()));
    let says_reward = args.w.is_some() || args.alpha.is_some() || args.beta.is_some() || args.reward.is_some();
    if let Some(study) = begun {
        // T belongs to the reward that is repeated.
        if says_reward && args.reward != Some(RewardName::Accuracy) {
            args.target = args.target.or(study.settings().target());
        }
        return Ok(args);
    }
    let Some(data) = &usual.data else { return Ok(args) };
    let is_other = args.data.as_deref().is_some_and(|asked| asked != Path::new(data));
    if is_other || args.command.is_some() || args.table.is_some() || args.synthetic {
        return Ok(args);
    }
    args.data = Some(Path::new(data).to_owned());
    args.epochs = args.epochs.or(usual.epochs.and_then(|it| u32::try_from(it).ok()));
    if args.target.is_none()
        && args.reward != Some(RewardName::Accuracy)
        && let Some(target) = &usual.target
    {
        args.target = Some(input::target(&args.space, target)?);
    }
    Ok(args)
}
