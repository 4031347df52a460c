//! Arguments of `report`.

use clap::Args;
use std::path::PathBuf;

pub(super) const REPORT_EXAMPLES: &str = "\
Examples:
  mnasc report digits.study -o digits.html
  mnasc report net.study --baseline specs/mobilenet_v2.yaml specs/mnasnet_a1.yaml -o net.html
  mnasc bench specs/mobilenet_v2.yaml --json > v2.json
  mnasc report net.study --baseline specs/mobilenet_v2.yaml --measured v2.json -o net.html
  mnasc report hard.study --beside soft.study fitted.study -o rewards.html

The page is one file that loads nothing, for light and dark, a desk and a phone: accuracy against latency with the front,
the reward's contours and T; the best so far; the objective and the sampled latencies; how the best learnt; whether accuracy
ranks the networks and latency was predicted, where the search found that out; the best networks, block by block; the
baselines; the tables of the MnasNet paper. A study may be looked at while it is searched. Equal studies give equal pages.

A file of `--measured` has JSON objects: what `mnasc bench SPEC --json` prints, or
  {\"name\": \"mobilenet_v2\", \"median_ms\": 3.1, \"accuracies\": [0.912, 0.915]}
with a latency, accuracies of one seed or several, or both. Networks go by the name that their spec has.

Exit codes: 0 done, 2 bad input or a damaged study, 3 files failed.";

#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// The study.
    pub(crate) study: PathBuf,
    /// Write the page to this file; `-` is standard output.
    #[arg(short, long, value_name = "OUT.html")]
    pub(crate) output: PathBuf,
    /// Compare with these networks: by their counts, and by figures of the study or of `--measured`.
    #[arg(long, num_args = 1.., value_name = "SPEC")]
    pub(crate) baseline: Vec<PathBuf>,
    /// Latencies and accuracies that were measured elsewhere.
    #[arg(long, num_args = 1.., value_name = "FILE")]
    pub(crate) measured: Vec<PathBuf>,
    /// Show the sampled latencies of these studies beside those of the study: same space, other rewards.
    #[arg(long, num_args = 1.., value_name = "STUDY")]
    pub(crate) beside: Vec<PathBuf>,
}
