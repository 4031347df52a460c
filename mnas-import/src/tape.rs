//! The file's nodes as steps on feature maps: names resolved, constants reckoned, clutter gone, shapes known.
//!
//! A step is an operator of a network. What only moves shapes about (Identity, Dropout, Flatten, Reshape of a vector)
//! leaves no step; what is written as several nodes for want of one (a hard swish) becomes one.

use crate::attributes::Attributes;
use crate::channels_last;
use crate::constants;
use crate::error::{Problems, shown};
use crate::operators;
use crate::proto::{GraphProto, NodeProto, TensorProto, ValueInfo, is_standard};
use crate::tensor::{Small, Store};
use mnas_dsl::network::{Activation, Pads, Shape};
use std::collections::{BTreeMap, BTreeSet};

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
    /// `None` is one that the language does not have: reported already, and equal to any other.
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

/// A constant, and whether its two axes change places.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Constant<'a> {
    pub(crate) tensor: &'a TensorProto<'a>,
    pub(crate) transposed: bool,
}

/// What a name stands for.
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
    /// `relu6(x + 3)`.
    Clipped,
    /// `x * relu6(x + 3)`.
    Product,
}

/// What was found, and what was expected in its place.
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

/// Everything that a file says, as steps.
#[derive(Debug)]
pub(crate) struct Tape<'a> {
    pub(crate) graph: &'a GraphProto<'a>,
    pub(crate) store: &'a Store<'a>,
    /// The batch as the file says it; 1 where it leaves it open.
    pub(crate) batch: usize,
    pub(crate) steps: Vec<Step<'a>>,
    values: BTreeMap<&'a str, Value<'a>>,
    /// Every name that a node makes, for telling what is missing from what is out of order.
    made: BTreeSet<&'a str>,
    /// The step whose result is the network's.
    pub(crate) output: Option<StepId>,
}

/// Reads all nodes. What is wrong goes into `problems`; the tape goes on as well as it can.
pub(crate) fn record<'a>(
    graph: &'a GraphProto<'a>,
    input: Option<Shape>,
    store: &'a Store<'a>,
    problems: &mut Problems,
) -> Option<Tape<'a>> {
    let made = graph.nodes.iter().flat_map(|node| node.outputs.iter().copied()).collect();
    let mut tape = Tape { graph, store, batch: 1, steps: Vec::new(), values: BTreeMap::new(), made, output: None };
    for tensor in &graph.initializers {
        let constant = Value::Constant(Constant { tensor, transposed: false });
        if tape.values.insert(tensor.name, constant).is_some() {
            problems.push("", format!("two constants are called `{}`", shown(tensor.name)), "");
        }
    }
    if graph.sparse_initializers > 0 {
        problems.push("", "the file has sparse constants", "weights are dense");
    }
    tape.input(input, problems)?;
    for (index, node) in graph.nodes.iter().enumerate() {
        tape.node(index, node, problems);
    }
    tape.find_output(problems);
    Some(tape)
}

impl<'a> Tape<'a> {
    fn input(&mut self, wanted: Option<Shape>, problems: &mut Problems) -> Option<()> {
        let (graph, store) = (self.graph, self.store);
        // Old files list constants among the inputs.
        let inputs: Vec<&ValueInfo> =
            graph.inputs.iter().filter(|input| !self.values.contains_key(input.name)).collect();
        let [input] = inputs[..] else {
            let names: Vec<String> = inputs.iter().take(8).map(|input| format!("`{}`", shown(input.name))).collect();
            let found = format!("the network has {} inputs: {}", inputs.len(), names.join(", "));
            problems.push("", found, "a spec has one, an image");
            return None;
        };
        let Some(dims) = input.dims.as_deref().and_then(|dims| dims.first_chunk::<4>().filter(|_| dims.len() == 4))
        else {
            let found = format!("the input `{}` has {}", shown(input.name), describe(input));
            problems.push("", found, "an image has four dimensions: batch, channels, rows, columns");
            return None;
        };
        let channels_last = channels_last::is_input(graph, store, input);
        let [batch, channels, height, width] = match *dims {
            [batch, height, width, channels] if channels_last => [batch, channels, height, width],
            dims => dims,
        };
        let size = |dim: Option<i64>| dim.and_then(|dim| usize::try_from(dim).ok()).filter(|dim| *dim > 0);
        let shape = match (size(height), size(width), size(channels)) {
            (Some(height), Some(width), Some(channels)) => Shape { height, width, channels },
            _ => {
                let Some(wanted) = wanted else {
                    let found = format!("the input `{}` has {}", shown(input.name), describe(input));
                    problems.push("", found, "say what is left open: `--input HEIGHTxWIDTHxCHANNELS`");
                    return None;
                };
                wanted
            }
        };
        let shape = wanted.unwrap_or(shape);
        if [shape.height, shape.width, shape.channels].into_iter().any(|size| size > 65_536) {
            problems.push("", format!("the input is {shape}"), "too large");
            return None;
        }
        self.batch = size(batch).unwrap_or(1);
        self.steps.push(Step { node: None, op: Op::Input, inputs: vec![], shape });
        let image =
            if channels_last { Value::ChannelsLast { step: 0 } } else { Value::Map { step: 0, pads: Pads::NONE } };
        self.values.insert(input.name, image);
        Some(())
    }

