//! Sets of arguments that several commands share.

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use mnas_codegen::machine::{self, Isa};
use std::path::PathBuf;

/// The source of weights.
#[derive(Debug, Default, Args)]
pub(crate) struct WeightsArgs {
    /// Weights: safetensors, PyTorch's .pth (also a trainer's checkpoint), a TensorFlow checkpoint's .index, or ONNX.
    /// Tensors are matched by the names of mnas, timm, torchvision, transformers, efficientnet-pytorch or TensorFlow's
    /// models, otherwise by order and shape.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) weights: Option<PathBuf>,
    /// Use random weights that keep activations in range; equal seeds give equal weights.
    #[arg(long, value_name = "SEED", conflicts_with = "weights")]
    pub(crate) random_weights: Option<u64>,
}

/// Options of the generated code.
#[derive(Debug, Args)]
pub(crate) struct CodeArgs {
    /// Instruction sets in the code; the best that the processor has runs [default: all, or those of --arch].
    #[arg(long, value_delimiter = ',', value_parser = isa_parser(), value_name = "ISA,...")]
    pub(crate) isa: Vec<Isa>,
    /// Only instruction sets of this architecture [default: of all].
    #[arg(long, value_parser = PossibleValuesParser::new(ARCHITECTURES))]
    pub(crate) arch: Option<String>,
    /// Include the parts of mnas-runtime that the code needs: `rustc -O --crate-type lib OUT.rs` builds it.
    #[arg(long)]
    pub(crate) standalone: bool,
    /// Also generate `infer_threaded`, where several threads share an inference; needs the standard library.
    #[arg(long)]
    pub(crate) threaded: bool,
    /// Check the bounds of every memory access (slow; for tests).
    #[arg(long)]
    pub(crate) checked: bool,
    /// Limit the workspace of one thread, for boards: plans that need less memory and more time are chosen if necessary.
    #[arg(long, value_name = "BYTES")]
    pub(crate) ram: Option<usize>,
    #[command(flatten)]
    pub(crate) schedule: ScheduleArgs,
}

/// Measured schedules.
#[derive(Debug, Default, Args)]
pub(crate) struct ScheduleArgs {
    /// Compile with the schedules that `mnasc tune` wrote to this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) schedule: Option<PathBuf>,
    /// Section of the schedule file [default: its only section].
    #[arg(long, value_name = "SECTION", requires = "schedule")]
    pub(crate) cpu: Option<String>,
}

/// Rust's names of architectures. Those without kernels of their own run the scalar code.
const ARCHITECTURES: [&str; 8] = ["x86_64", "x86", "aarch64", "arm", "riscv32", "riscv64", "wasm32", "wasm64"];

/// The instruction set to run.
#[derive(Debug, Args)]
pub(crate) struct IsaArg {
    /// Instruction set [default: the best that this machine has].
    #[arg(long, value_parser = isa_parser())]
    pub(crate) isa: Option<Isa>,
}

/// The name of an instruction set.
pub(super) fn isa_parser() -> impl TypedValueParser<Value = Isa> {
    PossibleValuesParser::new(machine::names()).try_map(|name| machine::by_name(&name))
}
