//! `mnasc check SPEC...`

use crate::cli::CheckArgs;
use crate::error::{Error, Result};
use crate::{input, output};

/// Checks every spec, also after an invalid one.
pub(crate) fn run(args: &CheckArgs) -> Result<()> {
    let mut worst: Option<Error> = None;
    for path in &args.specs {
        match input::spec(path) {
            Ok((_, network)) => output::print(&format!(
                "\x1b[32mok\x1b[0m {}: {}, {} layers, {} parameters, {} multiply-accumulates\n",
                path.display(),
                network.name,
                network.layers.len(),
                network.parameters(),
                network.macs()
            ))?,
            Err(error) => {
                let error = error.say();
                worst = Some(match worst {
                    None => error,
                    Some(worst) => worst.graver(error),
                });
            }
        }
    }
    worst.map_or(Ok(()), Err)
}
