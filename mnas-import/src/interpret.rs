//! Interprets the nodes of a file: resolves names, evaluates constants, and records the rest on the [`Tape`].
//!
//! A step is an operator of a network. Nodes that only change a shape (Identity, Dropout, Flatten, Reshape of a vector)
//! record no step; a pattern of nodes that stands for one operator (a hard swish) is recorded as that operator.

use crate::attributes::Attributes;
use crate::channels_last;
use crate::constants;
use crate::error::{Problems, shown};
use crate::operators;
use crate::proto::{GraphProto, NodeProto, ValueInfo, is_standard};
use crate::quantized;
use crate::tape::{Constant, Mistake, Op, Step, Tape, Value};
use crate::tensor::{Small, Store};
use crate::understood;
use mnas_dsl::network::{Pads, Shape};

/// Interprets all nodes. Errors go into `problems`; interpretation continues after them.
pub(crate) fn record<'a>(
    graph: &'a GraphProto<'a>,
    input: Option<Shape>,
    store: &'a Store<'a>,
    problems: &mut Problems,
) -> Option<Tape<'a>> {
    let made = graph.nodes.iter().flat_map(|node| node.outputs.iter().copied()).collect();
    let mut tape = Tape { made, ..Tape::new(graph, store) };
    for tensor in &graph.initializers {
        let constant = Value::Constant(Constant::new(tensor));
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
    quantized::name_limits(&mut tape);
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
                    problems.push("", found, "give the open sizes with `--input HEIGHTxWIDTHxCHANNELS`");
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
                // The node is then skipped, so that the problems of later nodes are found too.
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
        // A dropout's mask and a batch norm's running statistics are for training; a node that reads them is an error.
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
        if !is_standard(node.domain) && !quantized::is_known(node.domain, node.op_type) {
            let found = format!("an operator of the domain `{}`", shown(node.domain));
            return Err(Mistake::new(found, "only ONNX's own operators are known"));
        }
        let attributes = Attributes(node);
        if node.op_type == "Constant" {
            return operators::constant(&attributes);
        }
        understood::check(node, &attributes)?;
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
        if let Some(value) = quantized::evaluate(self, index, node.op_type, &attributes, &operands)? {
            return Ok(value);
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
                _ if is_matrix && attributes.ints("perm")?.is_none_or(|perm| perm == [1, 0]) => {
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

    fn find_output(&mut self, problems: &mut Problems) {
        let [output] = &self.graph.outputs[..] else {
            let found = format!("the network has {} outputs", self.graph.outputs.len());
            problems.push("", found, "a spec has one: logits, or the features of a backbone");
            return;
        };
        match self.values.get(output.name) {
            Some(Value::Map { step, pads: Pads::NONE }) => self.output = Some(*step),
            Some(Value::Broken) if !problems.is_empty() => {}
            Some(_) => problems.push("", format!("the output `{}` is not a feature map", shown(output.name)), ""),
            None => problems.push("", format!("nothing makes the output `{}`", shown(output.name)), ""),
        }
    }

    fn unknown(&self, name: &str) -> Mistake {
        let expected = if self.made.contains(name) {
            "a later node makes it, or the node itself; nodes have to be in order, with no cycles"
        } else {
            "nothing makes it"
        };
        Mistake::new(format!("it reads `{}`", shown(name)), expected)
    }
}

fn unknown_constant(node: &NodeProto) -> Mistake {
    Mistake::new(
        format!("{} of constants, whose result is not known here", shown(node.op_type)),
        "fold constants when exporting",
    )
}

fn describe(input: &ValueInfo) -> String {
    let Some(dims) = &input.dims else { return "no shape".to_owned() };
    let dims: Vec<String> = dims.iter().take(8).map(|dim| dim.map_or("?".to_owned(), |dim| dim.to_string())).collect();
    format!("the shape ({})", dims.join(", "))
}
