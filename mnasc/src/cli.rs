//! The arguments. Each command has a file with its options and its help text.

mod bench;
mod check;
mod compile;
mod convert;
mod device;
mod fuzz;
mod import;
mod inspect;
mod parse;
mod peak;
mod quantize;
mod report;
mod run;
mod search;
mod shared;
mod summary;
mod train;
mod tune;
mod verify;
mod view;

use clap::builder::{Styles, styling::AnsiColor};
use clap::{Parser, Subcommand};

pub(crate) use bench::{BenchArgs, Engine};
pub(crate) use check::CheckArgs;
pub(crate) use compile::{CompileArgs, Stage};
pub(crate) use convert::{ConvertArgs, Dtype};
pub(crate) use device::DeviceArgs;
pub(crate) use fuzz::FuzzArgs;
pub(crate) use import::ImportArgs;
pub(crate) use inspect::InspectArgs;
pub(crate) use parse::parse;
pub(crate) use peak::PeakArgs;
pub(crate) use quantize::QuantizeArgs;
pub(crate) use report::ReportArgs;
pub(crate) use run::RunArgs;
pub(crate) use search::{
    Exponent, RewardName, SearchArgs, SpaceArgs, StudyBestArgs, StudyCommand, StudyExportArgs, StudyListArgs,
};
pub(crate) use shared::{CodeArgs, ScheduleArgs, WeightsArgs};
pub(crate) use summary::SummaryArgs;
pub(crate) use train::TrainArgs;
#[cfg(feature = "train")]
pub(crate) use train::{OptimizerName, RecipeArgs};

pub(crate) use tune::TuneArgs;
pub(crate) use verify::VerifyArgs;
pub(crate) use view::ViewArgs;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// Compile mobile convnets to plain Rust and ONNX.
#[derive(Debug, Parser)]
#[command(
    version,
    styles = STYLES,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "\
Examples:
  mnasc mnasnet_a1.yaml -o a1.rs                                   Rust that loads weights at run time
  mnasc mobilenet_v2.yaml -o v2.rs --weights v2.pth                Rust with weights in v2.weights
  mnasc mnasnet_a1.yaml -o a1.rs --standalone --isa avx2,scalar    Rust without dependencies
  mnasc mnasnet_a1.yaml -o a1.rs --check                           exit with 1 if a1.rs is out of date
  mnasc mnasnet_a1.yaml --onnx a1.onnx --random-weights 0          ONNX
  mnasc mnasnet_a1.yaml --emit plan                                print a stage of the compiler
  mnasc run mobilenet_v2.yaml --weights v2.pth --image cat.jpg     classify an image

Exit codes: 0 done, 1 a check found a difference, 2 bad input, 3 files or rustc failed."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) compile: CompileArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check specs and report every error.
    #[command(after_help = check::EXAMPLES)]
    Check(CheckArgs),
    /// Show each layer's shape, parameters, multiply-accumulates and bytes.
    #[command(after_help = summary::EXAMPLES)]
    Summary(SummaryArgs),
    /// Draw a network as an HTML page: blocks, costs, memory, and measured times if given.
    #[command(after_help = view::EXAMPLES)]
    View(ViewArgs),
    /// List the tensors of a weights file.
    #[command(after_help = inspect::EXAMPLES)]
    Inspect(InspectArgs),
    /// Convert weights to safetensors with mnas's names.
    #[command(after_help = convert::EXAMPLES)]
    Convert(ConvertArgs),
    /// Run a network on images or tensors.
    #[command(after_help = run::EXAMPLES)]
    Run(RunArgs),
    /// Benchmark the generated code.
    #[command(after_help = bench::EXAMPLES)]
    Bench(BenchArgs),
    /// Compare the generated code with the reference executor, block by block.
    #[command(after_help = verify::EXAMPLES)]
    Verify(VerifyArgs),
    /// Compare generated code with the reference executor on random networks; shrink the first that differs.
    #[command(after_help = fuzz::EXAMPLES)]
    Fuzz(FuzzArgs),
    /// Import an ONNX or TensorFlow Lite file as a spec, and its weights under mnas's names.
    #[command(after_help = import::EXAMPLES)]
    Import(ImportArgs),
    /// Tune schedules on this machine; write those that beat the estimates to a schedule file.
    #[command(after_help = tune::EXAMPLES)]
    Tune(TuneArgs),
    /// Measure this machine's peak rates: multiply-adds, and reads from each cache.
    #[command(after_help = peak::EXAMPLES)]
    Peak(PeakArgs),
    /// Quantise a network after training: weights, and pictures to calibrate with, become a network in int8.
    #[command(after_help = quantize::EXAMPLES)]
    Quantize(QuantizeArgs),
    /// Train a network; needs the feature `train`.
    #[command(after_help = train::TRAIN_EXAMPLES)]
    Train(TrainArgs),
    /// Describe a search space: its size, members drawn from it, whether a spec is one.
    #[command(after_help = search::SPACE_EXAMPLES)]
    Space(SpaceArgs),
    /// Search a space for networks that are accurate and fast.
    #[command(after_help = search::SEARCH_EXAMPLES)]
    Search(Box<SearchArgs>),
    /// Look at a study: its trials, its best networks.
    #[command(subcommand, after_help = search::STUDY_EXAMPLES)]
    Study(StudyCommand),
    /// Show a study on a page for a browser: what was found, and what it was found among.
    #[command(after_help = report::REPORT_EXAMPLES)]
    Report(ReportArgs),
}
