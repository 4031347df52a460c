//! Arguments of `inspect`.

use clap::Args;
use std::path::PathBuf;

pub(super) const EXAMPLES: &str = "\
Examples:
  mnasc inspect mobilenet_v2.pth
  mnasc inspect model.ckpt-112233.index
  mnasc inspect a1.safetensors --json | jq .tensors[0]

Prints type, shape (as in the file) and size of each tensor, then the format, the totals and the naming scheme.
Only the index of a TensorFlow checkpoint is read.";

#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    /// Safetensors, PyTorch's .pth, or the .index of a TensorFlow checkpoint.
    pub(crate) file: PathBuf,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}
