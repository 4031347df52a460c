//! ONNX export of a Graph: what other runtimes load, and what ours is compared with.
//!
//! Values are NCHW with a batch of any size. A value is called after the node that makes it, a node after the Graph's
//! node; a fused operator becomes several nodes under its name (`blocks.2.0/expand`, `blocks.2.0/expand/relu`).
//! The same graph and weights give the same bytes: ONNX has lists only, and they are written in the Graph's order.

mod nodes;
mod proto;

use std::fmt;

use mnas_dsl::network::{Interpolation, Network, Preprocess};
use onnx_protobuf::{GraphProto, Message as _, ModelProto, OperatorSetIdProto};

use crate::graph::Graph;
use crate::parameter::ParameterError;
use crate::weights::Weights;

/// Version of the operators used; the first that has everything we need is 14 (HardSwish).
pub const OPSET: i64 = 17;
/// Version of the file format that goes with opset 17.
pub const IR_VERSION: i64 = 8;

/// Where a file comes from, as it is written into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// Version of mnas.
    pub mnas_version: String,
    /// Hash of the spec.
    pub spec_hash: String,
}

/// Writes a graph with its weights as an ONNX model.
///
/// The input is `input`, the output `logits`, or `features` for a network without a head. Batch norms that passes
/// folded are folded into the weights. `network` is what the graph was lowered from; its preprocessing goes into the
/// metadata.
///
/// # Errors
///
/// Weights that do not fit the graph, or a model of more than 2 GB, which a protocol buffer cannot hold.
pub fn export(
    graph: &Graph,
    network: &Network,
    weights: &Weights,
    metadata: &Metadata,
) -> Result<Vec<u8>, ExportError> {
    let model = ModelProto {
        ir_version: IR_VERSION,
        producer_name: "mnas".to_owned(),
        producer_version: metadata.mnas_version.clone(),
        opset_import: vec![OperatorSetIdProto { version: OPSET, ..Default::default() }],
        graph: Some(export_graph(graph, network, weights)?).into(),
        metadata_props: properties(network, metadata)
            .into_iter()
            .map(|(key, value)| proto::property(key, value))
            .collect(),
        ..Default::default()
    };
    model.write_to_bytes().map_err(|_| ExportError::TooLarge)
}

fn export_graph(graph: &Graph, network: &Network, weights: &Weights) -> Result<GraphProto, ExportError> {
    let output = if network.head.is_some() { "logits" } else { "features" };
    let mut exported = nodes::export(graph, weights, output, network.head.is_some())?;
    exported.name.clone_from(&graph.name);
    Ok(exported)
}

/// Metadata by key, in alphabetical order.
fn properties(network: &Network, metadata: &Metadata) -> Vec<(&'static str, String)> {
    let mut properties = Vec::new();
    if let Some(labels) = &network.labels {
        properties.push(("labels", labels.clone()));
    }
    properties.push(("mnas_version", metadata.mnas_version.clone()));
    if let Some(Preprocess { resize, interpolation, divide, mean, std }) = &network.preprocess {
        let interpolation = match interpolation {
            Interpolation::Bilinear => "bilinear",
            Interpolation::Bicubic => "bicubic",
        };
        properties.extend([
            ("preprocess.divide", divide.to_string()),
            ("preprocess.interpolation", interpolation.to_owned()),
            ("preprocess.mean", list(mean)),
            ("preprocess.resize", resize.to_string()),
            ("preprocess.std", list(std)),
        ]);
    }
    properties.push(("spec_hash", metadata.spec_hash.clone()));
    properties
}

fn list(values: &[f64]) -> String {
    values.iter().map(f64::to_string).collect::<Vec<_>>().join(",")
}

/// Why a graph could not be exported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExportError {
    /// The weights do not fit the graph.
    Parameter(ParameterError),
    /// The model has more than 2 GB.
    TooLarge,
}

impl From<ParameterError> for ExportError {
    fn from(error: ParameterError) -> Self {
        ExportError::Parameter(error)
    }
}

impl fmt::Display for ExportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ExportError::Parameter(error) => error.fmt(f),
            ExportError::TooLarge => write!(f, "the model has more than the 2 GB that an ONNX file can hold"),
        }
    }
}

impl std::error::Error for ExportError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            ExportError::Parameter(error) => Some(error),
            ExportError::TooLarge => None,
        }
    }
}
