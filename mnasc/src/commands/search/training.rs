//! Judging networks by training them.

use crate::cli::SearchArgs;
use crate::error::Result;
use mnas_dsl::Space;
use mnas_search::evaluator::{Evaluator, TRAINS};
use mnas_search::study::Settings;

/// Whether networks are to be trained: it was asked for, or the study was begun so and nothing else is asked for.
pub(super) fn is_wanted(args: &SearchArgs, begun: Option<&Settings>) -> bool {
    let is_other = args.command.is_some() || args.table.is_some() || args.synthetic;
    args.data.is_some() || (!is_other && begun.is_some_and(|settings| settings.evaluator.starts_with(TRAINS)))
}

/// What trains.
#[cfg(feature = "train")]
pub(super) fn of(args: &SearchArgs, space: &Space, begun: Option<&Settings>) -> Result<Box<dyn Evaluator>> {
    use crate::commands::train::judge;
    // All members of a space take the same pictures.
    let (_, network) = space.member(&vec![0; space.choices().len()])?;
    let begun = begun.map(|settings| settings.evaluator.as_str());
    Ok(Box::new(judge::evaluator(args.data.as_deref(), &args.how, &network, begun)?))
}

/// Says how to get what trains.
#[cfg(not(feature = "train"))]
pub(super) fn of(_: &SearchArgs, _: &Space, _: Option<&Settings>) -> Result<Box<dyn Evaluator>> {
    Err(crate::commands::train::absent())
}
