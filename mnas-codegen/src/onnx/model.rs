//! The file around a graph: versions, metadata, why a file cannot be written.

use std::fmt;

use mnas_dsl::network::{Interpolation, Network, Preprocess};
use onnx_protobuf::{GraphProto, Message as _, ModelProto, OperatorSetIdProto};

use super::proto::property;
use crate::parameter::ParameterError;

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

/// The model around a graph. `precision` is said in the metadata where it is not that of `f32`.
pub(super) fn model(graph: GraphProto, network: &Network, metadata: &Metadata, precision: Option<&str>) -> ModelProto {
    ModelProto {
        ir_version: IR_VERSION,
        producer_name: "mnas".to_owned(),
        producer_version: metadata.mnas_version.clone(),
        opset_import: vec![OperatorSetIdProto { version: OPSET, ..Default::default() }],
        graph: Some(graph).into(),
        metadata_props: properties(network, metadata, precision)
            .into_iter()
            .map(|(key, value)| property(key, value))
            .collect(),
        ..Default::default()
    }
}

pub(super) fn write(model: &ModelProto) -> Result<Vec<u8>, ExportError> {
    model.write_to_bytes().map_err(|_| ExportError::TooLarge)
}

/// Name of the result.
pub(super) fn output_name(network: &Network) -> &'static str {
    if network.head.is_some() { "logits" } else { "features" }
}

/// Metadata by key, in alphabetical order.
fn properties(network: &Network, metadata: &Metadata, precision: Option<&str>) -> Vec<(&'static str, String)> {
    let mut properties = Vec::new();
    if let Some(labels) = &network.labels {
        properties.push(("labels", labels.clone()));
    }
    properties.push(("mnas_version", metadata.mnas_version.clone()));
    if let Some(precision) = precision {
        properties.push(("precision", precision.to_owned()));
    }
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
    /// Scales of a network in int8 are so far apart that `f32` cannot hold their ratio.
    Scales {
        /// The node between them.
        node: String,
    },
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
            ExportError::Scales { node } => {
                write!(f, "the scales around `{node}` are too far apart; their ratio has to be a finite `f32`")
            }
            ExportError::TooLarge => write!(f, "the model has more than the 2 GB that an ONNX file can hold"),
        }
    }
}

impl std::error::Error for ExportError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            ExportError::Parameter(error) => Some(error),
            ExportError::Scales { .. } | ExportError::TooLarge => None,
        }
    }
}
