//! The file of a network in int8: safetensors that holds integers, scales and zero points by name.
//!
//! | tensor | type and shape |
//! |---|---|
//! | `P.weight` of a layer `P` | I8, as the f32 weight |
//! | `P.weight_scale` | F32 \[outputs\] |
//! | `P.bias` | I32 \[outputs\] |
//! | `T.scale` of a map `T` | F32 \[1\] or \[channels\] |
//! | `T.zero_point` | U8 \[1\] |
//!
//! The one entry of the metadata, `mnas.int8`, is the version of this layout.

use super::arithmetic::RELU6_SCALE;
use super::structure::{Role, roles};
use super::{Integers, Map, Quantized, conv_of};
use crate::graph::{Graph, Op, TensorId};
use crate::weights::format::safetensors::open;
use ::safetensors::tensor::{Dtype, Metadata, TensorView};
use std::collections::BTreeMap;
use std::fmt;

/// Key of the metadata that says what the file is.
const KEY: &str = "mnas.int8";
/// Version of the layout.
const VERSION: &str = "1";
/// A bias and a sum together stay far from the ends of an `i32`.
const LARGEST_BIAS: i32 = 1 << 30;

/// Why a file is not a network in int8 that fits the spec: every problem, one a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileError {
    /// What is wrong, in the order of the graph.
    pub problems: Vec<String>,
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 8;
        for (index, problem) in self.problems.iter().take(SHOWN).enumerate() {
            let separator = if index > 0 { "\n" } else { "" };
            write!(f, "{separator}{problem}")?;
        }
        match self.problems.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, "\nand {more} more"),
        }
    }
}

impl std::error::Error for FileError {}

/// Whether a file says that it is a network in int8.
pub fn is_quantized(bytes: &[u8]) -> bool {
    open(bytes).is_ok_and(|(metadata, _)| says_so(&metadata))
}

fn says_so(metadata: &Metadata) -> bool {
    metadata.metadata().as_ref().is_some_and(|entries| entries.contains_key(KEY))
}

/// The bytes of the file. Equal networks give equal bytes.
///
/// # Panics
///
/// If the network is not consistent.
pub fn write(network: &Quantized) -> Vec<u8> {
    let mut tensors: BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)> = BTreeMap::new();
    let floats = |values: &[f32]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
    for node in &network.graph.nodes {
        let Some(conv) = conv_of(&network.graph, node) else { continue };
        let layer = &network.layers[&conv.param];
        let weight = layer.weight.iter().map(|w| w.to_le_bytes()[0]).collect();
        let shape = conv.weight_shape().to_vec();
        tensors.insert(format!("{}.weight", conv.param), (Dtype::I8, shape, weight));
        let outputs = vec![conv.output_channels];
        tensors
            .insert(format!("{}.weight_scale", conv.param), (Dtype::F32, outputs.clone(), floats(&layer.weight_scale)));
        let bias = layer.bias.iter().flat_map(|v| v.to_le_bytes()).collect();
        tensors.insert(format!("{}.bias", conv.param), (Dtype::I32, outputs, bias));
    }
    for (tensor, map) in network.graph.tensors.iter().zip(&network.maps) {
        let Some(map) = map else { continue };
        let scales = (Dtype::F32, vec![map.scales.len()], floats(&map.scales));
        tensors.insert(format!("{}.scale", tensor.name), scales);
        tensors.insert(format!("{}.zero_point", tensor.name), (Dtype::U8, vec![1], vec![map.zero]));
    }
    let views = tensors.iter().map(|(name, (dtype, shape, bytes))| {
        let view = TensorView::new(*dtype, shape.clone(), bytes).expect("as many bytes as the shape says");
        (name.clone(), view)
    });
    let metadata = [(KEY.to_owned(), VERSION.to_owned())].into_iter().collect();
    ::safetensors::serialize(views, Some(metadata)).expect("shapes and bytes agree")
}

/// Reads a network in int8 for a graph (see [`super::graph`]) and checks everything that the executor and the kernels
/// rely on.
///
/// # Errors
///
/// Every tensor that is missing, has another type or shape, or a value that is not allowed.
pub fn read(bytes: &[u8], graph: &Graph) -> Result<Quantized, FileError> {
    let fail = |problem: String| FileError { problems: vec![problem] };
    let (metadata, data) = open(bytes).map_err(|error| fail(error.to_string()))?;
    if !says_so(&metadata) {
        return Err(fail(format!("the file is not a network in int8: its metadata has no `{KEY}`")));
    }
    let mut reader = Reader { metadata, data, problems: Vec::new() };
    let roles = roles(graph);
    let maps: Vec<Option<Map>> = graph
        .tensors
        .iter()
        .zip(&roles)
        .map(|(tensor, role)| match role {
            Role::Map { .. } => Some(reader.map(&tensor.name, tensor.shape.channels, *role)),
            Role::Output | Role::Sum => None,
        })
        .collect();
    reader.check_groups(graph, &roles, &maps);
    reader.check_pools(graph, &maps);
    let mut layers = BTreeMap::new();
    for node in &graph.nodes {
        let Some(conv) = conv_of(graph, node) else { continue };
        let outputs = conv.output_channels;
        let weight: Vec<i8> = reader
            .bytes(&format!("{}.weight", conv.param), Dtype::I8, &conv.weight_shape())
            .iter()
            .map(|&b| b as i8)
            .collect();
        if weight.contains(&i8::MIN) {
            reader.problems.push(format!("`{}.weight` has a weight of -128; the least is -127", conv.param));
        }
        let weight_scale = reader.scales(&format!("{}.weight_scale", conv.param), &[outputs]);
        let name = format!("{}.bias", conv.param);
        let bias: Vec<i32> =
            reader.bytes(&name, Dtype::I32, &[outputs]).chunks_exact(4).map(four).map(i32::from_le_bytes).collect();
        if bias.iter().any(|b| b.unsigned_abs() > LARGEST_BIAS.unsigned_abs()) {
            reader.problems.push(format!("`{name}` has a value beyond 2^30"));
        }
        layers.insert(conv.param.clone(), Integers { weight, weight_scale, bias });
    }
    if reader.problems.is_empty() {
        Ok(Quantized { graph: graph.clone(), maps, layers })
    } else {
        Err(FileError { problems: reader.problems })
    }
}

