//! Arguments of `space`, `search` and `study`.

use super::device::DeviceArgs;
use super::train::RecipeArgs;
use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use mnas_search::reward::Target;
use mnas_search::searcher::METHODS;
use std::path::PathBuf;

pub(super) const SPACE_EXAMPLES: &str = "\
Examples:
  mnasc space specs/spaces/mnasnet.yaml
  mnasc space specs/spaces/mnasnet.yaml --contains specs/mnasnet_a1.yaml
  mnasc space specs/spaces/digits.yaml --sample 5 --seed 1 --to drawn
  mnasc space specs/spaces/digits.yaml --json | jq .factorised
  mnasc space specs/spaces/mnasnet.yaml --latency 40 --seed 1

A space is a spec with `{choose: [...]}` where values stand:
  op: {choose: [sepconv, mbconv e3, mbconv e6]}                    an op, with its expansion
  se: {choose: [0, 0.25]}                                          0 is none
  filters: {choose: {base: 96, times: [0.75, 1, 1.25], or: [112]}} products, rounded, and other values
  layers: {choose: {base: 3, plus: [-1, 0, 1]}}                    sums
What the chosen op does not have is left away, and so is a skip where no layer of the block can have one. Beside the keys
of a spec it may have `limits: {parameters, macs, arena_bytes, weight_bytes}`; samples are within them. `search: {data,
target, epochs, trials, baselines}` is what `mnasc search` takes where its options say nothing; baselines, networks to compare
with, are files in the space's folder or below it. Epochs and target count with the space's own
data; baselines are judged wherever mnasc trains.

Exit codes: 0 done, 1 the spec is no member or over the limits, 2 bad input, 3 files failed.";

pub(super) const SEARCH_EXAMPLES: &str = "\
Examples:
  mnasc search specs/spaces/digits.yaml
  mnasc search digits.yaml --study digits.study --data digits --epochs 6
  mnasc search digits.yaml --study tried.study --synthetic --trials 200
  mnasc search digits.yaml --study digits.study --resume --trials 400
  mnasc search net.yaml --study net.study --command 'python3 train.py' --epochs 5
  mnasc search net.yaml --study net.study --command ./train --target 40fps --w auto --method ppo
  mnasc search net.yaml --study net.study --command ./train --target 3ms --measure
  mnasc search net.yaml --study net.study --command ./train --epochs 2 --rungs 3 --eta 3 --jobs 4 --timeout 10m
  mnasc search net.yaml --study net.study --table known.txt --reward hard --target 25ms
  mnasc search net.yaml --study net.study --data pictures --train-on wgpu --baseline mobilenet_v2_style.yaml

Nothing is trained before the space's limits are checked, and no network twice. Every finished trial is in the study,
with the state of the searcher: a search that was killed goes on with `--resume`, and gives what it would have given.
One process searches with a study at a time; `mnasc study` may look at it meanwhile.

