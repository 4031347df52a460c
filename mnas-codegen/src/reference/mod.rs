//! The reference executor: what a Graph computes, by plain loops in f64.
//!
//! Kernels, ONNX files and passes are held against it, so it is written to be read. It takes any graph, whatever
//! passes ran. Feature maps are HWC: the channels of a pixel stand together.

mod activation;
mod average_pool;
mod conv;
mod elementwise;
mod linear;
mod max_pool;
mod squeeze_excite;

use std::collections::BTreeMap;
use std::fmt;

use crate::graph::{Graph, Node, Op, TensorId};
use crate::parameter::{BatchNormParameters, ParameterError};
use crate::weights::Weights;

pub use activation::apply as apply_activation;

/// Which tensors to keep; the others go as soon as their last consumer has run.
#[derive(Clone, Copy, Debug)]
pub enum Keep<'a> {
    /// Every tensor.
    All,
    /// The last tensor of each layer, and the network's output.
    LayerOutputs,
    /// These, and the network's output.
    Only(&'a [TensorId]),
}

/// Tensors of one run, HWC.
#[derive(Clone, Debug, PartialEq)]
pub struct Outputs {
    values: BTreeMap<TensorId, Vec<f64>>,
    output: TensorId,
}

impl Outputs {
    /// The network's output.
    pub fn output(&self) -> &[f64] {
        &self.values[&self.output]
    }

    /// A tensor; `None` if it was not kept.
    pub fn get(&self, id: TensorId) -> Option<&[f64]> {
        self.values.get(&id).map(Vec::as_slice)
    }
}

/// Runs a graph on one image (HWC) and keeps every tensor.
///
/// # Errors
///
/// The input has another length than the graph's, or the weights do not fit it.
pub fn run(graph: &Graph, weights: &Weights, input: &[f32]) -> Result<Outputs, ReferenceError> {
    run_keeping(graph, weights, input, Keep::All)
}

/// [`run`], but keeps only the tensors that `keep` names.
///
/// # Errors
///
/// As [`run`].
pub fn run_keeping(graph: &Graph, weights: &Weights, input: &[f32], keep: Keep<'_>) -> Result<Outputs, ReferenceError> {
    let expected = graph.shape(graph.input).len();
    if input.len() != expected {
        return Err(ReferenceError::InputLength { expected, found: input.len() });
    }
    let kept = kept_tensors(graph, keep);
    let mut values = BTreeMap::from([(graph.input, input.iter().copied().map(f64::from).collect())]);
    for (index, node) in graph.nodes.iter().enumerate() {
        let result = run_node(graph, node, weights, &values)?;
        values.insert(node.output, result);
        for input in &node.inputs {
            let is_read_later = graph.nodes[index + 1..].iter().any(|later| later.inputs.contains(input));
            if !is_read_later && !kept[input.0] {
                values.remove(input);
            }
        }
    }
    Ok(Outputs { values, output: graph.output })
}

/// Runs some of a graph's nodes, in order, on tensors that are given; gives what they make.
///
/// # Errors
///
/// The weights do not fit the graph.
///
/// # Panics
///
/// If an operand is neither given nor made by these nodes.
pub fn run_nodes(
    graph: &Graph,
    nodes: &[Node],
    weights: &Weights,
    given: &BTreeMap<TensorId, Vec<f64>>,
) -> Result<BTreeMap<TensorId, Vec<f64>>, ReferenceError> {
    let mut values = given.clone();
    for node in nodes {
        let result = run_node(graph, node, weights, &values)?;
        values.insert(node.output, result);
    }
    values.retain(|id, _| nodes.iter().any(|node| node.output == *id));
    Ok(values)
}

fn kept_tensors(graph: &Graph, keep: Keep<'_>) -> Vec<bool> {
    let mut kept = vec![matches!(keep, Keep::All); graph.tensors.len()];
    kept[graph.output.0] = true;
    match keep {
        Keep::All => {}
        Keep::LayerOutputs => graph.layers.iter().for_each(|layer| kept[layer.output.0] = true),
        Keep::Only(ids) => ids.iter().for_each(|id| kept[id.0] = true),
    }
    kept
}

fn run_node(
    graph: &Graph,
    node: &Node,
    weights: &Weights,
    values: &BTreeMap<TensorId, Vec<f64>>,
) -> Result<Vec<f64>, ParameterError> {
    let x = &values[&node.inputs[0]];
    let input = graph.shape(node.inputs[0]);
    let output = graph.shape(node.output);
    Ok(match &node.op {
        Op::Conv(conv) => {
            let residual = if conv.residual.is_some() { Some(values[&node.inputs[1]].as_slice()) } else { None };
            conv::run(conv, weights, x, input, output, residual)?
        }
        Op::BatchNorm { param, eps } => {
            let norm = BatchNormParameters::find(weights, param, input.channels)?;
            elementwise::batch_norm(x.clone(), &norm, *eps)
        }
        Op::Activation(activation) => x.iter().map(|&x| activation::apply(*activation, x)).collect(),
        Op::Add => {
            let mut y = x.clone();
            elementwise::add(&mut y, &values[&node.inputs[1]]);
            y
        }
        Op::Multiply => elementwise::multiply_channels(x, &values[&node.inputs[1]]),
        Op::GlobalAveragePool => average_pool::global(x, input),
        Op::AveragePool { kernel_size, stride, pads } => {
            average_pool::window(x, input, output, *kernel_size, *stride, *pads)
        }
        Op::MaxPool { kernel_size, stride, pads } => max_pool::run(x, input, output, *kernel_size, *stride, *pads),
        Op::Linear { param } => linear::run(param, weights, x, output.channels)?,
        Op::SqueezeExcite { reduce, expand } => squeeze_excite::run(reduce, expand, weights, x, input)?,
    })
}

/// Why a graph could not be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReferenceError {
    /// The input is no image of the graph's size.
    InputLength {
        /// Values that the graph's input has.
        expected: usize,
        /// Values given.
        found: usize,
    },
    /// The weights do not fit the graph.
    Parameter(ParameterError),
}

impl From<ParameterError> for ReferenceError {
    fn from(error: ParameterError) -> Self {
        ReferenceError::Parameter(error)
    }
}

impl fmt::Display for ReferenceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReferenceError::InputLength { expected, found } => {
                write!(f, "the input has {found} values, the network takes {expected}")
            }
            ReferenceError::Parameter(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ReferenceError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            ReferenceError::InputLength { .. } => None,
            ReferenceError::Parameter(error) => Some(error),
        }
    }
}
