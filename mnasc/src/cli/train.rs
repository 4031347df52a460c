//! Arguments of `train`, and options of the searches that train.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

pub(super) const TRAIN_EXAMPLES: &str = "\
Examples:
  mnasc train examples/digits.yaml --data digits --out digits.safetensors
  mnasc train net.yaml --data /usr/share/datasets/fashion-mnist --epochs 30 --out net.safetensors
  mnasc train net.yaml --data pictures --optimizer sgd --lr 0.1 --seed 3 --json
  mnasc train net.yaml --data pictures --train-on cuda:1
  mnasc net.yaml -o net.rs --weights net.safetensors

The names of the files in the folder say what the data is. Pictures of another size than the network's input are resized and
cropped as by `mnasc run`:
  digits                           scikit-learn's 1,797 digits of 8x8 pixels, which are built in
  train-images-idx3-ubyte[.gz] ... MNIST and its family (Debian's package dataset-fashion-mnist)
  data_batch_1.bin, train.bin ...  CIFAR-10 and CIFAR-100, binary
  CLASS/*.png, *.jpg               a folder for each class, inside of `train` and `test` or without them; without them, every
                                   fifth picture is a test picture

A share of the training pictures is held out, and the accuracy on it is printed after each epoch. The test pictures are used
once, at the end. `--pictures 20000` trains on a part of the others, which makes a search faster. Equal seeds give equal
weights on one machine.

A recipe is a JSON object. Keys that it lacks have these values, and options override it:
  {\"epochs\": 20, \"batch\": 32, \"optimizer\": {\"name\": \"rmsprop\", \"decay\": 0.9, \"momentum\": 0.9, \"epsilon\": 0.001},
   \"learning_rate\": 0.01, \"schedule\": {\"name\": \"cosine\"}, \"warm_up\": 0.5, \"weight_decay\": 0.0001,
   \"label_smoothing\": 0.1, \"batch_norm_momentum\": 0.9, \"weight_average\": 0, \"dropout\": null, \"shift\": 0, \"flip\": false}
Other optimizers and schedules, the second with the values of MnasNet's paper:
  {\"name\": \"sgd\", \"momentum\": 0.9}
  {\"name\": \"exponential\", \"factor\": 0.97, \"every\": 2.4}, {\"name\": \"constant\"}
`weight_average` is the decay of a moving average of the weights, `shift` the largest random shift in pixels, and `flip`
mirrors half of the pictures. If `dropout` is null, the spec's dropout is used.

Training needs the feature `train` of mnasc: `cargo build --release --features train`. A GPU needs one of the features wgpu
(the system's graphics API), vulkan, metal, cuda and rocm, which include `train`; then `--train-on wgpu`.

Exit codes: 0 done, 2 bad input, 3 files or a device failed.";

#[derive(Debug, Args)]
#[cfg_attr(not(feature = "train"), allow(dead_code, reason = "only training reads them"))]
pub(crate) struct TrainArgs {
    /// The spec.
    pub(crate) spec: PathBuf,
    /// The data set: a folder, or `digits`.
    #[arg(long, value_name = "FOLDER|digits")]
    pub(crate) data: PathBuf,
    #[command(flatten)]
    pub(crate) how: RecipeArgs,
    /// Number of passes over the training pictures.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) epochs: Option<u32>,
    /// Number of pictures in a step.
    #[arg(long, value_parser = clap::value_parser!(u32).range(2..=65536))]
    pub(crate) batch: Option<u32>,
    /// Learning rate after the warm-up [default: the recipe's; with another `--optimizer` 0.1 for sgd, 0.01 for
    /// rmsprop].
    #[arg(long, value_name = "RATE")]
    pub(crate) lr: Option<f64>,
    /// The optimizer.
    #[arg(long, value_enum)]
    pub(crate) optimizer: Option<OptimizerName>,
    /// Seed of the initial weights, the order of pictures and random changes of them.
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    /// Write the weights to this file as safetensors, with mnas's names.
    #[arg(short, long, value_name = "OUT.safetensors")]
    pub(crate) out: Option<PathBuf>,
    /// Print a line of JSON after each epoch, and one with the result.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Options of every command that trains.
#[derive(Clone, Debug, Default, Args)]
#[cfg_attr(not(feature = "train"), allow(dead_code, reason = "only training reads them"))]
pub(crate) struct RecipeArgs {
    /// Read the recipe from this file.
    #[arg(long, value_name = "FILE.json")]
    pub(crate) recipe: Option<PathBuf>,
    /// Share of the training pictures that is held out, to measure accuracy after each epoch [default: 0.2].
    #[arg(long, value_name = "SHARE")]
    pub(crate) held_out: Option<f64>,
    /// Train on about N of the other training pictures, with the same share of each class [default: all].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..))]
    pub(crate) pictures: Option<u32>,
    /// Train on this device: cpu, or a GPU by wgpu, vulkan, metal, cuda or rocm, each of which is a feature of mnasc;
    /// `cuda:1` is the second GPU [default: cpu].
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
    /// Stochastic gradient descent with momentum.
    Sgd,
    /// RMSProp as in MnasNet's paper.
    Rmsprop,
}
