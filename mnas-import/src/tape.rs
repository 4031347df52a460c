//! The tape: a file's network as a list of steps on feature maps, each after the steps that it reads.

use crate::error::shown;
use crate::proto::GraphProto;
use crate::tensor::{Small, Store};
use mnas_dsl::network::{Activation, Pads, Shape};
use std::collections::{BTreeMap, BTreeSet};

pub(crate) use crate::constant::{Constant, Integers};

/// Index of a step.
pub(crate) type StepId = usize;

/// One operator. Its result has `shape`, whatever the batch.
#[derive(Clone, Debug)]
pub(crate) struct Step<'a> {
    /// Index of the node; `None` is the network's input.
    pub(crate) node: Option<usize>,
    pub(crate) op: Op<'a>,
    pub(crate) inputs: Vec<StepId>,
    pub(crate) shape: Shape,
}

#[derive(Clone, Debug)]
pub(crate) enum Op<'a> {
    Input,
    Conv(Conv<'a>),
    BatchNorm(BatchNorm<'a>),
    /// What is left of a batch norm whose statistics were folded.
    Affine(Affine<'a>),
    /// `None` is one that the language does not have. It is reported already and counts as equal to any other.
    Activation(Option<Activation>),
    Add,
    Multiply,
    GlobalAveragePool,
    AveragePool {
        kernel_size: usize,
        stride: usize,
        pads: Pads,
        counts_padding: bool,
    },
    /// Padding never wins.
    MaxPool {
        kernel_size: usize,
        stride: usize,
        pads: Pads,
    },
}

/// A convolution, or a fully connected layer on a vector, which is a convolution of one pixel.
#[derive(Clone, Debug)]
pub(crate) struct Conv<'a> {
    pub(crate) weight: Constant<'a>,
    pub(crate) bias: Option<Constant<'a>>,
    pub(crate) output_channels: usize,
    pub(crate) kernel_size: usize,
    pub(crate) stride: usize,
    pub(crate) pads: Pads,
    pub(crate) depthwise: bool,
    /// Whether it was written as a fully connected layer.
    pub(crate) linear: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct BatchNorm<'a> {
    /// `weight`, `bias`, `running_mean`, `running_var`.
    pub(crate) constants: [Constant<'a>; 4],
    pub(crate) eps: f32,
}

/// A factor for each channel, and what is added then.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Affine<'a> {
    pub(crate) scale: Constant<'a>,
    pub(crate) shift: Option<Constant<'a>>,
}

/// A relu that a file leaves to the limits of a byte.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limit {
    /// The activation.
    pub(crate) step: StepId,
    /// The largest value.
    pub(crate) most: f64,
}

/// The value of a name.
#[derive(Clone, Debug)]
pub(crate) enum Value<'a> {
    /// Data of the file.
    Constant(Constant<'a>),
    /// A result of arithmetic on constants.
    Small(Small),
    /// The result of a step, with rows and columns of zeros around it that the next operator takes in.
    Map { step: StepId, pads: Pads },
    /// The result of a step with its last axis for the channels.
    ChannelsLast { step: StepId },
    /// The result of a step with rows and columns around it that never win, for a max pool.
    Walled { step: StepId, pads: Pads },
    /// The result of a step with a largest value, which a least one makes an activation of.
    Capped { step: StepId, cap: f64 },
    /// Half of a hard swish or hard sigmoid.
    Half { step: StepId, form: Half },
    /// The result of a node that is reported.
    Broken,
}

/// How far `relu6(x + 3) / 6 * x` has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Half {
    /// `x + 3`.
    Shifted,
    /// `relu(x + 3)`.
    Rectified,
    /// `relu6(x + 3)`.
    Clipped,
    /// `x * relu6(x + 3)`.
    Product,
}

/// What was found, and what was expected.
pub(crate) struct Mistake {
    pub(crate) found: String,
    pub(crate) expected: String,
}

impl Mistake {
    pub(crate) fn new(found: impl Into<String>, expected: impl Into<String>) -> Self {
        Mistake { found: found.into(), expected: expected.into() }
    }
}

impl From<String> for Mistake {
    fn from(found: String) -> Self {
        Mistake { found, expected: String::new() }
    }
}

/// The network of a file as steps.
#[derive(Debug)]
pub(crate) struct Tape<'a> {
    pub(crate) graph: &'a GraphProto<'a>,
    pub(crate) store: &'a Store<'a>,
    /// The batch as the file says it; 1 where it leaves it open.
    pub(crate) batch: usize,
    pub(crate) steps: Vec<Step<'a>>,
    pub(crate) values: BTreeMap<&'a str, Value<'a>>,
    /// Every name that a node makes, to distinguish a missing value from one that is out of order.
    pub(crate) made: BTreeSet<&'a str>,
    /// The step whose result is the network's.
    pub(crate) output: Option<StepId>,
    /// Scales of the bytes that steps were turned into.
    pub(crate) scales: BTreeMap<StepId, Vec<f64>>,
    /// Activations that are the limits of bytes.
    pub(crate) limits: Vec<Limit>,
    /// What was left out, each a line.
    pub(crate) notes: Vec<String>,
}

impl<'a> Tape<'a> {
    /// Without steps.
    pub(crate) fn new(graph: &'a GraphProto<'a>, store: &'a Store<'a>) -> Self {
        Tape {
            graph,
            store,
            batch: 1,
            steps: vec![],
            values: BTreeMap::new(),
            made: BTreeSet::new(),
            output: None,
            scales: BTreeMap::new(),
            limits: vec![],
            notes: vec![],
        }
    }

    /// A value as a few numbers; `None` for a map, or for many.
    pub(crate) fn small(&self, value: &Value) -> Result<Option<Small>, Mistake> {
        match value {
            Value::Small(small) => Ok(Some(small.clone())),
            Value::Constant(constant) => self
                .store
                .small_of(constant)
                .map_err(|error| format!("constant `{}` {error}", shown(constant.tensor.name)).into()),
            _ => Ok(None),
        }
    }

    /// Adds a step and gives its result.
    pub(crate) fn push(&mut self, node: Option<usize>, op: Op<'a>, inputs: Vec<StepId>, shape: Shape) -> Value<'a> {
        self.steps.push(Step { node, op, inputs, shape });
        Value::Map { step: self.steps.len() - 1, pads: Pads::NONE }
    }

    /// The place of a node, for messages.
    pub(crate) fn place(&self, node: Option<usize>) -> String {
        let Some((index, node)) = node.and_then(|index| Some((index, self.graph.nodes.get(index)?))) else {
            return "the input".to_owned();
        };
        let mut text = format!("node {} of {}, {}", index + 1, self.graph.nodes.len(), shown(node.op_type));
        if !node.name.is_empty() {
            text.push_str(&format!(" `{}`", shown(node.name)));
        }
        if let Some(output) = node.outputs.first().filter(|output| **output != node.name) {
            text.push_str(&format!(" that makes `{}`", shown(output)));
        }
        text
    }
}
