//! The recipe, from a file and from options.

use crate::cli::{OptimizerName, RecipeArgs, TrainArgs};
use crate::error::{Error, Result};
use crate::input;
use mnas_train::Recipe;
use mnas_train::recipe::Optimizer;

/// Most bytes of a recipe file.
const LIMIT: u64 = 1 << 16;

/// Default share of the pictures that is held out.
const HELD_OUT: f64 = 0.2;

/// The recipe of a file, or the default.
pub(crate) fn read(args: &RecipeArgs) -> Result<Recipe> {
    let Some(path) = &args.recipe else { return Ok(Recipe::default()) };
    let too_large =
        || Error::input(format!("`{}` has more than {} kB; expected a recipe file", path.display(), LIMIT >> 10));
    let bytes = input::read(path, LIMIT)?.ok_or_else(too_large)?;
    let text = String::from_utf8_lossy(&bytes);
    Recipe::parse(&text).map_err(|error| {
        Error::input(format!("`{}`: {error}", path.display())).hint("`mnasc train --help` shows a whole recipe")
    })
}

/// The share of `--held-out`.
pub(crate) fn held_out(args: &RecipeArgs) -> Result<f64> {
    match args.held_out.unwrap_or(HELD_OUT) {
        share if (0.0..1.0).contains(&share) => Ok(share),
        share => Err(Error::input(format!("`--held-out {share}` is out of range; expected a share from 0 to below 1"))),
    }
}

/// The recipe of `mnasc train`.
pub(super) fn of(args: &TrainArgs) -> Result<Recipe> {
    let file = read(&args.how)?;
    let optimizer = match args.optimizer {
        Some(OptimizerName::Sgd) => Optimizer::SGD,
        Some(OptimizerName::Rmsprop) => Optimizer::RMS_PROP,
        None => file.optimizer,
    };
    // The two optimizers need different learning rates.
    let is_other = std::mem::discriminant(&optimizer) != std::mem::discriminant(&file.optimizer);
    let rate = if is_other { optimizer.usual_rate() } else { file.learning_rate };
    let recipe = Recipe {
        epochs: args.epochs.unwrap_or(file.epochs),
        batch: args.batch.map_or(file.batch, |batch| batch as usize),
        learning_rate: args.lr.unwrap_or(rate),
        // The recipe's own optimizer keeps its constants.
        optimizer: if is_other { optimizer } else { file.optimizer },
        ..file
    };
    recipe.check().map_err(|error| Error::input(format!("the recipe is not valid: {error}")))?;
    Ok(recipe)
}
