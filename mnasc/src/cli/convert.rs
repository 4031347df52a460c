//! Arguments of `convert`.

use super::shared::WeightsArgs;
use clap::{ArgGroup, Args, ValueEnum};
use std::path::PathBuf;

pub(super) const EXAMPLES: &str = "\
Examples:
  mnasc convert mobilenet_v2.yaml --weights v2.pth -o v2.safetensors
  mnasc convert mobilenet_v2.yaml --weights v2.pth --dtype f16 -o v2.f16.safetensors
  mnasc convert mnasnet_a1.yaml --weights model.ckpt-112233.index -o a1.safetensors --list

The spec determines which tensors are written: float32, axes in PyTorch's order. With `--dtype f16` the weights of \
convolutions and fully connected layers are float16; the network still computes in float32.";

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("source").required(true).args(["weights", "random_weights"])))]
pub(crate) struct ConvertArgs {
    /// The spec.
    pub(crate) spec: PathBuf,
    #[command(flatten)]
    pub(crate) weights: WeightsArgs,
    /// The file to write.
    #[arg(short, long, value_name = "OUT.safetensors")]
    pub(crate) output: PathBuf,
    /// Element type of the weights; vectors (biases, batch norms) are always float32.
    #[arg(long, value_enum, default_value_t, value_name = "TYPE")]
    pub(crate) dtype: Dtype,
    /// Print each tensor's name and its name in the source file.
    #[arg(long)]
    pub(crate) list: bool,
    /// Print one JSON object that includes the names.
    #[arg(long, conflicts_with = "list")]
    pub(crate) json: bool,
}

/// The type of elements in a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Dtype {
    /// As computed.
    #[default]
    F32,
    /// Rounded to the nearest: half the bytes.
    F16,
}
