//! Arguments of `train`, and of what judges networks by training them.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

pub(super) const TRAIN_EXAMPLES: &str = "\
Examples:
  mnasc train examples/digits.yaml --data digits --out digits.safetensors
  mnasc train net.yaml --data /usr/share/datasets/fashion-mnist --epochs 30 --out net.safetensors
  mnasc train net.yaml --data pictures --optimizer sgd --lr 0.1 --seed 3 --json
  mnasc train net.yaml --data pictures --train-on cuda:1
  mnasc net.yaml -o net.rs --weights net.safetensors

Data, by the names of the files in the folder; pictures of another size than the network's input are resized and cropped as
by `mnasc run`:
  digits                           scikit-learn's 1,797 digits of 8x8 pixels, which are built in
  train-images-idx3-ubyte[.gz] ... MNIST and its family (Debian's package dataset-fashion-mnist)
  data_batch_1.bin, train.bin ...  CIFAR-10 and CIFAR-100, binary
  CLASS/*.png, *.jpg               a folder for each class, in `train` and `test` or not; without, every fifth is for tests

A share of the training pictures is held out, and the accuracy on it told after each epoch; the test pictures are looked at
once, at the end. `--pictures 20000` learns from a part of the others, for a search that has no time for all. Equal seeds give equal weights on one machine.

A recipe is a JSON object; what it leaves away is as here, and options win over it:
  {\"epochs\": 20, \"batch\": 32, \"optimizer\": {\"name\": \"rmsprop\", \"decay\": 0.9, \"momentum\": 0.9, \"epsilon\": 0.001},
   \"learning_rate\": 0.01, \"schedule\": {\"name\": \"cosine\"}, \"warm_up\": 0.5, \"weight_decay\": 0.0001,
   \"label_smoothing\": 0.1, \"batch_norm_momentum\": 0.9, \"weight_average\": 0, \"dropout\": null, \"shift\": 0, \"flip\": false}
Other optimizers and schedules, the second with the values of MnasNet's paper:
  {\"name\": \"sgd\", \"momentum\": 0.9}
  {\"name\": \"exponential\", \"factor\": 0.97, \"every\": 2.4}, {\"name\": \"constant\"}
`weight_average` keeps a moving average of the weights, `shift` moves pictures by so many pixels at most, `flip` mirrors half
of them; without `dropout` the spec's counts.

Training is the feature `train` of mnasc: `cargo build --release --features train`. A GPU takes one more, which contains it:
`--features wgpu` (whatever the system draws with), vulkan, metal, cuda or rocm; then `--train-on wgpu`.

Exit codes: 0 done, 2 bad input, 3 files or a device failed.";

#[derive(Debug, Args)]
#[cfg_attr(not(feature = "train"), allow(dead_code, reason = "only training reads them"))]
pub(crate) struct TrainArgs {
    /// The spec.
    pub(crate) spec: PathBuf,
    /// What to learn from: a folder, or `digits`.
    #[arg(long, value_name = "FOLDER|digits")]
    pub(crate) data: PathBuf,
    #[command(flatten)]
    pub(crate) how: RecipeArgs,
    /// Passes through the training pictures.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) epochs: Option<u32>,
    /// Pictures of a step.
    #[arg(long, value_parser = clap::value_parser!(u32).range(2..=65536))]
    pub(crate) batch: Option<u32>,
    /// Learning rate after the warm-up [default: the recipe's; of another optimizer than its own 0.1 for sgd, 0.01 for
    /// rmsprop].
    #[arg(long, value_name = "RATE")]
    pub(crate) lr: Option<f64>,
    /// What takes the steps.
    #[arg(long, value_enum)]
    pub(crate) optimizer: Option<OptimizerName>,
    /// Decides initial weights, the order of pictures and what is drawn of them.
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    /// Write the weights to this file, safetensors with mnas's names.
    #[arg(short, long, value_name = "OUT.safetensors")]
    pub(crate) out: Option<PathBuf>,
    /// A line of JSON after each epoch, and one with the result.
    #[arg(long)]
    pub(crate) json: bool,
}

/// How networks are trained, wherever they are.
#[derive(Clone, Debug, Default, Args)]
#[cfg_attr(not(feature = "train"), allow(dead_code, reason = "only training reads them"))]
pub(crate) struct RecipeArgs {
    /// Read how to train from this file.
    #[arg(long, value_name = "FILE.json")]
    pub(crate) recipe: Option<PathBuf>,
    /// Share of the training pictures that accuracy is measured on after each epoch [default: 0.2].
    #[arg(long, value_name = "SHARE")]
    pub(crate) held_out: Option<f64>,
    /// Learn from about so many of the other training pictures, of each class its share [default: all].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..))]
    pub(crate) pictures: Option<u32>,
    /// Train there: cpu, or a GPU by wgpu, vulkan, metal, cuda or rocm, each a feature of mnasc; the second device is
    /// `cuda:1` [default: cpu].
    #[arg(long, value_name = "DEVICE")]
    pub(crate) train_on: Option<String>,
}

impl RecipeArgs {
    /// The first of these options that was given, by its name.
    pub(crate) fn given(&self) -> Option<&'static str> {
        let all = [
            ("--recipe", self.recipe.is_some()),
            ("--held-out", self.held_out.is_some()),
            ("--pictures", self.pictures.is_some()),
            ("--train-on", self.train_on.is_some()),
        ];
        all.into_iter().find(|(_, is_given)| *is_given).map(|(name, _)| name)
    }
}

/// Optimisers by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OptimizerName {
    /// With momentum.
    Sgd,
    /// As MnasNet's paper has it.
    Rmsprop,
}
