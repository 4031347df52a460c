//! Output files: Rust, packed weights and ONNX.

use crate::error::{Error, Result};
use crate::output::Artifact;
use mnas_codegen::code::Code;
use mnas_codegen::compile::{VERSION, spec_hash};
use mnas_codegen::graph::Graph;
use mnas_codegen::onnx::{self, Metadata};
use mnas_codegen::quantized::Quantized;
use mnas_codegen::weights::Weights;
use mnas_dsl::{Network, Spec};
pub(crate) use mnas_measure::compiler::{build, build_f32, text};
use std::path::Path;

/// The ONNX file of a network's graph, as lowered or after passes.
pub(crate) fn onnx_file(spec: &Spec, network: &Network, graph: &Graph, weights: Option<&Weights>) -> Result<Vec<u8>> {
    let Some(weights) = weights else {
        return Err(Error::input("an ONNX file needs weights, but none were given")
            .hint("give `--weights FILE`, or `--random-weights SEED` to try it out"));
    };
    let exported = onnx::export(graph, network, weights, &metadata(spec));
    exported.map_err(|error| Error::input(error.to_string()))
}

/// The ONNX file of a network in int8.
pub(crate) fn int8_onnx_file(spec: &Spec, network: &Network, quantized: &Quantized) -> Result<Vec<u8>> {
    let exported = onnx::export_quantized(quantized, network, &metadata(spec));
    exported.map_err(|error| Error::input(error.to_string()))
}

fn metadata(spec: &Spec) -> Metadata {
    Metadata { mnas_version: VERSION.to_owned(), spec_hash: spec_hash(spec) }
}

/// OUT.rs, and OUT.weights if weights were given.
pub(crate) fn rust_files(compiled: &Code, out: &Path) -> Result<Vec<Artifact>> {
    let beside = out.with_extension("weights");
    let Some(weights) = compiled.weights() else {
        return Ok(vec![Artifact { path: out.to_owned(), bytes: text(compiled, "")?.into_bytes() }]);
    };
    if beside == out {
        return Err(Error::input(format!("`{}` is the name of the weights file", out.display()))
            .hint("end the output's name in `.rs`"));
    }
    let Some(name) = beside.file_name().and_then(|name| name.to_str()) else {
        return Err(Error::input(format!("`{}` cannot be named in Rust source", beside.display()))
            .hint("give the output a file name in UTF-8"));
    };
    // Weights are written first, so that new code is never beside old weights.
    Ok(vec![
        Artifact { path: beside.clone(), bytes: weights.to_vec() },
        Artifact { path: out.to_owned(), bytes: text(compiled, name)?.into_bytes() },
    ])
}
