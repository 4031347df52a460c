//! The arguments. Sets that several commands share are spelt once.

mod device;
mod parse;
mod report;
mod search;
mod train;

use clap::builder::{PossibleValuesParser, Styles, TypedValueParser, styling::AnsiColor};
use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};
use mnas_codegen::plan::isa::{self, Isa};
use mnas_dsl::network::Shape;
use std::path::PathBuf;

pub(crate) use device::DeviceArgs;
pub(crate) use parse::parse;
pub(crate) use report::ReportArgs;
pub(crate) use search::{
    Exponent, RewardName, SearchArgs, SpaceArgs, StudyBestArgs, StudyCommand, StudyExportArgs, StudyListArgs,
};
pub(crate) use train::TrainArgs;
#[cfg(feature = "train")]
pub(crate) use train::{OptimizerName, RecipeArgs};

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
  mnasc mnasnet_a1.yaml -o a1.rs                                   Rust that loads its weights
  mnasc mobilenet_v2.yaml -o v2.rs --weights v2.pth                Rust with weights, in v2.weights beside it
  mnasc mnasnet_a1.yaml -o a1.rs --standalone --isa avx2,scalar    Rust that needs no other crate
  mnasc mnasnet_a1.yaml -o a1.rs --check                           exit code 1 if a1.rs is out of date
  mnasc mnasnet_a1.yaml --onnx a1.onnx --random-weights 0          ONNX
  mnasc mnasnet_a1.yaml --emit plan                                a stage of the compiler
  mnasc run mobilenet_v2.yaml --weights v2.pth --image cat.jpg     what is on the picture

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
    /// Check specs and show every mistake.
    #[command(after_help = "\
