//! Operands of a node, with errors where one is missing or of the wrong kind.

use crate::tape::{Constant, Mistake, StepId, Value};
use mnas_dsl::network::Pads;

/// Operands; `None` is an omitted one.
pub(crate) type Operands<'o, 'a> = &'o [Option<Value<'a>>];

/// A required operand.
pub(crate) fn operand<'o, 'a>(operands: Operands<'o, 'a>, index: usize) -> Result<&'o Value<'a>, Mistake> {
    match operands.get(index) {
        Some(Some(value)) => Ok(value),
        _ => Err(Mistake::new(format!("its operand {} is missing", index + 1), "")),
    }
}

/// A feature map without padding.
pub(crate) fn map(operands: Operands, index: usize) -> Result<StepId, Mistake> {
    match operand(operands, index)? {
        Value::Map { step, pads: Pads::NONE } => Ok(*step),
        Value::Map { pads, .. } => Err(padded(*pads)),
        Value::Half { .. } => Err(half_done()),
        Value::Capped { cap, .. } => {
            Err(Mistake::new(format!("it reads values of at most {cap}"), "relu6 is from 0 to 6, relu from 0"))
        }
        Value::Walled { .. } => Err(Mistake::new(
            "it reads a map with rows and columns of minus infinity around it",
            "only a max pool can include them",
        )),
        _ => Err(Mistake::new(format!("its operand {} is a constant", index + 1), "a feature map")),
    }
}

pub(crate) fn constant_of<'a>(value: Option<&Value<'a>>) -> Option<Constant<'a>> {
    if let Some(Value::Constant(constant)) = value { Some(*constant) } else { None }
}

fn padded(pads: Pads) -> Mistake {
    let Pads { top, left, bottom, right } = pads;
    let found = format!("it reads a map with [{top}, {left}, {bottom}, {right}] rows and columns padded to it");
    Mistake::new(found, "only a convolution or an average pool can include zeros")
}

pub(crate) fn half_done() -> Mistake {
    Mistake::new("it reads a part of x * relu6(x + 3) / 6", "the whole of that activation")
}
