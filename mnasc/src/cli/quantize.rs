//! Arguments of `quantize`.

use clap::Args;
use mnas_quantize::Method;
use std::path::PathBuf;

pub(super) const EXAMPLES: &str = "\
Examples:
  mnasc quantize examples/digits.yaml --weights examples/digits.safetensors --data digits -o digits.int8.safetensors
  mnasc quantize net.yaml --weights net.safetensors --data pictures --images 500 -o net.int8.safetensors
  mnasc quantize v2.yaml --weights v2.pth --data pictures --evaluate labelled --report v2.html -o v2.int8.safetensors

Data are those of `mnasc train` (see its help), or a folder of pictures without classes: calibration needs no labels. Pictures
for tests are not calibrated with; without a part for tests they are every fifth of the data. Folders of pictures are read
one at a time.

Scales are chosen so that the squared error is least, with a margin for values that no picture had (`mse`), so that every
observed value fits (`minmax`), or all but a few (`percentile=99.99`). Weights are rounded and biases corrected layer by
layer, each layer with the inputs that the int8 network has. A few hundred pictures are enough; the more they are like those
that the network will see, the better.

Prints the top-1 accuracy of both networks, the share of pictures for which they name the same class, and the
signal-to-noise ratio (dB) of the outputs. `--report` has these figures and a row for each layer, `--json` too.

Exit codes: 0 done, 2 bad input, 3 files failed.";

#[derive(Debug, Args)]
pub(crate) struct QuantizeArgs {
    /// The spec.
    pub(crate) spec: PathBuf,
    /// Weights in floating point, in any format that `mnasc convert` takes.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) weights: PathBuf,
    /// Pictures to calibrate with: a folder, or `digits`.
    #[arg(long, value_name = "FOLDER|digits")]
    pub(crate) data: PathBuf,
    /// Pictures to calibrate with at most, at equal distances in the data.
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) images: u32,
    /// How ranges follow from observed values: mse, minmax or percentile=P.
    #[arg(long, value_name = "METHOD", default_value = "mse", value_parser = method)]
    pub(crate) calibrate: Method,
    /// Measure accuracy on the test pictures of other data [default: of those of --data].
    #[arg(long, value_name = "FOLDER|digits")]
    pub(crate) evaluate: Option<PathBuf>,
    /// Pictures to measure accuracy on at most, at equal distances in the data.
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub(crate) evaluate_images: u32,
    /// Write a page with a row for each layer to this file.
    #[arg(long, value_name = "OUT.html")]
    pub(crate) report: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
    /// Write the network in int8 to this file.
    #[arg(short, long, value_name = "OUT.safetensors")]
    pub(crate) output: PathBuf,
}

/// The least percentile: below it most values would saturate.
const LEAST_PERCENT: f64 = 50.0;

fn method(word: &str) -> Result<Method, String> {
    match word.split_once('=') {
        None if word == "mse" => Ok(Method::Mse),
        None if word == "minmax" => Ok(Method::MinMax),
        Some(("percentile", percent)) => match percent.parse::<f64>() {
            Ok(percent) if (LEAST_PERCENT..=100.0).contains(&percent) => Ok(Method::Percentile(percent)),
            _ => Err(format!("a percentile is a number from {LEAST_PERCENT} to 100, such as percentile=99.99")),
        },
        _ => Err("expected mse, minmax or percentile=P, such as percentile=99.99".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_have_names() {
        assert_eq!(method("mse"), Ok(Method::Mse));
        assert_eq!(method("minmax"), Ok(Method::MinMax));
        assert_eq!(method("percentile=99.9"), Ok(Method::Percentile(99.9)));
        for wrong in ["", "entropy", "percentile", "percentile=", "percentile=101", "percentile=NaN", "mse=1"] {
            assert!(method(wrong).is_err(), "{wrong}");
        }
    }
}