Examples:
  mnasc check specs/*.yaml

Exit codes: 0 every spec is good, 2 one is not, 3 one cannot be read.")]
    Check(CheckArgs),
    /// Show each layer's shape, parameters, multiply-accumulates and bytes.
    #[command(after_help = "\
Examples:
  mnasc summary mnasnet_a1.yaml
  mnasc summary mnasnet_a1.yaml --json | jq .macs")]
    Summary(SummaryArgs),
    /// Draw a network on a page for a browser: blocks, costs, memory, and times if they were measured.
    #[command(after_help = "\
Examples:
  mnasc view mnasnet_a1.yaml -o a1.html
  mnasc bench mnasnet_a1.yaml --json --profile > a1.json
  mnasc view mnasnet_a1.yaml --profile a1.json -o a1.html

The page is one file that loads nothing, for light and dark, a desk and a phone. Equal specs give equal pages.")]
    View(ViewArgs),
    /// List what a file of weights holds.
    #[command(after_help = "\
Examples:
  mnasc inspect mobilenet_v2.pth
  mnasc inspect model.ckpt-112233.index
  mnasc inspect a1.safetensors --json | jq .tensors[0]

Each tensor with its type, shape as the file has it, and bytes; then the format, totals, and whose names they look like.
Of a TensorFlow checkpoint only the index is read.")]
    Inspect(InspectArgs),
    /// Write weights of any format and names as safetensors with mnas's names.
    #[command(after_help = "\
Examples:
  mnasc convert mobilenet_v2.yaml --weights v2.pth -o v2.safetensors
  mnasc convert mnasnet_a1.yaml --weights model.ckpt-112233.index -o a1.safetensors --list

The spec says which tensors there have to be; float32, axes in PyTorch's order.")]
    Convert(ConvertArgs),
    /// Run a network on pictures or tensors.
    #[command(after_help = "\
Examples:
  mnasc run mobilenet_v2.yaml --weights v2.pth --image cat.jpg rocket.jpg --top 3
  mnasc run mobilenet_v2.yaml --weights v2.pth --image cat.jpg --json
  mnasc run mnasnet_a1.yaml --random-weights 0 --input x.npy --output y.npy
  mnasc run mnasnet_a1.yaml --random-weights 0 --input x.npy --output y.npy --interpret

Generated code is built with rustc once and kept in $MNAS_CACHE, or in `mnas` of the user's cache folder.")]
    Run(RunArgs),
    /// Time the generated code.
    #[command(after_help = "\
Examples:
  mnasc bench mnasnet_a1.yaml
  mnasc bench mnasnet_a1.yaml --isa scalar --runs 20
  mnasc bench mnasnet_a1.yaml --threads 2
  mnasc bench mnasnet_a1.yaml --profile --svg roofline.svg
  mnasc bench mnasnet_a1.yaml --json | jq .median_ms
  mnasc bench mnasnet_a1.yaml --against onnxruntime,openvino
  mnasc bench mnasnet_a1.yaml --against onnxruntime --python venv/bin/python --start

A profile has for each block: median time and its share of all; operations a second (two a multiply-accumulate), and \
as a part of the peak, which is measured just before and after; the least time that the block can take, how much of it \
was reached, and what limits it. The least time is the longer of two: `compute`, all operations at the peak; \
`memory`, the weights from the nearest cache that holds those of the whole network, and the block's input and output \
from the nearest that holds both, as fast as reading. What lies between a block's convolutions need not leave the \
registers and is not counted. The FMA bound is all operations of the network at the peak; the roofline is the sum of \
the blocks' least times.

`--against` runs every engine once a round, ours too, each in a process of its own that is pinned to the same \
processors where the system can, after it has seen that all give the same output (exit code 1 if not). The ratio of a \
round is our median over that of the fastest of the others; below 1 ours is faster. With `--start` ours is a program \
with its weights in it, timed from the start of its process; the others are timed from before their import and from \
before the model is loaded, without the start of Python.

mnasc measures once at a time on a machine: another one waits.")]
    Bench(BenchArgs),
    /// Compare the generated code with the reference executor, block by block.
    #[command(after_help = "\
Examples:
  mnasc verify mnasnet_a1.yaml
  mnasc verify mobilenet_v2.yaml --weights v2.pth --checked
  mnasc verify mnasnet_a1.yaml --isa avx2 --tolerance 1e-6 --json
  mnasc verify mnasnet_a1.yaml --threads 3

Exit codes: 0 every block agrees, 1 one differs; the first such block is named.")]
    Verify(VerifyArgs),
    /// Compare generated code with the reference executor on random networks, and shrink one that differs.
    #[command(after_help = "\
Examples:
  mnasc fuzz
  mnasc fuzz --specs 1000 --seed 7 --keep found
  mnasc fuzz --specs 50 --isa avx2 --checked
  mnasc fuzz found/fuzz_7_312.yaml --seed 1234567 --l2 4096 --isa avx2,scalar

Specs are drawn so that 200 of them have every pair of values of what specs vary in. Each is compiled to Rust, built by
rustc and run; each step is compared with what the reference makes of the same inputs. Of a network that differs the
first such step is named, the stage of the compiler at fault looked for, and the spec made smaller while it still differs.

Exit codes: 0 every network agrees, 1 one differs.")]
    Fuzz(FuzzArgs),
    /// Recognise the network of an ONNX file: its spec, and its weights under mnas's names.
    #[command(after_help = "\
Examples:
  mnasc import mnasnet.onnx -o net.yaml --weights net.safetensors
  mnasc import mnasnet.onnx -o -
  mnasc import open_size.onnx -o net.yaml --input 224x224x3

The blocks of exports by PyTorch and by mnas are recognised, with batch norms folded into the convolutions or not. Of \
what no spec can say every node is named, with what was expected in its place (exit code 2); nothing is written then. \
What a file does not hold, such as the scaling of pictures, is for you to add. Constants in other files are read from \
the model's own folder only.")]
    Import(ImportArgs),
    /// Measure strips, tiles and shares on this machine, and write those that beat the estimates to a schedule file.
    #[command(after_help = "\
Examples:
  mnasc tune mnasnet_a1.yaml -o a1.schedule.yaml
  mnasc tune mnasnet_a1.yaml -o a1.schedule.yaml --isa avx512,avx2 --budget 600
  mnasc tune mnasnet_a1.yaml -o a1.schedule.yaml --threads 2
  mnasc mnasnet_a1.yaml -o a1.rs --schedule a1.schedule.yaml

Several schedules are built as one program and run in turn. A choice holds where its step is faster than with the \
estimated one in each of five more processes, and 1 % in the median. With those that hold, and without, whole inferences \
run in turn in nine processes: the ratio is the median of theirs, its interval from the second least to the second \
largest. Only where all of that is below 1 the file is written; a machine that is busy is told of. mnasc measures once \
at a time on a machine: another one waits.

A file that is there is added to: it may have sections for several processors, and entries for several networks. What is \
generated depends on the file, never on the machine that compiles.

Exit codes: 0 also where nothing gains, which is said; 2 wrong input; 3 the system refused.")]
    Tune(TuneArgs),
    /// Measure what this machine can do at most: multiply-adds, and reading from each cache.
    #[command(after_help = "\
Examples:
  mnasc peak
  taskset -c 0,1 mnasc peak --threads 2
  mnasc peak --json | jq '.fma[0].gflops'

It takes about two seconds. Each figure is the best of many short measurements: what disturbs one makes it slower.
The clock is that of plain code; a processor may clock lower where it works with wide vectors.")]
    Peak(PeakArgs),
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

/// `mnasc SPEC ...`
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("what").required(true).multiple(true).args(["output", "onnx", "emit"])))]
pub(crate) struct CompileArgs {
    /// The spec, a YAML file.
    #[arg(required = true)]
    pub(crate) spec: Option<PathBuf>,
    /// Write Rust to this file, and weights to OUT.weights beside it; `-` is standard output.
    #[arg(short, long, value_name = "OUT.rs")]
    pub(crate) output: Option<PathBuf>,
    /// Write ONNX to this file.
    #[arg(long, value_name = "OUT.onnx")]
    pub(crate) onnx: Option<PathBuf>,
    /// Leave the ONNX file layer by layer as a framework would write it: batch norms apart, parameters with their values.
    #[arg(long, requires = "onnx")]
    pub(crate) unfolded: bool,
    /// Print a stage of the compiler.
    #[arg(long, value_name = "STAGE", conflicts_with_all = ["output", "onnx", "check"])]
    pub(crate) emit: Option<Stage>,
    #[command(flatten)]
    pub(crate) weights: WeightsArgs,
    #[command(flatten)]
    pub(crate) code: CodeArgs,
    /// Write nothing; exit with 1 if a file is not what would be written.
    #[arg(long)]
    pub(crate) check: bool,
}

/// Where weights come from.
#[derive(Debug, Default, Args)]
pub(crate) struct WeightsArgs {
    /// Weights: safetensors, PyTorch's .pth (a trainer's checkpoint too), a TensorFlow checkpoint's .index or ONNX, with
    /// the names of mnas, timm, torchvision, transformers, efficientnet-pytorch or TensorFlow's models, else by order and
    /// shape.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) weights: Option<PathBuf>,
    /// Random weights on which activations stay alive; equal seeds give equal weights.
    #[arg(long, value_name = "SEED", conflicts_with = "weights")]
    pub(crate) random_weights: Option<u64>,
}

/// Options of the generated code.
#[derive(Debug, Args)]
pub(crate) struct CodeArgs {
    /// Instruction sets in the code, the best of which runs [default: all, or those of --arch].
    #[arg(long, value_delimiter = ',', value_parser = isa_parser(), value_name = "ISA,...")]
    pub(crate) isa: Vec<Isa>,
    /// Only instruction sets of this architecture [default: of all].
    #[arg(long, value_parser = PossibleValuesParser::new(ARCHITECTURES))]
    pub(crate) arch: Option<String>,
    /// Put what the code needs of mnas-runtime into it: `rustc -O --crate-type lib OUT.rs` builds it.
    #[arg(long)]
    pub(crate) standalone: bool,
    /// Let several threads share an inference: makes `infer_threaded`, which needs the standard library.
    #[arg(long)]
    pub(crate) threaded: bool,
    /// Assert every memory access (slow; for tests).
    #[arg(long)]
    pub(crate) checked: bool,
    #[command(flatten)]
    pub(crate) schedule: ScheduleArgs,
}

/// Schedules that were measured.
#[derive(Debug, Default, Args)]
pub(crate) struct ScheduleArgs {
    /// Compile with the schedules that `mnasc tune` wrote to this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) schedule: Option<PathBuf>,
    /// Section of the schedule file [default: the only one].
    #[arg(long, value_name = "SECTION", requires = "schedule")]
    pub(crate) cpu: Option<String>,
}

/// Rust's names of processors; those without kernels of their own run the scalar code.
const ARCHITECTURES: [&str; 8] = ["x86_64", "x86", "aarch64", "arm", "riscv32", "riscv64", "wasm32", "wasm64"];

/// The instruction set to run.
#[derive(Debug, Args)]
pub(crate) struct IsaArg {
    /// Instruction set [default: the best of this machine].
    #[arg(long, value_parser = isa_parser())]
    pub(crate) isa: Option<Isa>,
}

fn isa_parser() -> impl TypedValueParser<Value = Isa> {
    PossibleValuesParser::new(isa::ALL.iter().map(|isa| isa.name)).try_map(|name| isa::by_name(&name))
}

/// Where Python usually is.
const PYTHON: &str = if cfg!(windows) { "python" } else { "python3" };

/// Another engine, a package of Python by that name.
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
    /// The package.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Engine::OnnxRuntime => "onnxruntime",
            Engine::OpenVino => "openvino",
        }
    }
}

/// A stage of the compiler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Stage {
    /// The spec as it was understood.
    Spec,
    /// Operators after all passes.
    Graph,
    /// Steps, arena, tiles.
    Plan,
    /// The generated code.
    Rust,
    /// The ONNX file, binary.
    Onnx,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Specs.
    #[arg(required = true)]
    pub(crate) specs: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct SummaryArgs {
    /// The spec.
    pub(crate) spec: PathBuf,
    /// One JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ViewArgs {
    /// The spec.
    pub(crate) spec: PathBuf,
    /// Write the page to this file; `-` is standard output.
    #[arg(short, long, value_name = "OUT.html")]
    pub(crate) output: PathBuf,
    /// Show times that `mnasc bench SPEC --json --profile` measured.
    #[arg(long, value_name = "FILE")]
    pub(crate) profile: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    /// Safetensors, PyTorch's .pth, or a TensorFlow checkpoint by its .index.
    pub(crate) file: PathBuf,
    /// One JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("source").required(true).args(["weights", "random_weights"])))]
pub(crate) struct ConvertArgs {
    /// The spec.
    pub(crate) spec: PathBuf,
    #[command(flatten)]
    pub(crate) weights: WeightsArgs,
    /// Where to.
    #[arg(short, long, value_name = "OUT.safetensors")]
    pub(crate) output: PathBuf,
    /// Print each tensor's name, and what the file called it.
    #[arg(long)]
    pub(crate) list: bool,
    /// One JSON object, with the names.
    #[arg(long, conflicts_with = "list")]
    pub(crate) json: bool,
}

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
    /// Pictures, JPEG or PNG.
    #[arg(long, num_args = 1.., value_name = "FILE")]
    pub(crate) image: Vec<PathBuf>,
    /// How many classes to name.
    #[arg(long, default_value_t = 5, conflicts_with = "input", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) top: u32,
    /// Input, float32 as (N, C, H, W) or (C, H, W).
    #[arg(long, value_name = "X.npy", requires = "output")]
    pub(crate) input: Option<PathBuf>,
    /// Output, float32 as (N, classes), of a backbone (N, C, H, W).
    #[arg(short, long, value_name = "Y.npy", requires = "input")]
    pub(crate) output: Option<PathBuf>,
    /// Run the reference executor (double precision, slow) instead of generated code.
    #[arg(long, conflicts_with = "isa")]
    pub(crate) interpret: bool,
    #[command(flatten)]
    pub(crate) schedule: ScheduleArgs,
    #[command(flatten)]
    pub(crate) isa: IsaArg,
    /// One JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    /// The spec.
    pub(crate) spec: PathBuf,
    /// Without either, random weights of seed 0.
    #[command(flatten)]
    pub(crate) weights: WeightsArgs,
    /// Threads of an inference.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) threads: u32,
    #[command(flatten)]
    pub(crate) schedule: ScheduleArgs,
    #[command(flatten)]
    pub(crate) isa: IsaArg,
    /// Timed inferences, after half a second of others.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) runs: u32,
    /// Time each block too, and hold it against what this machine can do.
    #[arg(long)]
    pub(crate) profile: bool,
    /// Draw the profile as a roofline.
    #[arg(long, value_name = "OUT.svg", requires = "profile")]
    pub(crate) svg: Option<PathBuf>,
    /// Time other engines of Python too, in turn, with the same weights and input.
    #[arg(long, value_name = "ENGINE,...", value_delimiter = ',', conflicts_with = "profile")]
    pub(crate) against: Vec<Engine>,
    /// Python that has numpy and the engines.
    #[arg(long, value_name = "PATH", default_value = PYTHON, requires = "against")]
    pub(crate) python: PathBuf,
    /// Times that each engine is run.
    #[arg(long, default_value_t = 5, requires = "against", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) rounds: u32,
    /// Time the first result from the start of a process, and its memory, instead of warm inferences.
    #[arg(long, requires = "against", conflicts_with = "runs")]
    pub(crate) start: bool,
    /// One JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// The spec.
    pub(crate) spec: PathBuf,
    /// Without either, random weights of seed 0.
    #[command(flatten)]
    pub(crate) weights: WeightsArgs,
    /// Input, float32 as (1, C, H, W) or (C, H, W) [default: random, of mean 0 and variance 1].
    #[arg(long, value_name = "X.npy")]
    pub(crate) input: Option<PathBuf>,
    /// Instruction set [default: each that this machine has].
    #[arg(long, value_parser = isa_parser())]
    pub(crate) isa: Option<Isa>,
    #[command(flatten)]
    pub(crate) schedule: ScheduleArgs,
    /// Largest difference allowed in a block, as a part of its largest output.
    #[arg(long, default_value_t = 1e-5, allow_negative_numbers = true, value_parser = tolerance)]
    pub(crate) tolerance: f64,
    /// Build with every memory access asserted.
    #[arg(long)]
    pub(crate) checked: bool,
    /// Threads of an inference.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) threads: u32,
    /// One JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct TuneArgs {
    /// The spec.
    pub(crate) spec: PathBuf,
    /// The schedule file, which is made or added to [default: standard output].
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Without either, random weights of seed 0.
    #[command(flatten)]
    pub(crate) weights: WeightsArgs,
    /// Instruction sets to tune, one after the other [default: the best of this machine].
    #[arg(long, value_delimiter = ',', value_parser = isa_parser(), value_name = "ISA,...")]
    pub(crate) isa: Vec<Isa>,
    /// Tune how so many threads share a step, in place of what one thread does; the file says it of this number alone.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) threads: u32,
    /// Name of the section [default: the processor's name, family, model and stepping].
    #[arg(long, value_name = "SECTION")]
    pub(crate) cpu: Option<String>,
    /// Seconds that it may take.
    #[arg(long, default_value_t = 300, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) budget: u32,
    /// Write the choices that hold by themselves even where the whole network gains nothing beyond the noise.
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PeakArgs {
    /// Threads that work at once; figures are sums over all of them.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) threads: u32,
    /// One JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// The model.
    #[arg(value_name = "MODEL.onnx")]
    pub(crate) model: PathBuf,
    /// Write the spec to this file; `-` is standard output.
    #[arg(short, long, value_name = "NET.yaml")]
    pub(crate) output: PathBuf,
    /// Write the weights to this file.
    #[arg(short, long, value_name = "NET.safetensors")]
    pub(crate) weights: Option<PathBuf>,
    /// The spec's name [default: the output's].
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// The input, where the model leaves its size open.
    #[arg(long, value_name = "HEIGHTxWIDTHxCHANNELS", value_parser = crate::commands::import::shape)]
    pub(crate) input: Option<Shape>,
}

#[derive(Debug, Args)]
pub(crate) struct FuzzArgs {
    /// Specs to check instead of random ones.
    pub(crate) spec: Vec<PathBuf>,
    /// How many specs to draw.
    #[arg(long, default_value_t = 200, conflicts_with = "spec", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) specs: u32,
    /// Decides which; for given specs, weights and image.
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    /// Instruction sets in the code, each of which is run [default: all, of which each that this machine has is run].
    #[arg(long, value_delimiter = ',', value_parser = isa_parser(), value_name = "ISA,...")]
    pub(crate) isa: Vec<Isa>,
    /// Assert every memory access of every network [default: of every fourth].
    #[arg(long)]
    pub(crate) checked: bool,
    /// rustc's optimisation. Without any, networks are built twenty times faster.
    #[arg(long, default_value_t = 0, value_name = "LEVEL", value_parser = clap::value_parser!(u8).range(0..=3))]
    pub(crate) opt_level: u8,
    /// Bytes of cache that a given spec's strips are planned for [default: those of a usual core].
    #[arg(long, value_name = "BYTES", requires = "spec", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) l2: Option<u32>,
    /// Write the small spec to this folder.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) keep: Option<PathBuf>,
}

fn tolerance(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value >= 0.0 && value.is_finite() => Ok(value),
        _ => Err("not a number of at least 0".to_owned()),
    }
}
