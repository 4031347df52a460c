//! Arguments of `tune`.

use super::shared::{WeightsArgs, isa_parser};
use clap::Args;
use mnas_codegen::machine::Isa;
use std::path::PathBuf;

pub(super) const EXAMPLES: &str = "\
Examples:
  mnasc tune mnasnet_a1.yaml -o a1.schedule.yaml
  mnasc tune mnasnet_a1.yaml -o a1.schedule.yaml --isa avx512,avx2 --budget 600
  mnasc tune mnasnet_a1.yaml -o a1.schedule.yaml --threads 2
  mnasc mnasnet_a1.yaml -o a1.rs --schedule a1.schedule.yaml

Several schedules are built into one program and run by turns. A choice is kept if its step is faster than with the \
estimated choice in each of five further processes, and by 1 % in the median. Whole inferences with and without the kept \
choices then run by turns in nine processes: the ratio is the median of nine, and its interval spans from the second \
smallest to the second largest. The file is written only if the whole interval is below 1. A busy machine is reported. \
Only one mnasc measures at a time on a machine; others wait.

An existing file is extended: it can have sections for several processors and entries for several networks. Generated \
code depends on the file, never on the machine that compiles.

Exit codes: 0 done, also if nothing is faster (which is reported); 2 bad input; 3 files or rustc failed.";

#[derive(Debug, Args)]
pub(crate) struct TuneArgs {
    /// The spec.
    pub(crate) spec: PathBuf,
    /// The schedule file to create or extend [default: standard output].
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Defaults to random weights of seed 0.
    #[command(flatten)]
    pub(crate) weights: WeightsArgs,
    /// Instruction sets to tune, one after the other [default: the best that this machine has].
    #[arg(long, value_delimiter = ',', value_parser = isa_parser(), value_name = "ISA,...")]
    pub(crate) isa: Vec<Isa>,
    /// With more than one thread, tune how that many threads share a step; the entry applies to this number only.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) threads: u32,
    /// Section of the file [default: name, family, model and stepping of the processor].
    #[arg(long, value_name = "SECTION")]
    pub(crate) cpu: Option<String>,
    /// Time limit in seconds.
    #[arg(long, default_value_t = 300, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) budget: u32,
    /// Write the choices that are kept even if the whole network is not measurably faster.
    #[arg(long)]
    pub(crate) force: bool,
}
