//! ONNX files as files of weights, for networks whose spec there is.

use crate::error::{ImportError, Problems, shown};
use crate::proto::{ModelProto, TensorProto};
use crate::tensor::{Files, Store, type_name};
use crate::{Options, external_files, is_onnx, recognise};
use mnas_codegen::weights::format::{Format, Further, Read};
use mnas_codegen::weights::{
    self, Fitted, FormatError, Inventory, Listed, WeightTensor, Weights, WeightsError, parameters,
};
use mnas_dsl::Network;
use std::collections::BTreeMap;

/// The row of ONNX, to try before the other formats: a file that parses as ONNX is one.
pub const FORMAT: Format = Format {
    name: "ONNX",
    is: is_onnx,
    further: Further::Named(|bytes| external_files(bytes).map(|names| names.into_iter().collect()).map_err(refused)),
    list: |bytes| inventory(bytes).map_err(refused),
    read: Read::Network(|files, file_name, network| load(files.first, files.further, file_name, network)),
};

fn refused(error: ImportError) -> FormatError {
    FormatError::new(error.to_string())
}

/// The weights of `network`: by name where the file's constants have names that are known, else by what is recognised.
///
/// A file whose batch norms were folded into its convolutions has no names of batch norms. Its network is recognised as
/// by [`import`](crate::import()), and its layers are those of `network` in the same order. `file_name` is for errors.
///
/// # Errors
///
/// The file is no ONNX, or neither its names nor its layers are those of the network: then both are said.
pub fn load(bytes: &[u8], files: &Files, file_name: &str, network: &Network) -> Result<Fitted, WeightsError> {
    let unreadable = |error: ImportError| {
        let error = FormatError::new(error.to_string());
        WeightsError::Unreadable { file: file_name.to_owned(), error }
    };
    let by_name = constants(bytes, files).map_err(unreadable)?;
    let by_name = match weights::fit(by_name, file_name, network) {
        Ok(fitted) => return Ok(fitted),
        Err(error) => error,
    };
    let options = Options { name: network.name.clone(), input: Some(network.input) };
    let by_structure = match recognise(bytes, files, &options, Some(network.batch_norm_eps)) {
        Ok(imported) => rename(imported.weights, &imported.network, network),
        Err(error) => Err(error.to_string()),
    };
    let renamed =
        by_structure.map_err(|by_layers| WeightsError::UnfitLayers { by_name: Box::new(by_name), by_layers })?;
    let fitted = weights::fit(renamed, file_name, network)?;
    Ok(Fitted { scheme: "ONNX without names, by its layers", sources: BTreeMap::new(), ..fitted })
}

/// Lists the constants of a file.
///
/// # Errors
///
/// The file is no ONNX.
pub fn inventory(bytes: &[u8]) -> Result<Inventory, ImportError> {
    let model = ModelProto::read(bytes)?;
    let tensors = model.graph.iter().flat_map(|graph| &graph.initializers).map(listed).collect();
    Ok(Inventory { format: FORMAT.name, tensors, averages: None })
}

fn listed(tensor: &TensorProto) -> Listed {
    let shape: Vec<usize> = tensor.dims.iter().map(|&dim| usize::try_from(dim).unwrap_or(0)).collect();
    let (element, size) = match tensor.data_type {
        1 => ("float32".to_owned(), 4),
        6 => ("int32".to_owned(), 4),
        7 => ("int64".to_owned(), 8),
        9 => ("bool".to_owned(), 1),
        10 => ("float16".to_owned(), 2),
        11 => ("float64".to_owned(), 8),
        16 => ("bfloat16".to_owned(), 2),
        other => (type_name(other).to_lowercase(), 1),
    };
    let count = shape.iter().fold(1_u64, |count, &dim| count.saturating_mul(dim as u64));
    Listed { name: tensor.name.to_owned(), element, shape, bytes: count.saturating_mul(size) }
}

/// Every floating-point constant by name, and by the other names that a file gives to the same one.
fn constants(bytes: &[u8], files: &Files) -> Result<BTreeMap<String, WeightTensor>, ImportError> {
    let model = ModelProto::read(bytes)?;
    let store = Store::new(bytes.len(), files);
    let mut problems = Problems::default();
    let mut tensors = BTreeMap::new();
    let Some(graph) = &model.graph else { return Ok(tensors) };
    let mut by_name: BTreeMap<&str, &TensorProto> = BTreeMap::new();
    for tensor in &graph.initializers {
        if by_name.insert(tensor.name, tensor).is_some() {
            problems.push("", format!("two constants are called `{}`", shown(tensor.name)), "");
        }
    }
    // PyTorch's exporter writes equal constants once.
    for node in graph.nodes.iter().filter(|node| node.op_type == "Identity") {
        if let ([of], [name]) = (&node.inputs[..], &node.outputs[..])
            && let Some(&tensor) = by_name.get(of)
        {
            by_name.entry(name).or_insert(tensor);
        }
    }
    for (name, tensor) in by_name {
        // Whole numbers are shapes and pads, scalars the bounds of activations.
        if !matches!(tensor.data_type, 1 | 10 | 11 | 16) || tensor.dims.is_empty() {
            continue;
        }
        match store.weights(tensor) {
            Ok(weights) => {
                tensors.insert(name.to_owned(), weights);
            }
            Err(error) => problems.push("", format!("constant `{}` {error}", shown(name)), ""),
        }
    }
    if problems.is_empty() { Ok(tensors) } else { Err(problems.into()) }
}

/// Gives the weights of one network the names of another with the same layers, which may be grouped otherwise.
fn rename(mut weights: Weights, from: &Network, to: &Network) -> Result<Weights, String> {
    let (theirs, ours) = (parameters(from), parameters(to));
    if theirs.len() != ours.len() {
        return Err(format!("it has {} tensors of weights, the network {}", theirs.len(), ours.len()));
    }
    let mut renamed = Weights::new();
    for (theirs, ours) in theirs.iter().zip(&ours) {
        if (&theirs.shape, theirs.kind) != (&ours.shape, ours.kind) {
            return Err(format!("where the network has `{}` {:?}, it has {:?}", ours.name, ours.shape, theirs.shape));
        }
        if let Some(tensor) = weights.remove(&theirs.name) {
            renamed.insert(ours.name.clone(), tensor);
        }
    }
    Ok(renamed)
}
