//! The evaluator of a search that trains: data set and recipe of its options, or of the study that it continues.

use super::{device, recipe};
use crate::cli::RecipeArgs;
use crate::data_set;
use crate::error::{Error, Result};
use crate::lock;
use mnas_dsl::Network;
use mnas_train::data::Data;
use mnas_train::device::Backend;
use mnas_train::{Pause, Setup, TrainingEvaluator};
use std::path::Path;

/// The evaluator of options and, if a study is continued, of the name of its evaluator: options that are not repeated keep
/// their values.
pub(crate) fn evaluator(
    from: Option<&Path>,
    args: &RecipeArgs,
    network: &Network,
    begun: Option<&str>,
) -> Result<TrainingEvaluator> {
    let begun = begun.and_then(Setup::parse);
    let from = match (from, &begun) {
        (Some(from), _) => from,
        (None, Some(setup)) if setup.is_of("digits") => Path::new("digits"),
        (None, _) => {
            return Err(Error::input("the study's networks were trained, but no data set is given")
                .hint("repeat the study's data by `--data`"));
        }
    };
    let held_out = match (&begun, args.held_out) {
        (Some(setup), None) => setup.held_out,
        _ => recipe::held_out(args)?,
    };
    let pictures = args.pictures.or(begun.as_ref().and_then(|setup| setup.pictures));
    let recipe = match (&begun, &args.recipe) {
        (Some(setup), None) => setup.recipe.clone(),
        _ => recipe::read(args)?,
    };
    let device = device::name(args)?.unwrap_or_else(|| begun.map_or(Backend::Cpu, |setup| setup.backend).into());
    let data = data_set::read(from, network)?;
    check_classes(&data, network)?;
    let evaluator = TrainingEvaluator::new(&data, held_out, pictures, recipe, Pause::new(lock::pass)).on(device);
    let evaluator = evaluator.map_err(device::absent)?;
    let (learnt, judging) = evaluator.counts();
    if judging == 0 || learnt < 2 {
        let (size, what) = if judging == 0 {
            ("larger", "none to evaluate networks on")
        } else {
            ("smaller", "fewer than two to learn from")
        };
        let what = format!("of {} pictures `--held-out {held_out}` leaves {what}", data.train.len());
        return Err(Error::input(what).hint(format!("give a {size} `--held-out`, or omit it")));
    }
    device::say(device, evaluator.device());
    Ok(evaluator)
}

/// Every trial would fail if the data had more classes than the networks.
fn check_classes(data: &Data, network: &Network) -> Result<()> {
    let most = data.train.labels.iter().chain(&data.test.labels).max().copied().map(usize::from);
    match (&network.head, most) {
        (Some(head), Some(most)) if most >= head.classes => Err(Error::input(format!(
            "networks of the space have {} classes, but the data has the label {most}, counted from 0",
            head.classes
        ))
        .hint(format!("write `head: {{classes: {}}}` in the space, or give other data", most + 1))),
        (None, _) => Err(Error::input("networks of the space have no classes (`head: none`)")
            .hint("give the space a `head: {classes: N}`")),
        _ => Ok(()),
    }
}
