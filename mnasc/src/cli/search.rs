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

A space is a spec with `{choose: [...]}` in place of values:
  op: {choose: [sepconv, mbconv e3, mbconv e6]}                    an op, with its expansion
  se: {choose: [0, 0.25]}                                          0 means no squeeze-excite
  filters: {choose: {base: 96, times: [0.75, 1, 1.25], or: [112]}} products, rounded, and other values
  layers: {choose: {base: 3, plus: [-1, 0, 1]}}                    sums
Keys that the chosen op does not have are dropped, and so is a skip where no layer of the block can have one. Besides the
keys of a spec a space may have `limits: {parameters, macs, arena_bytes, weight_bytes}`; samples are within them. `search:
{data, target, epochs, trials, baselines}` has defaults for `mnasc search`; baselines are files in the space's folder or
below it. Epochs and target apply to the space's own data; baselines are evaluated wherever mnasc trains.

Exit codes: 0 done, 1 the spec is not a member or exceeds the limits, 2 bad input, 3 files failed.";

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

The space's limits are checked before a network is trained, and no network is trained twice. Every finished trial is in
the study, with the state of the searcher: a search that was killed continues with `--resume`, with the same results.
One process searches with a study at a time; `mnasc study` can read it meanwhile.

The shell runs the command for each trial. The command reads the job, one line of JSON, from its standard input:
  {\"id\": \"trial-0\", \"trial\": 0, \"purpose\": \"trial\", \"rung\": 0, \"spec\": \"name: ...\", \"choices\": [...], \"seed\": 1, \"budget\": {\"epochs\": 5}, \"needs\": {\"latency\": true}, ...}
(the id is unique; name saved artefacts after it), and its last line of output is the result; parts in brackets are optional, the latency only where it is not needed:
  {\"accuracy\": 0.91[, \"epochs\": [0.8, 0.91]][, \"latency_ms\": 3.2[, \"latency_interval\": [3.1, 3.3]]]}
An exit code other than 0 marks the trial as failed, and the search goes on; five failures in a row stop it.

Before anything is ranked by accuracy, eight networks from small to large are trained with two seeds each. The first line
of the results says whether accuracy ranks them (Kendall's tau of .6 or more), and if not, how many epochs to add; networks
that differ by no more than two seeds of one network are ranked by latency.
With `--epochs 2 --rungs 3` the best third of all trials is trained for 6 epochs, and the best third of those for 18. Up to
four networks of the highest rung, at most half of it, are trained with a second seed, which measures the noise there.

With `--measure` networks are timed by the code that mnasc generates for them: each distinct layer is compiled and timed
once, pinned to a processor, while no other mnasc of this machine measures, alternating with a reference network whose drift is
removed. Figures are stored by instruction set, threads, processor and compilers. The latency of a network is the sum of
its layers; a few networks are timed as a whole when the search ends. With a runner, programs run elsewhere; they need no arguments and print one line of JSON:
  --triple aarch64-unknown-linux-gnu --linker aarch64-linux-gnu-gcc --runner 'qemu-aarch64 -L /usr/aarch64-linux-gnu {}'
  --runner \"ssh board 'cat > m && chmod +x m && ./m'\"                     the program is on standard input, too

Rewards, with T from `--target`: soft, hard or own `--alpha` and `--beta` are MnasNet's ACC * (LAT / T)^w; absolute is
TuNAS's ACC + beta * |LAT / T - 1|, with a beta of -0.1. MnasNet's w of -0.07 fits tasks where a doubled latency buys five percent of accuracy.
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
    /// Check whether this spec belongs to the space, and report the first block that does not.
    #[arg(long, value_name = "SPEC", conflicts_with = "sample")]
    pub(crate) contains: Option<PathBuf>,
    /// Draw this number of members.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) sample: Option<u32>,
    /// Draw this number of members, time each as the sum of its layers and as a whole, and report how well the sums
    /// predict the latency.
    #[arg(long, value_name = "N", conflicts_with_all = ["contains", "sample"], value_parser = clap::value_parser!(u32).range(2..=1000))]
    pub(crate) latency: Option<u32>,
    /// Seed of the samples; equal seeds give equal members.
    #[arg(long, default_value_t = 0, conflicts_with = "contains")]
    pub(crate) seed: u64,
    /// Write the samples to this folder, one spec each, instead of standard output.
    #[arg(long, value_name = "FOLDER", requires = "sample")]
    pub(crate) to: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) device: DeviceArgs,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Clone, Debug, Args)]
