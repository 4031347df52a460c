//! `mnasc convert SPEC --weights FILE -o OUT.safetensors`

use crate::cli::{ConvertArgs, Dtype};
use crate::error::{Error, Result};
use crate::output::{self, Artifact};
use crate::{input, weight_file};
use mnas_codegen::weights::{self, Fitted, safetensors};
use mnas_dsl::Network;
use serde_json::json;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Writes weights as safetensors with mnas's names.
pub(crate) fn run(args: &ConvertArgs) -> Result<()> {
    let (_, network) = input::spec(&args.spec)?;
    let read = args.weights.weights.as_ref().map(|path| weight_file::files(path)).unwrap_or_default();
    let inputs: Vec<&Path> = read.iter().chain([&args.spec]).map(PathBuf::as_path).collect();
    output::refuse_overwriting(&args.output, &inputs)?;
    let fitted = match (&args.weights.weights, args.weights.random_weights) {
        (Some(path), _) => weight_file::load(path, &network)?,
        (None, seed) => random(&network, seed.unwrap_or(0)),
    };
    let write = match args.dtype {
        Dtype::F32 => safetensors::write,
        Dtype::F16 => safetensors::write_f16,
    };
    let bytes = write(&fitted.weights).map_err(|error| Error::input(error.to_string()))?;
    let size = bytes.len();
    output::write_all(&[Artifact { path: args.output.clone(), bytes }])?;
    if args.json {
        return output::print_json(&json!({
            "network": network.name,
            "names": fitted.scheme,
            "bytes": size,
            "tensors": fitted.sources,
        }));
    }
    output::print(&text(args, &network, &fitted, size))
}

fn text(args: &ConvertArgs, network: &Network, fitted: &Fitted, size: usize) -> String {
    let mut text = String::new();
    if args.list {
        let width = fitted.sources.keys().map(String::len).max().unwrap_or(0);
        for parameter in weights::parameters(network) {
            let theirs = fitted.sources.get(&parameter.name).map_or("", String::as_str);
            let _ = writeln!(text, "{:width$}  {}", parameter.name, theirs.escape_debug());
        }
    }
    let _ = writeln!(
        text,
        "{}: {} tensors of `{}`, {size} bytes; names were: {}",
        args.output.display(),
        fitted.weights.len(),
        network.name,
        fitted.scheme
    );
    text
}

/// Random weights, which already have mnas's names.
fn random(network: &Network, seed: u64) -> Fitted {
    let weights = weights::random(network, seed);
    let sources = weights.keys().map(|name| (name.clone(), name.clone())).collect();
    Fitted { weights, scheme: "mnas", sources, notes: Vec::new() }
}
