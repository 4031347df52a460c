//! Activations as the bounds that they put on a value: a chain of Relu, Clip, Min and Max is one of them, in whatever
//! pieces it is written.

use crate::attributes::Attributes;
use crate::operands::{Operands, half_done, map, operand};
use crate::tape::{Half, Mistake, Op, Tape, Value};
use mnas_dsl::network::{Activation, Pads};

/// Least and largest value; infinite where there is no bound.
pub(crate) type Bounds = (f64, f64);

/// Nothing below zero.
pub(crate) const RELU: Bounds = (0.0, f64::INFINITY);

/// The bounds of a `Clip`.
pub(crate) fn of_clip(tape: &Tape, attributes: &Attributes, operands: Operands) -> Result<Bounds, Mistake> {
    let bound = |index: usize, name: &str, none: f64| -> Result<f64, Mistake> {
        let value = match operands.get(index) {
            Some(Some(value)) => match tape.small(value)?.and_then(|small| small.scalar()) {
                Some(value) => value,
                None => return Err(Mistake::new("its bounds are not constants", "relu6 is a Clip from 0 to 6")),
            },
            _ if attributes.has(name) => f64::from(attributes.float(name, 0.0)?),
            _ => none,
        };
        // The largest number of the type is what exporters write for none.
        Ok(if value.abs() >= f64::from(f32::MAX) { none } else { value })
    };
    Ok((bound(1, "min", f64::NEG_INFINITY)?, bound(2, "max", f64::INFINITY)?))
}

/// `Max` and `Min` with a constant: the bounds, and which operand is the map. `None` for two maps.
pub(crate) fn of_extreme(tape: &Tape, op_type: &str, operands: Operands) -> Result<Option<(Bounds, usize)>, Mistake> {
    if operands.len() != 2 {
        return Ok(None);
    }
    for (map, constant) in [(0, 1), (1, 0)] {
        if let Some(bound) = tape.small(operand(operands, constant)?)?.and_then(|small| small.scalar()) {
            let bounds = if op_type == "Max" { (bound, f64::INFINITY) } else { (f64::NEG_INFINITY, bound) };
            return Ok(Some((bounds, map)));
        }
    }
    Ok(None)
}

/// Puts bounds on operand `index`, in addition to those that it has already.
pub(crate) fn apply<'a>(
    tape: &mut Tape<'a>,
    node: Option<usize>,
    operands: Operands<'_, 'a>,
    index: usize,
    (low, high): Bounds,
) -> Result<Value<'a>, Mistake> {
    if low > high {
        return Err(Mistake::new(format!("bounds from {low} to {high}"), "the least is below the largest"));
    }
    let value = operand(operands, index)?;
    // What the value was before it had bounds, and these.
    let (step, (had_low, had_high)) = match value {
        Value::Half { step, form } => {
            let form = match form {
                Half::Shifted if (low, high) == (0.0, 6.0) => Half::Clipped,
                Half::Shifted if (low, high) == RELU => Half::Rectified,
                Half::Rectified if low <= 0.0 && high == 6.0 => Half::Clipped,
                _ => return Err(half_done()),
            };
            return Ok(Value::Half { step: *step, form });
        }
        Value::Capped { step, cap } => (*step, (f64::NEG_INFINITY, *cap)),
        _ => {
            let step = map(operands, index)?;
            let below = &tape.steps[step];
            match (&below.op, &below.inputs[..]) {
                (Op::Activation(Some(Activation::Relu)), &[before]) => (before, RELU),
                (Op::Activation(Some(Activation::Relu6)), &[before]) => (before, (0.0, 6.0)),
                _ => (step, (f64::NEG_INFINITY, f64::INFINITY)),
            }
        }
    };
    let bounds = (had_low.clamp(low, high), had_high.clamp(low, high));
    if bounds == (had_low, had_high) {
        return Ok(value.clone());
    }
    let activation = match bounds {
        _ if bounds == (0.0, 6.0) => Activation::Relu6,
        _ if bounds == RELU => Activation::Relu,
        (low, cap) if low == f64::NEG_INFINITY => return Ok(Value::Capped { step, cap }),
        (low, high) => {
            let show = |bound: f64| if bound.is_finite() { bound.to_string() } else { "none".to_owned() };
            let found = format!("a Clip from {} to {}", show(low), show(high));
            return Err(Mistake::new(found, "relu6 is one from 0 to 6, relu one from 0"));
        }
    };
    let shape = tape.steps[step].shape;
    Ok(tape.push(node, Op::Activation(Some(activation)), vec![step], shape))
}

/// The map whose values stay as they are: by 1, or with 0 added.
pub(crate) fn neutral<'a>(
    tape: &Tape<'a>,
    op_type: &str,
    operands: Operands<'_, 'a>,
) -> Result<Option<Value<'a>>, Mistake> {
    let same = if matches!(op_type, "Mul" | "Div") { 1.0 } else { 0.0 };
    let is_first_too = matches!(op_type, "Mul" | "Add");
    for (map, constant) in [(0, 1), (1, 0)] {
        if let Value::Map { pads: Pads::NONE, .. } = operand(operands, map)?
            && (map == 0 || is_first_too)
            && tape.small(operand(operands, constant)?)?.and_then(|small| small.scalar()) == Some(same)
        {
            return Ok(Some(operand(operands, map)?.clone()));
        }
    }
    Ok(None)
}
