//! Arguments of `view`.

use clap::Args;
use std::path::PathBuf;

pub(super) const EXAMPLES: &str = "\
Examples:
  mnasc view mnasnet_a1.yaml -o a1.html
  mnasc bench mnasnet_a1.yaml --json --profile > a1.json
  mnasc view mnasnet_a1.yaml --profile a1.json -o a1.html

The page is a single file that loads nothing. It has a light and a dark theme and fits desktop and phone screens. Equal specs give equal pages.";

#[derive(Debug, Args)]
pub(crate) struct ViewArgs {
    /// The spec.
    pub(crate) spec: PathBuf,
    /// Write the page to this file; `-` is standard output.
    #[arg(short, long, value_name = "OUT.html")]
    pub(crate) output: PathBuf,
    /// Show times measured by `mnasc bench SPEC --json --profile`.
    #[arg(long, value_name = "FILE")]
    pub(crate) profile: Option<PathBuf>,
}
