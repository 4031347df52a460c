//! ONNX export of a Graph: what other runtimes load, and what ours is compared with.
//!
//! Values are NCHW with a batch of any size. A value is called after the node that makes it, a node after the Graph's
//! node; a fused operator becomes several nodes under its name (`blocks.2.0/expand`, `blocks.2.0/expand/relu`).
//! The same graph and weights give the same bytes: ONNX has lists only, and they are written in the Graph's order.

mod builder;
mod model;
mod nodes;
mod proto;
mod quantized;

use mnas_dsl::network::Network;

use crate::graph::Graph;
use crate::weights::Weights;

pub use model::{ExportError, IR_VERSION, Metadata, OPSET};
pub use quantized::export_quantized;

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
    let mut exported = nodes::export(graph, weights, model::output_name(network), network.head.is_some())?;
    exported.name.clone_from(&graph.name);
    model::write(&model::model(exported, network, metadata, None))
}