#[command(group(ArgGroup::new("evaluator").args(["data", "command", "table", "synthetic"])))]
pub(crate) struct SearchArgs {
    /// The space, a YAML file.
    pub(crate) space: PathBuf,
    /// The file of the study, which the search creates [default: NAME.study, with the space's name].
    #[arg(long, value_name = "FILE")]
    pub(crate) study: Option<PathBuf>,
    /// Write a report and the best network (spec, code and, if mnasc trained it, weights) to this folder when the
    /// search ends [default: NAME_found without --study, else none].
    #[arg(long, value_name = "FOLDER")]
    pub(crate) to: Option<PathBuf>,
    /// Continue the study with its settings; create it if it does not exist. Options that a study does not keep have to
    /// be repeated: --to, --data FOLDER, --table, baselines, and for another device --triple, --linker and --runner.
    #[arg(long)]
    pub(crate) resume: bool,
    /// Number of trials in all, including earlier runs [default: with --resume that of the last run, else the space's,
    /// or 100].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    pub(crate) trials: Option<u64>,
    /// Search method [default: evolution].
    #[arg(long, value_parser = methods())]
    pub(crate) method: Option<String>,
    /// Seed of the search [default: 0].
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// Train networks on a data set: a folder, or `digits`, as for `mnasc train`; needs the feature `train` [default:
    /// the space's, by `search: {data, target, epochs, trials, baselines}`].
    #[arg(long, value_name = "FOLDER|digits")]
    pub(crate) data: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) how: RecipeArgs,
    /// Measure accuracy with a command of the system's shell.
    #[arg(long, value_name = "LINE")]
    pub(crate) command: Option<String>,
    /// Take results from a file: one line for each member, with its indices, accuracy in percent and optionally
    /// latency.
    #[arg(long, value_name = "FILE")]
    pub(crate) table: Option<PathBuf>,
    /// Compute accuracy and latency from parameters and multiply-accumulates: meaningless figures, for trying a space.
    #[arg(long)]
    pub(crate) synthetic: bool,
    /// Epochs of a trial [default: the space's or the evaluator's own].
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) epochs: Option<u32>,
    /// Number of trials at once [default: that of the evaluator; one for a command]. The results depend on it.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) jobs: Option<u32>,
    /// Kill a command after this time, such as 90s, 30m or 2h, and mark the trial as failed [default: never].
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    pub(crate) timeout: Option<u64>,
    /// Number of rungs of successive halving: the best of each rung are trained longer on the next [default: 1, no
    /// halving].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=16))]
    pub(crate) rungs: Option<u32>,
    /// One in N is promoted to the next rung, and trained N times as long there [default: 3].
    #[arg(long, value_name = "N", requires = "rungs", value_parser = clap::value_parser!(u32).range(2..=1000))]
    pub(crate) eta: Option<u32>,
    /// Trials after which the best of them are promoted [default: --trials, so give it for a search that may be
    /// continued].
    #[arg(long, value_name = "N", requires = "rungs", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) bracket: Option<u64>,
    /// Number of networks that are trained with two seeds each, before all trials, to check whether accuracy ranks them
    /// [default: 8].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(3..=1000), conflicts_with = "no_ranking")]
    pub(crate) ranking: Option<u32>,
    /// Do not check whether accuracy ranks networks. Tables and synthetic figures are never checked.
    #[arg(long)]
    pub(crate) no_ranking: bool,
    /// Target latency T, as milliseconds, microseconds or frames a second.
    #[arg(long, value_name = "25ms|50us|40fps")]
    pub(crate) target: Option<Target>,
    /// Reward of a trial [default: accuracy; with a target, weighted by the latency].
    #[arg(long, value_enum)]
    pub(crate) reward: Option<RewardName>,
    /// Both exponents of the weighted reward, or `auto` to fit them [default: auto].
    #[arg(long, allow_negative_numbers = true, value_name = "auto|NUMBER", conflicts_with_all = ["alpha", "beta", "reward"])]
    pub(crate) w: Option<Exponent>,
    /// Exponent for latencies up to T.
    #[arg(long, allow_negative_numbers = true, requires = "beta", conflicts_with = "reward")]
    pub(crate) alpha: Option<f64>,
    /// Exponent for latencies above T; with `--reward absolute` its factor [default: -0.1].
    #[arg(long, allow_negative_numbers = true)]
    pub(crate) beta: Option<f64>,
    /// Number of trials to which `--w auto` fits; before that the best is shown by a provisional exponent of the trials
    /// so far.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u64).range(2..))]
    pub(crate) first: u64,
    /// Time networks by the code that mnasc generates for them, layer by layer; the default where mnasc trains and a
    /// latency is needed.
    #[arg(long)]
    pub(crate) measure: bool,
    /// Evaluate these baselines when the search ends, trained as long as the best and timed as all trials; the report
    /// shows them [default: where mnasc trains, the space's, by `search: {baselines}`].
    #[arg(long, num_args = 1.., value_name = "SPEC", conflicts_with = "table")]
    pub(crate) baseline: Vec<PathBuf>,
    /// Print each finished trial as one line of JSON.
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
            _ => Err("expected a number or `auto`"),
        }
    }
}

/// Whole seconds, at least one.
fn seconds(text: &str) -> Result<u64, &'static str> {
    let units = [("s", 1), ("m", 60), ("h", 3600)];
    let (number, unit) =
        units.iter().find_map(|&(name, unit)| Some((text.strip_suffix(name)?, unit))).unwrap_or((text, 1));
    let seconds = number.trim().parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
    seconds.filter(|&it| it > 0).ok_or("expected seconds, minutes or hours, such as 90s, 30m or 2h")
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
    /// Print one JSON object with everything.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct StudyBestArgs {
    /// The study.
    pub(crate) study: PathBuf,
    /// Show the networks of the Pareto front of accuracy and latency, by latency, instead of those with the highest
    /// reward.
    #[arg(long)]
    pub(crate) pareto: bool,
    /// Largest number of networks [default: 1; with --pareto all].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) top: Option<u32>,
    /// Write specs to this folder, and weights of networks that mnasc trained: they are trained again in the same way.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) to: Option<PathBuf>,
    /// The data of the trainings, if they are not built in.
    #[arg(long, value_name = "FOLDER|digits", requires = "to")]
    pub(crate) data: Option<PathBuf>,
    /// Print one JSON object.
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
