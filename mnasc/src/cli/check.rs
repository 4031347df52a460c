//! Arguments of `check`.

use clap::Args;
use std::path::PathBuf;

pub(super) const EXAMPLES: &str = "\
Examples:
  mnasc check specs/*.yaml

Exit codes: 0 all specs are valid, 2 a spec is invalid, 3 a spec cannot be read.";

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// The specs.
    #[arg(required = true)]
    pub(crate) specs: Vec<PathBuf>,
}
