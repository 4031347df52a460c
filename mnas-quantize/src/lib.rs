//! Post-training quantisation: from a float network and some pictures to a network in int8.
//!
//! ```text
//! pictures -> observe (histograms) -> ranges (scales, zero points) -> weights -> rounding, bias correction -> Quantized
//! ```
//!
//! What the integers mean is defined in [`mnas_codegen::quantized`]; this crate chooses them. It reads no files and
//! draws no random numbers: equal pictures in equal order give equal bytes.
#![forbid(unsafe_code)]

mod evaluate;
mod histogram;
mod layers;
mod linear_algebra;
mod observe;
mod ranges;
mod rounding;
mod sequential;
mod spread;
mod weights;

use mnas_codegen::graph::{Graph, TensorId};
use mnas_codegen::quantized::structure::{Role, roles};
use mnas_codegen::quantized::{Map, Quantized};
use mnas_codegen::reference::ReferenceError;
use mnas_codegen::weights::Weights;
use std::collections::BTreeMap;

pub use evaluate::{Comparer, Comparison};
pub use layers::LayerError;
pub use observe::Observations;
pub use ranges::Method;
pub use sequential::images_in;

/// How a network is quantised.
#[derive(Clone, Debug)]
pub struct Options {
    /// How ranges follow from what was observed.
    pub method: Method,
    /// Whether maps inside of blocks have one scale a channel.
    pub by_channel: bool,
    /// Whether weights are rounded so that a layer's outputs stay near, rather than each to its nearest integer.
    pub rounding: bool,
    /// Whether biases are corrected for the mean error that is left.
    pub bias_correction: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options { method: Method::Mse, by_channel: true, rounding: true, bias_correction: true }
    }
}

/// Quantises a float network. `graph` is [`mnas_codegen::quantized::graph`]'s; `images` (HWC, normalised) are those that
/// rounding and bias correction run on, and may be fewer than were observed.
///
/// # Errors
///
/// The weights do not fit the graph.
pub fn quantize(
    graph: &Graph,
    weights: &Weights,
    observations: &Observations,
    images: &[Vec<f32>],
    options: &Options,
) -> Result<Quantized, ReferenceError> {
    let maps = maps(graph, weights, observations, options)?;
    let mut network = Quantized { graph: graph.clone(), maps, layers: BTreeMap::new() };
    weights::quantize(&mut network, weights)?;
    if (options.rounding || options.bias_correction) && !images.is_empty() {
        sequential::treat(&mut network, weights, images, options)?;
    }
    Ok(network)
}

fn maps(
    graph: &Graph,
    weights: &Weights,
    observations: &Observations,
    options: &Options,
) -> Result<Vec<Option<Map>>, ReferenceError> {
    let mut groups: BTreeMap<usize, Vec<Member>> = BTreeMap::new();
    let roles = roles(graph);
    for (id, role) in roles.iter().enumerate() {
        if let Role::Map { group, .. } = role {
            groups.entry(*group).or_default().push(Member { id: TensorId(id), role: *role });
        }
    }
    let mut maps: Vec<Option<Map>> = vec![None; graph.tensors.len()];
    for members in groups.values() {
        match members[..] {
            [Member { id, role: role @ Role::Map { by_channel: true, .. } }] if options.by_channel => {
                let importance = weights::importance(graph, weights, id)?;
                maps[id.0] = Some(ranges::by_channel(id, observations, &importance, role, options.method));
            }
            _ => {
                let zeros_and_scale = ranges::of_group(members, observations, options.method);
                for (member, zero) in members.iter().zip(zeros_and_scale.0) {
                    maps[member.id.0] = Some(Map { scales: vec![zeros_and_scale.1], zero });
                }
            }
        }
    }
    Ok(maps)
}

/// A tensor of a group of maps that share their scale.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member {
    pub(crate) id: TensorId,
    pub(crate) role: Role,
}

impl Member {
    pub(crate) fn is_positive(&self) -> bool {
        matches!(self.role, Role::Map { positive: true, .. })
    }
}
