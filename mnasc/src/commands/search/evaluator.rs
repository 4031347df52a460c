//! The evaluator of a search.

use super::training;
use crate::cli::SearchArgs;
use crate::error::{Error, Result};
use crate::{input, output};
use mnas_dsl::Space;
use mnas_dsl::printable;
use mnas_search::evaluator::{Command, Evaluator, Synthetic, Table};
use mnas_search::study::Settings;
use std::path::Path;
use std::time::Duration;

/// The largest size of a table of results in bytes.
const TABLE_LIMIT: u64 = 1 << 30;

/// The evaluator of the arguments, or that of the study.
pub(super) fn of(args: &SearchArgs, space: &Space, begun: Option<&Settings>) -> Result<Box<dyn Evaluator>> {
    if training::is_wanted(args, begun) {
        return training::of(args, space, begun);
    }
    if let Some(option) = args.how.given() {
        return Err(Error::input(format!("`{option}` has no effect: mnasc trains nothing here"))
            .hint("it belongs to `--data`; a command has its own options"));
    }
    if let Some(path) = &args.table {
        let bytes = input::read(path, TABLE_LIMIT)?
            .ok_or_else(|| Error::input(format!("`{}` has more than {} MB", path.display(), TABLE_LIMIT >> 20)))?;
        let text = String::from_utf8_lossy(&bytes);
        return Ok(Box::new(table(path, &text, &space.sizes())?));
    }
    // A study that was created with a command continues with it.
    let timeout = args.timeout.or(begun.and_then(|settings| settings.timeout)).map(Duration::from_secs);
    let command = |line: &str| Box::new(Command::new(line).with_timeout(timeout).with_notice(output::progress));
    let name = begun.map(|settings| settings.evaluator.as_str()).unwrap_or_default();
    match (&args.command, args.synthetic) {
        (Some(line), _) => Ok(command(line)),
        (None, true) => Ok(Box::new(Synthetic)),
        (None, false) if name == Synthetic.name() => Ok(Box::new(Synthetic)),
        (None, false) => match name.strip_prefix("command ") {
            Some(line) => {
                // The study may come from another person.
                output::progress(&format!("each trial runs the command of the study: `{}`", printable(line)));
                Ok(command(line))
            }
            None => Err(Error::input("no evaluator was given")
                .hint("give `--data FOLDER`, `--command LINE`, `--table FILE` or, to try the space, `--synthetic`; a space may have one: `search: {data: digits}`")),
        },
    }
}

/// A table of results; a warning is printed where it does not cover the space.
fn table(path: &Path, text: &str, sizes: &[usize]) -> Result<Table> {
    let table = Table::parse_of(text, sizes).map_err(|mistakes| {
        Error::input(format!("`{}`: {mistakes}", path.display()))
            .hint("a line has the index of each choice, the accuracy in percent and optionally milliseconds: `0 2 1 93.5 1.25`")
    })?;
    let members: f64 = sizes.iter().map(|&size| size as f64).product();
    if (table.len() as f64) < members {
        output::progress(&format!(
            "`{}` has {} of {members} combinations; trials of the others fail",
            path.display(),
            table.len()
        ));
    }
    Ok(table)
}