A command is run by the shell for each trial. It reads the job, one line of JSON, from its standard input:
  {\"id\": \"trial-0\", \"trial\": 0, \"purpose\": \"trial\", \"rung\": 0, \"spec\": \"name: ...\", \"choices\": [...], \"seed\": 1, \"budget\": {\"epochs\": 5}, \"needs\": {\"latency\": true}, ...}
(no other job has its id: what is kept of it is best called so), and its last line of output is the result; what is in brackets may be left away, the latency only where it is not needed:
  {\"accuracy\": 0.91[, \"epochs\": [0.8, 0.91]][, \"latency_ms\": 3.2[, \"latency_interval\": [3.1, 3.3]]]}
An exit code other than 0 marks the trial as failed, and the search goes on; five failures in a row stop it.

Before anything is ranked by accuracy, eight networks from small to large are trained with two seeds each. The first line
of the results says whether accuracy ranks them (Kendall's tau of .6 or more), and if not, how many epochs to add; what
differs by no more than two seeds of one network do is ranked by latency.
With `--epochs 2 --rungs 3` the best third of all trials goes on to 6 epochs, and of those the best third to 18. Of the
highest rung up to four, half of it at most, are trained with a second seed: what noise is there is seen from them.

With `--measure` networks are timed by the code that mnasc generates for them: each distinct layer is compiled and timed
once, pinned to a processor, alone among all mnasc of this machine, in turn with a reference network whose drift is taken
out. Figures are kept with instruction set, threads, processor and compilers, and a network takes as long as its layers; a
few are timed whole in the end. With a runner programs run elsewhere; they need no arguments and print a line of JSON:
  --triple aarch64-unknown-linux-gnu --linker aarch64-linux-gnu-gcc --runner 'qemu-aarch64 -L /usr/aarch64-linux-gnu {}'
  --runner \"ssh board 'cat > m && chmod +x m && ./m'\"                     the program is on standard input, too

Rewards, with T from `--target`: soft, hard or own `--alpha` and `--beta` are MnasNet's ACC * (LAT / T)^w; absolute is
TuNAS's ACC + beta * |LAT / T - 1|, with a beta of -0.1. MnasNet's w of -0.07 is right where a doubled latency buys five percent of accuracy.
Where it buys less, the search ends among the fastest networks: `--w auto`, the default, fits w from the first trials.

Exit codes: 0 done, 2 bad input or a damaged study, 3 files, the command or another search failed.";

pub(super) const STUDY_EXAMPLES: &str = "\
Examples:
  mnasc study list digits.study
  mnasc study best digits.study --pareto --to found
  mnasc study export digits.study --optuna digits.log       optuna-dashboard digits.log opens it";

#[derive(Debug, Args)]
pub(crate) struct SpaceArgs {
    /// The space, a YAML file.
    pub(crate) space: PathBuf,
    /// Say whether this spec is a member, and if not, which block is none.
    #[arg(long, value_name = "SPEC", conflicts_with = "sample")]
    pub(crate) contains: Option<PathBuf>,
    /// Draw so many members.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) sample: Option<u32>,
    /// Draw so many members, time each as the sum of its layers and as a whole, and say how well the one tells the other.
    #[arg(long, value_name = "N", conflicts_with_all = ["contains", "sample"], value_parser = clap::value_parser!(u32).range(2..=1000))]
    pub(crate) latency: Option<u32>,
    /// Decides which; equal seeds give equal members.
    #[arg(long, default_value_t = 0, conflicts_with = "contains")]
    pub(crate) seed: u64,
    /// Write them to this folder, a spec each, instead of standard output.
    #[arg(long, value_name = "FOLDER", requires = "sample")]
    pub(crate) to: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) device: DeviceArgs,
    /// One JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Clone, Debug, Args)]
#[command(group(ArgGroup::new("evaluator").args(["data", "command", "table", "synthetic"])))]
pub(crate) struct SearchArgs {
    /// The space, a YAML file.
    pub(crate) space: PathBuf,
    /// The study, a file that the search makes [default: NAME.study, with the space's name].
    #[arg(long, value_name = "FILE")]
    pub(crate) study: Option<PathBuf>,
    /// In the end write a report and the best network (spec, code and, if mnasc trained it, weights) to this folder
    /// [default: NAME_found without --study, else none].
    #[arg(long, value_name = "FOLDER")]
    pub(crate) to: Option<PathBuf>,
    /// Go on with the study, as it was begun; begin it if it is not there. What a study does not keep is said again: --to,
    /// --data FOLDER, --table, networks to compare with, and of another device --triple, --linker and --runner.
    #[arg(long)]
    pub(crate) resume: bool,
    /// Trials in all, those of earlier runs among them [default: with --resume as asked for last, else the space's, or 100].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    pub(crate) trials: Option<u64>,
    /// What searches [default: evolution].
    #[arg(long, value_parser = methods())]
    pub(crate) method: Option<String>,
    /// Seed of the search [default: 0].
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// Train networks on a data set: a folder, or `digits`, as for `mnasc train`; needs the feature `train` [default: the
    /// space's, by `search: {data, target, epochs, trials, baselines}`].
    #[arg(long, value_name = "FOLDER|digits")]
    pub(crate) data: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) how: RecipeArgs,
    /// Tell accuracy by a command of the system's shell.
    #[arg(long, value_name = "LINE")]
    pub(crate) command: Option<String>,
    /// Take results from a file: a line for each member, its indices, accuracy in percent and, if it has one, latency.
    #[arg(long, value_name = "FILE")]
    pub(crate) table: Option<PathBuf>,
    /// Make accuracy and latency up from parameters and multiply-accumulates: for trying a space, without meaning.
    #[arg(long)]
    pub(crate) synthetic: bool,
    /// Epochs that a trial may train [default: the space's or the evaluator's own].
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) epochs: Option<u32>,
    /// How many trials at once [default: as many as the evaluator likes; a command has one]. What is found depends on it.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) jobs: Option<u32>,
    /// Kill a command that takes longer, such as 90s, 30m or 2h, and mark the trial as failed [default: never].
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    pub(crate) timeout: Option<u64>,
    /// Successive halving: so many rungs, each for the best of the one below, trained longer [default: 1, none].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=16))]
    pub(crate) rungs: Option<u32>,
    /// One in how many goes on to the next rung, and how many times as long it is trained there [default: 3].
    #[arg(long, value_name = "N", requires = "rungs", value_parser = clap::value_parser!(u32).range(2..=1000))]
    pub(crate) eta: Option<u32>,
    /// Trials after which the best of them go on [default: --trials, so of a search that may go on for longer say it].
    #[arg(long, value_name = "N", requires = "rungs", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) bracket: Option<u64>,
    /// Networks that are trained with two seeds each, before all else, to see whether accuracy ranks them [default: 8].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(3..=1000), conflicts_with = "no_ranking")]
    pub(crate) ranking: Option<u32>,
    /// Do not look whether accuracy ranks networks. Tables and made-up figures are never asked.
    #[arg(long)]
    pub(crate) no_ranking: bool,
    /// T, as milliseconds, microseconds or frames a second.
    #[arg(long, value_name = "25ms|50us|40fps")]
    pub(crate) target: Option<Target>,
    /// What a trial is worth [default: accuracy; with a target weighted by the latency].
    #[arg(long, value_enum)]
    pub(crate) reward: Option<RewardName>,
    /// Both exponents of the weighted reward, or `auto` to fit them [default: auto].
    #[arg(long, allow_negative_numbers = true, value_name = "auto|NUMBER", conflicts_with_all = ["alpha", "beta", "reward"])]
    pub(crate) w: Option<Exponent>,
    /// Exponent up to T.
    #[arg(long, allow_negative_numbers = true, requires = "beta", conflicts_with = "reward")]
    pub(crate) alpha: Option<f64>,
    /// Exponent beyond T; of `--reward absolute` its factor [default: -0.1].
    #[arg(long, allow_negative_numbers = true)]
    pub(crate) beta: Option<f64>,
    /// Trials from which `--w auto` fits; as long as there are fewer, the best is shown by what those say that there are.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u64).range(2..))]
    pub(crate) first: u64,
    /// Time networks by the code that mnasc generates for them, layer by layer; done anyway where mnasc trains and a latency
    /// is needed.
    #[arg(long)]
    pub(crate) measure: bool,
    /// In the end judge these networks too, trained as long as the best and timed as all trials; the report shows them
    /// beside what was found [default: where mnasc trains, the space's, by `search: {baselines}`].
    #[arg(long, num_args = 1.., value_name = "SPEC", conflicts_with = "table")]
    pub(crate) baseline: Vec<PathBuf>,
    /// Each finished trial as a line of JSON.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) device: DeviceArgs,
}

/// Rewards by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RewardName {
    /// The accuracy alone.
    Accuracy,
    /// MnasNet's with an exponent of -0.07.
    Soft,
    /// MnasNet's with 0 up to T and -1 beyond.
    Hard,
    /// TuNAS's.
    Absolute,
}

