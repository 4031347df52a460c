//! Arguments of `mnasc SPEC`.

use super::shared::{CodeArgs, WeightsArgs};
use clap::{ArgGroup, Args, ValueEnum};
use std::path::PathBuf;

/// `mnasc SPEC ...`
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("what").required(true).multiple(true).args(["output", "onnx", "emit"])))]
pub(crate) struct CompileArgs {
    /// The spec, a YAML file.
    #[arg(required = true)]
    pub(crate) spec: Option<PathBuf>,
    /// Write Rust to this file, and weights to OUT.weights; `-` is standard output.
    #[arg(short, long, value_name = "OUT.rs")]
    pub(crate) output: Option<PathBuf>,
    /// Write ONNX to this file; weights in int8 give a file of QuantizeLinear and DequantizeLinear with their integers.
    #[arg(long, value_name = "OUT.onnx")]
    pub(crate) onnx: Option<PathBuf>,
    /// Write the ONNX file layer by layer, as a framework would: batch norms unfolded, every parameter with its values.
    #[arg(long, requires = "onnx")]
    pub(crate) unfolded: bool,
    /// Print a stage of the compiler.
    #[arg(long, value_name = "STAGE", conflicts_with_all = ["output", "onnx", "check"])]
    pub(crate) emit: Option<Stage>,
    #[command(flatten)]
    pub(crate) weights: WeightsArgs,
    #[command(flatten)]
    pub(crate) code: CodeArgs,
    /// Write nothing; exit with 1 if a file differs from what would be written.
    #[arg(long)]
    pub(crate) check: bool,
}

/// A stage of the compiler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Stage {
    /// The spec after parsing.
    Spec,
    /// The operators after all passes.
    Graph,
    /// The plan: steps, arena, tiles.
    Plan,
    /// The generated code.
    Rust,
    /// The ONNX file (binary).
    Onnx,
}
