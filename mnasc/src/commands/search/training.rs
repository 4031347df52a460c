//! Evaluators that train networks.

use crate::cli::SearchArgs;
use crate::error::Result;
use mnas_dsl::Space;
use mnas_search::evaluator::{Evaluator, TRAINS};
use mnas_search::study::Settings;

/// Whether networks are trained: the arguments say so, or the study does and the arguments name no other evaluator.
pub(super) fn is_wanted(args: &SearchArgs, begun: Option<&Settings>) -> bool {
    let is_other = args.command.is_some() || args.table.is_some() || args.synthetic;
    args.data.is_some() || (!is_other && begun.is_some_and(|settings| settings.evaluator.starts_with(TRAINS)))
}

/// The evaluator that trains.
#[cfg(feature = "train")]
pub(super) fn of(args: &SearchArgs, space: &Space, begun: Option<&Settings>) -> Result<Box<dyn Evaluator>> {
    use crate::commands::train::judge;
    // All members of a space have the same input.
    let (_, network) = space.member(&vec![0; space.choices().len()])?;
    let begun = begun.map(|settings| settings.evaluator.as_str());
    Ok(Box::new(judge::evaluator(args.data.as_deref(), &args.how, &network, begun)?))
}

/// An error that says how to get a mnasc that trains.
#[cfg(not(feature = "train"))]
pub(super) fn of(_: &SearchArgs, _: &Space, _: Option<&Settings>) -> Result<Box<dyn Evaluator>> {
    Err(crate::commands::train::absent())
}
