//! Arguments of `bench`.

use super::shared::{IsaArg, ScheduleArgs, WeightsArgs};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

pub(super) const EXAMPLES: &str = "\
Examples:
  mnasc bench mnasnet_a1.yaml
  mnasc bench mnasnet_a1.yaml --isa scalar --runs 20
  mnasc bench mnasnet_a1.yaml --threads 2
  mnasc bench mnasnet_a1.yaml --profile --svg roofline.svg
  mnasc bench mnasnet_a1.yaml --json | jq .median_ms
  mnasc bench mnasnet_a1.yaml --against onnxruntime,openvino
  mnasc bench mnasnet_a1.yaml --against onnxruntime --python venv/bin/python --start

A profile has, for each block: its median time and share of the total; its operations per second (two per \
multiply-accumulate), also as a fraction of the peak, which is measured before and after; its lower bound, the fraction \
of the bound that was reached, and what limits it. The bound is the larger of two times: `compute`, all operations at \
the peak rate; `memory`, reading the weights from the nearest cache that holds the weights of the whole network, and \
moving input and output of the block through the nearest cache that holds both, where writing is assumed as fast as \
reading. Data between the convolutions of a block is not counted, as it can stay in registers. The FMA bound is all \
operations of the network at the peak rate; the roofline is the sum of the bounds of all blocks.

`--against` first checks that all engines give the same output (exit code 1 if not). It then runs every engine, ours \
included, once per round, each in its own process, pinned to the same processors if the system supports that. The ratio \
of a round is our median over the median of the fastest other engine; below 1 ours is faster. With `--start`, our \
program has its weights embedded and is timed from the start of its process; the other engines are timed from before \
their import and from before they load the model, so the start of Python is not counted.

Only one mnasc measures at a time on a machine; others wait.";

/// The usual name of the Python interpreter.
const PYTHON: &str = if cfg!(windows) { "python" } else { "python3" };

#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    /// The spec.
    pub(crate) spec: PathBuf,
    /// Defaults to random weights of seed 0.
    #[command(flatten)]
    pub(crate) weights: WeightsArgs,
    /// Threads per inference.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) threads: u32,
    #[command(flatten)]
    pub(crate) schedule: ScheduleArgs,
    #[command(flatten)]
    pub(crate) isa: IsaArg,
    /// Timed inferences, after half a second of warm-up.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) runs: u32,
    /// Also time each block, and compare it with the peak rates of this machine.
    #[arg(long)]
    pub(crate) profile: bool,
    /// Draw the profile as a roofline plot.
    #[arg(long, value_name = "OUT.svg", requires = "profile")]
    pub(crate) svg: Option<PathBuf>,
    /// Also time other engines (Python packages) by turns, with the same weights and input.
    #[arg(long, value_name = "ENGINE,...", value_delimiter = ',', conflicts_with = "profile")]
    pub(crate) against: Vec<Engine>,
    /// The Python interpreter that has numpy and the engines.
    #[arg(long, value_name = "PATH", default_value = PYTHON, requires = "against")]
    pub(crate) python: PathBuf,
    /// Number of runs of each engine.
    #[arg(long, default_value_t = 5, requires = "against", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) rounds: u32,
    /// Measure the time from process start to the first result, and the peak memory, instead of warm inferences.
    #[arg(long, requires = "against", conflicts_with = "runs")]
    pub(crate) start: bool,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Another engine: the Python package of that name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Engine {
    /// ONNX Runtime.
    #[value(name = "onnxruntime")]
    OnnxRuntime,
    /// OpenVINO.
    #[value(name = "openvino")]
    OpenVino,
}

impl Engine {
    /// The name of the package.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Engine::OnnxRuntime => "onnxruntime",
            Engine::OpenVino => "openvino",
        }
    }
}