    fn node(&mut self, index: usize, node: &'a NodeProto<'a>, problems: &mut Problems) {
        let value = match self.evaluate(index, node) {
            Ok(value) => value,
            Err(mistake) => {
                problems.push(self.place(Some(index)), mistake.found, mistake.expected);
                // What follows is looked at as if the node were not there, so that its problems are found too.
                match node.inputs.first().and_then(|name| self.values.get(name)) {
                    Some(Value::Map { step, .. }) if node.inputs.len() == 1 => {
                        let (step, shape) = (*step, self.steps[*step].shape);
                        self.push(Some(index), Op::Activation(None), vec![step], shape)
                    }
                    _ => Value::Broken,
                }
            }
        };
        let Some((&first, others)) = node.outputs.split_first() else {
            problems.push(self.place(Some(index)), "it has no result", "");
            return;
        };
        // A dropout's mask and a batch norm's running statistics are for training; who reads them finds no such value.
        for name in others.iter().filter(|name| !name.is_empty()) {
            self.define(name, Value::Broken, index, problems);
        }
        self.define(first, value, index, problems);
    }

    fn define(&mut self, name: &'a str, value: Value<'a>, index: usize, problems: &mut Problems) {
        if self.values.insert(name, value).is_some() {
            problems.push(self.place(Some(index)), format!("a second value is called `{}`", shown(name)), "");
        }
    }

    fn evaluate(&mut self, index: usize, node: &'a NodeProto<'a>) -> Result<Value<'a>, Mistake> {
        if !is_standard(node.domain) {
            let found = format!("an operator of the domain `{}`", shown(node.domain));
            return Err(Mistake::new(found, "only ONNX's own operators are known"));
        }
        let attributes = Attributes(node);
        if node.op_type == "Constant" {
            return operators::constant(&attributes);
        }
        let mut operands = Vec::with_capacity(node.inputs.len());
        for name in &node.inputs {
            operands.push(match self.values.get(name) {
                Some(value) => Some(value.clone()),
                None if name.is_empty() => None,
                None => return Err(self.unknown(name)),
            });
        }
        if operands.iter().any(|operand| matches!(operand, Some(Value::Broken))) {
            return Ok(Value::Broken);
        }
        let is_known = |value: &Value| matches!(value, Value::Constant(_) | Value::Small(_));
        if operands.iter().flatten().all(is_known) {
            return self.constant(node, &attributes, &operands);
        }
        if node.op_type == "Transpose" {
            return channels_last::transpose(self, &attributes, &operands);
        }
        if operands.iter().any(|it| matches!(it, Some(Value::ChannelsLast { .. }))) {
            return channels_last::record(self, index, node.op_type, &attributes, &operands);
        }
        operators::record(self, index, node.op_type, &attributes, &operands)
    }

    /// An operator of constants only.
    fn constant(
        &self,
        node: &NodeProto,
        attributes: &Attributes,
        operands: &[Option<Value<'a>>],
    ) -> Result<Value<'a>, Mistake> {
        if let ("Identity" | "Transpose", [Some(Value::Constant(constant))]) = (node.op_type, operands) {
            let is_matrix = constant.tensor.dims.len() == 2;
            match node.op_type {
                "Identity" => return Ok(Value::Constant(*constant)),
                _ if is_matrix => {
                    return Ok(Value::Constant(Constant { transposed: !constant.transposed, ..*constant }));
                }
                _ => {}
            }
        }
        let mut small = Vec::with_capacity(operands.len());
        for operand in operands {
            small.push(match operand {
                None => None,
                Some(value) => Some(self.small(value)?.ok_or_else(|| unknown_constant(node))?),
            });
        }
        let operands: Vec<Option<&Small>> = small.iter().map(Option::as_ref).collect();
        constants::evaluate(node.op_type, attributes, &operands).map(Value::Small).ok_or_else(|| unknown_constant(node))
    }

    /// A value as a few numbers; `None` for a map, or for many.
    pub(crate) fn small(&self, value: &Value) -> Result<Option<Small>, Mistake> {
        match value {
            Value::Small(small) => Ok(Some(small.clone())),
            Value::Constant(constant) => self
                .store
                .small(constant.tensor)
                .map_err(|error| format!("constant `{}` {error}", shown(constant.tensor.name)).into()),
            _ => Ok(None),
        }
    }

    /// Adds a step and gives its result.
    pub(crate) fn push(&mut self, node: Option<usize>, op: Op<'a>, inputs: Vec<StepId>, shape: Shape) -> Value<'a> {
        self.steps.push(Step { node, op, inputs, shape });
        Value::Map { step: self.steps.len() - 1, pads: Pads::NONE }
    }

    fn find_output(&mut self, problems: &mut Problems) {
        let [output] = &self.graph.outputs[..] else {
            let found = format!("the network has {} outputs", self.graph.outputs.len());
            problems.push("", found, "a spec has one: logits, or the features of a backbone");
            return;
        };
        match self.values.get(output.name) {
            Some(Value::Map { step, pads: Pads::NONE }) => self.output = Some(*step),
            Some(Value::Broken) if !problems.is_empty() => {}
            Some(_) => problems.push("", format!("the output `{}` is no feature map", shown(output.name)), ""),
            None => problems.push("", format!("nothing makes the output `{}`", shown(output.name)), ""),
        }
    }

    fn unknown(&self, name: &str) -> Mistake {
        let expected = if self.made.contains(name) {
            "a node further down makes it, or the node itself: ONNX has its nodes in order, and no cycles"
        } else {
            "nothing makes it"
        };
        Mistake::new(format!("it reads `{}`", shown(name)), expected)
    }

    /// Where a node stands, for people.
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

fn unknown_constant(node: &NodeProto) -> Mistake {
    Mistake::new(
        format!("{} of constants, whose result cannot be told here", shown(node.op_type)),
        "fold constants when exporting",
    )
}

fn describe(input: &ValueInfo) -> String {
    let Some(dims) = &input.dims else { return "no shape".to_owned() };
    let dims: Vec<String> = dims.iter().take(8).map(|dim| dim.map_or("?".to_owned(), |dim| dim.to_string())).collect();
    format!("the shape ({})", dims.join(", "))
}
