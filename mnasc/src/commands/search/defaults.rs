//! What arguments leave away: as the space says, and names that follow from the space's.

use crate::cli::{RewardName, SearchArgs};
use crate::error::Result;
use crate::input;
use crate::study_error::study_error;
use mnas_dsl::Space;
use mnas_search::findings::ASKED;
use mnas_search::study::Study;
use std::path::{Path, PathBuf};

/// Trials where neither the arguments nor the space say how many.
pub(super) const TRIALS: u64 = 100;

/// Where a search keeps what it finds.
pub(super) struct Places {
    /// The study.
    pub(super) study: PathBuf,
    /// The folder for what is found in the end, where there is to be one.
    pub(super) found: Option<PathBuf>,
}

/// The files of a search. Who names no study gets what is found written, too.
pub(super) fn places(args: &SearchArgs, space: &Space) -> Result<Places> {
    if let Some(study) = &args.study {
        return Ok(Places { study: study.clone(), found: args.to.clone() });
    }
    let (spec, _) = space.member(&vec![0; space.choices().len()])?;
    let name = spec.name.value;
    let found = args.to.clone().unwrap_or_else(|| PathBuf::from(format!("{name}_found")));
    Ok(Places { study: PathBuf::from(format!("{name}.study")), found: Some(found) })
}

/// The arguments with the space's own in place of those that were left away; of a search that goes on, which is as it was
/// begun, only the number of trials, and T where its reward is said again. One who judges networks by something else than
/// the space's data has other epochs, and may have another latency in mind.
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
        // T goes with the reward that is said again.
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
