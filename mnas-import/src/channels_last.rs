//! Maps in NHWC order, as TensorFlow has them and its exporters leave them: with a `Transpose` at the entry, at the exit, or
//! around elementwise operators.
//!
//! Steps have no order of axes. A map of one pixel is the same in both orders, so it is always a [`Value::Map`].

use crate::attributes::Attributes;
use crate::operands::{self, Operands};
use crate::operators;
use crate::proto::{GraphProto, NodeProto, ValueInfo};
use crate::tape::{Mistake, StepId, Tape, Value};
use crate::tensor::Store;
use mnas_dsl::network::Pads;

/// Batch, channels, rows, columns from batch, rows, columns, channels.
const TO_FIRST: [i64; 4] = [0, 3, 1, 2];
/// The other way.
const TO_LAST: [i64; 4] = [0, 2, 3, 1];

/// Elementwise operators.
const BY_VALUE: [&str; 15] = [
    "Relu",
    "Clip",
    "Max",
    "Min",
    "Sigmoid",
    "HardSigmoid",
    "HardSwish",
    "Swish",
    "Add",
    "Sum",
    "Sub",
    "Mul",
    "Div",
    "Identity",
    "Dropout",
];

/// Whether the image has its channels last: every node that reads it moves them to the front.
pub(crate) fn is_input(graph: &GraphProto, store: &Store, input: &ValueInfo) -> bool {
    let mut readers = graph.nodes.iter().filter(|node| node.inputs.contains(&input.name)).peekable();
    readers.peek().is_some()
        && readers.all(|node| match node.op_type {
            "Transpose" => matches!(Attributes(node).ints("perm"), Ok(Some(perm)) if perm == TO_FIRST),
            "Reshape" => brings_one_to_front(graph, store, node, input),
            _ => false,
        })
}

/// Whether a `Reshape` moves the one channel of an image to the front.
fn brings_one_to_front(graph: &GraphProto, store: &Store, node: &NodeProto, input: &ValueInfo) -> bool {
    let Some([_, Some(height), Some(width), Some(1)]) = input.dims.as_deref() else { return false };
    let shape = node.inputs.get(1).and_then(|name| graph.initializers.iter().find(|tensor| tensor.name == *name));
    let shape = shape.and_then(|tensor| store.small(tensor).ok().flatten());
    shape.is_some_and(
        |shape| matches!(shape.to_ints()[..], [_, 1, rows, columns] if (rows, columns) == (*height, *width)),
    )
}

/// `Transpose` of a map.
pub(crate) fn transpose<'a>(
    tape: &Tape<'a>,
    attributes: &Attributes,
    operands: Operands<'_, 'a>,
) -> Result<Value<'a>, Mistake> {
    let perm = attributes.ints("perm")?.unwrap_or(&[]);
    let value = operands::operand(operands, 0)?;
    let step = match value {
        Value::ChannelsLast { step } => *step,
        _ => operands::map(operands, 0)?,
    };
    match (value, perm) {
        _ if tape.steps[step].shape.pixels() == 1 && (perm == TO_FIRST || perm == TO_LAST) => Ok(first(step)),
        (Value::ChannelsLast { .. }, perm) if perm == TO_FIRST => Ok(first(step)),
        (Value::Map { .. }, perm) if perm == TO_LAST => Ok(Value::ChannelsLast { step }),
        _ => {
            let expected = "channels are moved from the last axis to the second, [0, 3, 1, 2], or back, [0, 2, 3, 1]";
            Err(Mistake::new(format!("it orders axes as {perm:?}"), expected))
        }
    }
}

/// Any other operator with an operand that has its channels last.
pub(crate) fn record<'a>(
    tape: &mut Tape<'a>,
    index: usize,
    op_type: &str,
    attributes: &Attributes,
    operands: Operands<'_, 'a>,
) -> Result<Value<'a>, Mistake> {
    let channels_first = || -> Vec<Option<Value<'a>>> {
        let turned = |value: &Value<'a>| match value {
            Value::ChannelsLast { step } => first(*step),
            other => other.clone(),
        };
        operands.iter().map(|operand| operand.as_ref().map(turned)).collect()
    };
    if let ("Reshape", Some(Some(Value::ChannelsLast { step })), Some(Some(to))) =
        (op_type, operands.first(), operands.get(1))
    {
        let shape = tape.steps[*step].shape;
        let to = tape.small(to)?.map(|to| to.to_ints()).unwrap_or_default();
        if shape.channels == 1
            && matches!(to[..], [_, 1, rows, columns] if (rows, columns) == (shape.height as i64, shape.width as i64))
        {
            return Ok(first(*step));
        }
    }
    if op_type == "ReduceMean" {
        return operators::reduce_mean(tape, Some(index), attributes, &channels_first(), [1, 2]);
    }
    let is_mixed = operands.iter().flatten().any(|operand| match operand {
        Value::Map { step, .. } => tape.steps[*step].shape.pixels() > 1,
        _ => false,
    });
    if !BY_VALUE.contains(&op_type) || is_mixed {
        let found = "its operand has the channels as its last axis";
        return Err(Mistake::new(
            found,
            "operators with a window or an axis need a Transpose by [0, 3, 1, 2] before them",
        ));
    }
    Ok(match operators::record(tape, index, op_type, attributes, &channels_first())? {
        Value::Map { step, pads: Pads::NONE } => Value::ChannelsLast { step },
        other => other,
    })
}

fn first<'a>(step: StepId) -> Value<'a> {
    Value::Map { step, pads: Pads::NONE }
}
