//! Arguments of `run`.

use super::shared::{IsaArg, ScheduleArgs, WeightsArgs};
use clap::{ArgGroup, Args};
use std::path::PathBuf;

pub(super) const EXAMPLES: &str = "\
Examples:
  mnasc run mobilenet_v2.yaml --weights v2.pth --image cat.jpg rocket.jpg --top 3
  mnasc run mobilenet_v2.yaml --weights v2.pth --image cat.jpg --json
  mnasc run mnasnet_a1.yaml --random-weights 0 --input x.npy --output y.npy
  mnasc run mnasnet_a1.yaml --random-weights 0 --input x.npy --output y.npy --interpret

rustc builds the generated code once; the program is kept in $MNAS_CACHE, or in `mnas` in the user's cache folder.";

#[derive(Debug, Args)]
#[command(
    group(ArgGroup::new("source").required(true).args(["weights", "random_weights"])),
    group(ArgGroup::new("data").required(true).args(["image", "input"]))
)]
pub(crate) struct RunArgs {
    /// The spec.
    pub(crate) spec: PathBuf,
    #[command(flatten)]
    pub(crate) weights: WeightsArgs,
    /// Images, JPEG or PNG.
    #[arg(long, num_args = 1.., value_name = "FILE")]
    pub(crate) image: Vec<PathBuf>,
    /// Number of classes to print.
    #[arg(long, default_value_t = 5, conflicts_with = "input", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) top: u32,
    /// Input, float32 as (N, C, H, W) or (C, H, W).
    #[arg(long, value_name = "X.npy", requires = "output")]
    pub(crate) input: Option<PathBuf>,
    /// Output, float32 as (N, classes), or (N, C, H, W) for a backbone.
    #[arg(short, long, value_name = "Y.npy", requires = "input")]
    pub(crate) output: Option<PathBuf>,
    /// Run the reference executor (double precision, slow) instead of generated code.
    #[arg(long, conflicts_with = "isa")]
    pub(crate) interpret: bool,
    #[command(flatten)]
    pub(crate) schedule: ScheduleArgs,
    #[command(flatten)]
    pub(crate) isa: IsaArg,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}
