//! Arguments of `summary`.

use clap::Args;
use std::path::PathBuf;

pub(super) const EXAMPLES: &str = "\
Examples:
  mnasc summary mnasnet_a1.yaml
  mnasc summary mnasnet_a1.yaml --json | jq .macs";

#[derive(Debug, Args)]
pub(crate) struct SummaryArgs {
    /// The spec.
    pub(crate) spec: PathBuf,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}
