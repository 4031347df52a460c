//! Networks in int8 as ONNX: QuantizeLinear and DequantizeLinear around operators, which runtimes join to integer ones.
//!
//! The file computes the integers of [`crate::quantized::run`]. Maps of bytes have one scale there and in the file, so
//! a map with one scale a channel gets a power of two as its scale, and its channels' scales go into the weights of the
//! convolutions around it; see [`scales`].
//!
//! | operator | in the file |
//! |---|---|
//! | convolution; linear, relu, relu6 | DequantizeLinear, Conv, QuantizeLinear: the limits of the byte are the activation |
//! | convolution; another activation, or the last node | ConvInteger, and the activation on the sum in f32 |
//! | fully connected layer | Gemm, whose result stays f32 |
//! | sum, pools, squeeze-excite | their operators between DequantizeLinear and QuantizeLinear |
//! | pool or gate over maps with one scale a channel | in f32, exactly: a runtime's integer form has one multiplier |

mod nodes;
mod scales;

use mnas_dsl::network::Network;

use super::model::{ExportError, Metadata, model, output_name, write};
use crate::quantized::Quantized;

/// Writes a network in int8 as an ONNX model with the same integers.
///
/// The input, `input`, is f32 and quantised by the first node; the output, f32 too, is `logits`, or `features` for a
/// network without a head. `network` is what the graph was lowered from.
///
/// # Errors
///
/// Scales so far apart that `f32` cannot hold their ratio, or a model of more than 2 GB.
pub fn export_quantized(quantized: &Quantized, network: &Network, metadata: &Metadata) -> Result<Vec<u8>, ExportError> {
    let mut graph = nodes::export(quantized, output_name(network), network.head.is_some())?;
    graph.name.clone_from(&quantized.graph.name);
    write(&model(graph, network, metadata, Some("int8")))
}