/// `--w`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Exponent {
    /// Fitted.
    Auto,
    /// This one.
    Is(f64),
}

impl std::str::FromStr for Exponent {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse::<f64>() {
            _ if text == "auto" => Ok(Self::Auto),
            Ok(value) if value.is_finite() => Ok(Self::Is(value)),
            _ => Err("neither a number nor `auto`"),
        }
    }
}

/// Whole seconds, at least one.
fn seconds(text: &str) -> Result<u64, &'static str> {
    let units = [("s", 1), ("m", 60), ("h", 3600)];
    let (number, unit) =
        units.iter().find_map(|&(name, unit)| Some((text.strip_suffix(name)?, unit))).unwrap_or((text, 1));
    let seconds = number.trim().parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
    seconds.filter(|&it| it > 0).ok_or("write seconds, minutes or hours, such as 90s, 30m or 2h")
}

fn methods() -> PossibleValuesParser {
    PossibleValuesParser::new(METHODS.iter().map(|method| PossibleValue::new(method.name).help(method.about)))
}

#[derive(Debug, Subcommand)]
pub(crate) enum StudyCommand {
    /// Show settings and trials.
    List(StudyListArgs),
    /// Show the best networks, or write their specs.
    Best(StudyBestArgs),
    /// Write the study for another program.
    Export(StudyExportArgs),
}

#[derive(Debug, Args)]
pub(crate) struct StudyListArgs {
    /// The study.
    pub(crate) study: PathBuf,
    /// One JSON object with everything.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct StudyBestArgs {
    /// The study.
    pub(crate) study: PathBuf,
    /// Those that no other beats in both accuracy and latency, by latency, instead of those of the highest reward.
    #[arg(long)]
    pub(crate) pareto: bool,
    /// How many at most [default: 1; with --pareto all].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) top: Option<u32>,
    /// Write their specs to this folder, and the weights of those that mnasc trained: they are trained again, as they were.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) to: Option<PathBuf>,
    /// What they were trained on, if it is not built in.
    #[arg(long, value_name = "FOLDER|digits", requires = "to")]
    pub(crate) data: Option<PathBuf>,
    /// One JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct StudyExportArgs {
    /// The study.
    pub(crate) study: PathBuf,
    /// A journal file of Optuna.
    #[arg(long, value_name = "OUT.log", required = true)]
    pub(crate) optuna: PathBuf,
}
