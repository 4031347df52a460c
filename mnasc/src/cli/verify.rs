//! Arguments of `verify`.

use super::shared::{ScheduleArgs, WeightsArgs, isa_parser};
use clap::Args;
use mnas_codegen::machine::Isa;
use std::path::PathBuf;

pub(super) const EXAMPLES: &str = "\
Examples:
  mnasc verify mnasnet_a1.yaml
  mnasc verify mobilenet_v2.yaml --weights v2.pth --checked
  mnasc verify mnasnet_a1.yaml --isa avx2 --tolerance 1e-6 --json
  mnasc verify mnasnet_a1.yaml --threads 3

Exit codes: 0 every block agrees, 1 a block differs (the first one is named).";

#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// The spec.
    pub(crate) spec: PathBuf,
    /// Defaults to random weights of seed 0.
    #[command(flatten)]
    pub(crate) weights: WeightsArgs,
    /// Input, float32 as (1, C, H, W) or (C, H, W) [default: random, of mean 0 and variance 1].
    #[arg(long, value_name = "X.npy")]
    pub(crate) input: Option<PathBuf>,
    /// Instruction set [default: all that this machine has].
    #[arg(long, value_parser = isa_parser())]
    pub(crate) isa: Option<Isa>,
    #[command(flatten)]
    pub(crate) schedule: ScheduleArgs,
    /// Largest allowed difference in a block, relative to its largest output.
    #[arg(long, default_value_t = 1e-5, allow_negative_numbers = true, value_parser = tolerance)]
    pub(crate) tolerance: f64,
    /// Build with bounds checks on every memory access.
    #[arg(long)]
    pub(crate) checked: bool,
    /// Threads per inference.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) threads: u32,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

fn tolerance(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value >= 0.0 && value.is_finite() => Ok(value),
        _ => Err("expected a number that is at least 0".to_owned()),
    }
}
