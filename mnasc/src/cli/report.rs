//! Arguments of `report`.

use clap::Args;
use std::path::PathBuf;

pub(super) const REPORT_EXAMPLES: &str = "\
Examples:
  mnasc report digits.study -o digits.html

The page is one file that loads nothing, for light and dark, a desk and a phone: accuracy against latency with the front,
the reward's contours and T; the best so far; the objective and the sampled latencies; the best networks, block by block.
A study may be looked at while it is searched. Equal studies give equal pages.";

#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// The study.
    pub(crate) study: PathBuf,
    /// Write the page to this file; `-` is standard output.
    #[arg(short, long, value_name = "OUT.html")]
    pub(crate) output: PathBuf,
}