fn four(bytes: &[u8]) -> [u8; 4] {
    [bytes[0], bytes[1], bytes[2], bytes[3]]
}

struct Reader<'f> {
    metadata: Metadata,
    data: &'f [u8],
    problems: Vec<String>,
}

impl<'f> Reader<'f> {
    /// The bytes of a tensor; nothing, and a problem, where it is missing or different.
    fn bytes(&mut self, name: &str, dtype: Dtype, shape: &[usize]) -> &'f [u8] {
        let data = self.data;
        match self.metadata.info(name) {
            None => self.problems.push(format!("`{name}` is missing")),
            Some(info) if info.dtype != dtype || info.shape != shape => {
                let found = format!("{:?} {:?}", info.dtype, info.shape);
                self.problems.push(format!("`{name}` is {found}; the network needs {dtype:?} {shape:?}"));
            }
            Some(info) => match data.get(info.data_offsets.0..info.data_offsets.1) {
                Some(bytes) => return bytes,
                None => self.problems.push(format!("`{name}` lies outside of the file")),
            },
        }
        &[]
    }

    fn scales(&mut self, name: &str, shape: &[usize]) -> Vec<f32> {
        let scales: Vec<f32> =
            self.bytes(name, Dtype::F32, shape).chunks_exact(4).map(four).map(f32::from_le_bytes).collect();
        if scales.iter().any(|s| !s.is_normal() || *s < 0.0) {
            self.problems.push(format!("`{name}` has a value that is not a positive normal number"));
        }
        scales
    }

    fn map(&mut self, tensor: &str, channels: usize, role: Role) -> Map {
        let Role::Map { positive, relu6, by_channel, gate, .. } = role else { unreachable!("only maps are read") };
        let (name, zero_name) = (format!("{tensor}.scale"), format!("{tensor}.zero_point"));
        let one = self.metadata.info(&name).is_some_and(|info| info.shape == [1]);
        let len = if one || !by_channel { 1 } else { channels };
        let scales = self.scales(&name, &[len]);
        if relu6 && scales.iter().any(|s| *s > RELU6_SCALE) {
            self.problems.push(format!("`{name}` is larger than 6/255, and the map is behind relu6"));
        }
        if gate && scales.iter().any(|s| *s != 1.0 / 255.0) {
            self.problems.push(format!("`{name}` of a gate is 1/255"));
        }
        let zero = self.bytes(&zero_name, Dtype::U8, &[1]).first().copied().unwrap_or(0);
        if zero % 2 != 0 || (positive && zero != 0) {
            let expected = if positive { "0" } else { "even" };
            self.problems.push(format!("`{zero_name}` is {zero}; it has to be {expected}"));
        }
        Map { scales, zero }
    }

    /// Maps of a group have one scale.
    fn check_groups(&mut self, graph: &Graph, roles: &[Role], maps: &[Option<Map>]) {
        let mut first: BTreeMap<usize, (TensorId, &Map)> = BTreeMap::new();
        for (id, (role, map)) in roles.iter().zip(maps).enumerate() {
            let (Role::Map { group, .. }, Some(map)) = (role, map) else { continue };
            let (leader, known) = first.entry(*group).or_insert((TensorId(id), map));
            if known.scales != map.scales {
                let (a, b) = (&graph.tensor(*leader).name, &graph.tensor(TensorId(id)).name);
                self.problems
                    .push(format!("`{b}.scale` differs from `{a}.scale`; maps that are added share their scale"));
            }
        }
    }

    /// A pool by windows moves bytes, so both of its maps have one zero point.
    fn check_pools(&mut self, graph: &Graph, maps: &[Option<Map>]) {
        for node in &graph.nodes {
            let (from, to) = (node.inputs[0], node.output);
            let (Some(input), Some(output)) = (&maps[from.0], &maps[to.0]) else { continue };
            let is_pool = matches!(node.op, Op::AveragePool { .. } | Op::MaxPool { .. });
            if is_pool && input.zero != output.zero {
                let (name, input_zero, zero) = (&graph.tensor(to).name, input.zero, output.zero);
                let problem =
                    format!("`{name}.zero_point` is {zero}; a pool keeps the zero point of its input, {input_zero}");
                self.problems.push(problem);
            }
        }
    }
}
