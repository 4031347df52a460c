//! The operators of ONNX as steps of a network.

use crate::attributes::Attributes;
use crate::bounds;
use crate::error::shown;
use crate::operands::{Operands, constant_of, half_done, map, operand};
use crate::proto::AttributeValue;
use crate::tape::{BatchNorm, Constant, Half, Mistake, Op, StepId, Tape, Value};
use crate::tensor::Small;
use crate::windows;
use mnas_dsl::network::{Activation, Pads, Shape};

/// The known operators on feature maps, for the message about an unknown one.
const KNOWN: &str = "known are Conv, BatchNormalization, Relu, Clip, Max, Min, HardSwish, HardSigmoid, Sigmoid, Swish, Add, Sum, Mul, \
                     GlobalAveragePool, AveragePool, MaxPool, ReduceMean, Pad, Flatten, Reshape, Squeeze, Gemm, \
                     MatMul, Dropout and Identity";

/// `Constant`.
pub(crate) fn constant<'a>(attributes: &Attributes<'a, 'a>) -> Result<Value<'a>, Mistake> {
    let vector = |values: Vec<f64>, is_int| Small { dims: vec![values.len()], values, is_int };
    let scalar = |value, is_int| Small { dims: vec![], values: vec![value], is_int };
    for name in ["value", "value_float", "value_int", "value_floats", "value_ints"] {
        return Ok(match attributes.value(name) {
            None => continue,
            Some(AttributeValue::Tensor(tensor)) => Value::Constant(Constant::new(tensor)),
            Some(AttributeValue::Float(value)) => Value::Small(scalar(f64::from(*value), false)),
            Some(AttributeValue::Int(value)) => Value::Small(scalar(*value as f64, true)),
            Some(AttributeValue::Floats(values)) => {
                Value::Small(vector(values.iter().map(|&it| f64::from(it)).collect(), false))
            }
            Some(AttributeValue::Ints(values)) => {
                Value::Small(vector(values.iter().map(|&it| it as f64).collect(), true))
            }
            Some(_) => break,
        });
    }
    Err(Mistake::new("a constant that is neither a dense tensor nor numbers", ""))
}

/// Any operator at least one of whose operands is a feature map.
pub(crate) fn record<'a>(
    tape: &mut Tape<'a>,
    index: usize,
    op_type: &str,
    attributes: &Attributes,
    operands: Operands<'_, 'a>,
) -> Result<Value<'a>, Mistake> {
    let node = Some(index);
    let activation = |tape: &mut Tape<'a>, activation| {
        let step = map(operands, 0)?;
        let shape = tape.steps[step].shape;
        Ok(tape.push(node, Op::Activation(Some(activation)), vec![step], shape))
    };
    match op_type {
        "Relu" => bounds::apply(tape, node, operands, 0, bounds::RELU),
        "HardSwish" => activation(tape, Activation::HardSwish),
        "Sigmoid" => activation(tape, Activation::Sigmoid),
        "HardSigmoid" => {
            let (alpha, beta) = (attributes.float("alpha", 0.2)?, attributes.float("beta", 0.5)?);
            if !is_near(f64::from(alpha), 1.0 / 6.0) || !is_near(f64::from(beta), 0.5) {
                let found = format!("a hard sigmoid of {alpha} x + {beta}");
                return Err(Mistake::new(found, "the language's is x / 6 + 0.5, as PyTorch's"));
            }
            activation(tape, Activation::HardSigmoid)
        }
        "Swish" => match attributes.float("alpha", 1.0)? {
            1.0 => activation(tape, Activation::Swish),
            alpha => Err(Mistake::new(format!("a swish of alpha {alpha}"), "the language's has 1")),
        },
        "Clip" => {
            let bounds = bounds::of_clip(tape, attributes, operands)?;
            bounds::apply(tape, node, operands, 0, bounds)
        }
        "Max" | "Min" => match bounds::of_extreme(tape, op_type, operands)? {
            Some((bounds, map)) => bounds::apply(tape, node, operands, map, bounds),
            None => Err(Mistake::new("it takes the extreme of several maps", "an activation has one, and a number")),
        },
        "Sum" if operands.len() == 1 => operand(operands, 0).cloned(),
        "Sum" if operands.len() == 2 => binary(tape, node, "Add", operands),
        "Add" | "Mul" | "Div" | "Sub" => binary(tape, node, op_type, operands),
        "Conv" => windows::conv(tape, node, attributes, operands),
        "BatchNormalization" => batch_norm(tape, node, attributes, operands),
        "Gemm" | "MatMul" => windows::linear(tape, node, op_type, attributes, operands),
        "GlobalAveragePool" => {
            let step = map(operands, 0)?;
            Ok(global_pool(tape, node, step))
        }
        "ReduceMean" => reduce_mean(tape, node, attributes, operands, [2, 3]),
        "AveragePool" => windows::average_pool(tape, node, attributes, operands),
        "MaxPool" => windows::max_pool(tape, node, attributes, operands),
        "Pad" => windows::pad(tape, attributes, operands),
        "Softmax" | "LogSoftmax" => softmax(tape, index, op_type, attributes, operands),
        "Identity" => operand(operands, 0).cloned(),
        "Dropout" => {
            let is_training = match operands.get(2) {
                Some(Some(value)) => tape.small(value)?.and_then(|it| it.scalar()) != Some(0.0),
                _ => false,
            };
            if is_training {
                return Err(Mistake::new("a dropout that is in training", "export the network in its evaluation mode"));
            }
            operand(operands, 0).cloned()
        }
        "Shape" => {
            let Shape { height, width, channels } = tape.steps[map(operands, 0)?].shape;
            let dims = [tape.batch, channels, height, width];
            let bound = |name: &str, default: i64| -> Result<usize, String> {
                let at = attributes.int(name, default)?;
                Ok((if at < 0 { at.saturating_add(4) } else { at }).clamp(0, 4) as usize)
            };
            let (start, end) = (bound("start", 0)?, bound("end", 4)?);
            Ok(Value::Small(Small::ints(dims.get(start..end).unwrap_or_default().iter().copied())))
        }
        "Flatten" => {
            let axis = attributes.int("axis", 1)?;
            if axis != 1 && axis != -3 {
                return Err(Mistake::new(format!("it flattens from axis {axis}"), "a head flattens from axis 1"));
            }
            vector(tape, map(operands, 0)?)
        }
        "Squeeze" => vector(tape, map(operands, 0)?),
        "Reshape" => {
            let step = map(operands, 0)?;
            let to = match operands.get(1) {
                Some(Some(shape)) => tape.small(shape)?,
                _ => None,
            };
            let Some(to) = to else {
                return Err(Mistake::new("its shape is not a constant", "a head reshapes to (batch, channels)"));
            };
            if attributes.int("allowzero", 0)? != 0 && to.to_ints().contains(&0) {
                return Err(Mistake::new("it reshapes to nothing", "with `allowzero` sizes are at least 1"));
            }
            let channels = tape.steps[step].shape.channels as i64;
            // (N, C), or (N, C, 1, 1) or (N, 1, 1, C) where the vector becomes a map of one pixel again.
            let is_one = |sizes: &[i64]| sizes.iter().all(|&size| size == 1);
            let is_vector = match to.to_ints()[..] {
                [batch, ref sizes @ ..] if batch == tape.batch as i64 || matches!(batch, -1 | 0) => match *sizes {
                    [size, ref ones @ ..] if is_one(ones) => size == channels || size == -1 || size == 0,
                    [ref ones @ .., size] if is_one(ones) => size == channels || size == -1,
                    _ => false,
                },
                _ => false,
            };
            if !is_vector {
                let found = format!("it reshapes to {:?}", to.to_ints());
                return Err(Mistake::new(found, "a head reshapes to (batch, channels)"));
            }
            vector(tape, step)
        }
        _ => Err(Mistake::new("a spec cannot have this operator", KNOWN)),
    }
}

/// Shares of logits: a spec ends with the logits, and what runs it makes the shares.
fn softmax<'a>(
    tape: &mut Tape<'a>,
    index: usize,
    op_type: &str,
    attributes: &Attributes,
    operands: Operands<'_, 'a>,
) -> Result<Value<'a>, Mistake> {
    let step = map(operands, 0)?;
    let Shape { height, width, .. } = tape.steps[step].shape;
    let axis = attributes.int("axis", -1)?;
    if (height, width) != (1, 1) || !matches!(axis, 1 | -1) {
        let found = format!("shares over axis {axis} of {height} x {width} pixels");
        return Err(Mistake::new(found, "a head may end with shares of its logits, over axis 1 or -1"));
    }
    let mut name = tape.graph.nodes.get(index).and_then(|node| node.outputs.first()).copied().unwrap_or_default();
    for node in tape.graph.nodes.iter().skip(index + 1) {
        match (node.op_type, &node.inputs[..], &node.outputs[..]) {
            ("Identity", [read], [made]) if *read == name => name = made,
            (_, inputs, _) if inputs.contains(&name) => {
                return Err(Mistake::new("something reads its shares", "a spec ends with logits"));
            }
            _ => {}
        }
    }
    if !tape.graph.outputs.iter().any(|output| output.name == name) {
        return Err(Mistake::new("it is not the end of the network", "a spec ends with logits"));
    }
    tape.notes.push(format!("the {op_type} at the end is left out: a spec ends with logits"));
    Ok(Value::Map { step, pads: Pads::NONE })
}

/// A map of one pixel is a vector already.
fn vector<'a>(tape: &Tape<'a>, step: StepId) -> Result<Value<'a>, Mistake> {
    let Shape { height, width, .. } = tape.steps[step].shape;
    if (height, width) != (1, 1) {
        let found = format!("it takes {height} x {width} pixels as one vector");
        return Err(Mistake::new(found, "a head averages over all pixels first"));
    }
    Ok(Value::Map { step, pads: Pads::NONE })
}

/// `Add`, `Mul`, `Div`, `Sub`: of two maps, or a part of an activation.
fn binary<'a>(
    tape: &mut Tape<'a>,
    node: Option<usize>,
    op_type: &str,
    operands: Operands<'_, 'a>,
) -> Result<Value<'a>, Mistake> {
    if let Some(value) = bounds::neutral(tape, op_type, operands)? {
        return Ok(value);
    }
    let (a, b) = (operand(operands, 0)?, operand(operands, 1)?);
    let number = |value: &Value| -> Result<Option<f64>, Mistake> { Ok(tape.small(value)?.and_then(|it| it.scalar())) };
    let constants = (number(a)?, number(b)?);
    let finished = match (op_type, a, b, constants) {
        ("Add", Value::Map { step, pads: Pads::NONE }, _, (_, Some(3.0)))
        | ("Add", _, Value::Map { step, pads: Pads::NONE }, (Some(3.0), _)) => {
            return Ok(Value::Half { step: *step, form: Half::Shifted });
        }
        ("Mul", Value::Map { step, pads: Pads::NONE }, Value::Half { step: of, form: Half::Clipped }, _)
        | ("Mul", Value::Half { step: of, form: Half::Clipped }, Value::Map { step, pads: Pads::NONE }, _)
            if step == of =>
        {
            return Ok(Value::Half { step: *step, form: Half::Product });
        }
        ("Div", Value::Half { step, form }, _, (_, Some(6.0))) => Some((*step, *form)),
        ("Mul", Value::Half { step, form }, _, (_, Some(sixth)))
        | ("Mul", _, Value::Half { step, form }, (Some(sixth), _))
            if is_near(sixth, 1.0 / 6.0) =>
        {
            Some((*step, *form))
        }
        _ => None,
    };
    if let Some((step, form)) = finished {
        let activation = match form {
            Half::Clipped => Activation::HardSigmoid,
            Half::Product => Activation::HardSwish,
            Half::Shifted | Half::Rectified => return Err(half_done()),
        };
        let shape = tape.steps[step].shape;
        return Ok(tape.push(node, Op::Activation(Some(activation)), vec![step], shape));
    }
    if let ("Add", Some(value)) = (op_type, windows::added_bias(tape, node, a, b)) {
        return Ok(value);
    }
    if let Some(value) = windows::by_channel(tape, node, op_type, a, b) {
        return Ok(value);
    }
    let (Value::Map { step: a, pads: Pads::NONE }, Value::Map { step: b, pads: Pads::NONE }) = (a, b) else {
        let expected = "a spec adds and multiplies feature maps, and has constants in x * relu6(x + 3) / 6 only";
        return Err(Mistake::new("one of its operands is not a feature map", expected));
    };
    let (a, b) = (*a, *b);
    let (shape_a, shape_b) = (tape.steps[a].shape, tape.steps[b].shape);
    match op_type {
        "Add" if shape_a == shape_b => Ok(tape.push(node, Op::Add, vec![a, b], shape_a)),
        "Mul" => {
            // The map first, its gate second.
            let (map, gate) = if shape_a.pixels() >= shape_b.pixels() { (a, b) } else { (b, a) };
            let gate_of = |activation, gate: StepId, map: StepId| {
                matches!(tape.steps[gate].op, Op::Activation(Some(it)) if it == activation)
                    && tape.steps[gate].inputs == [map]
            };
            for (x, gate) in [(a, b), (b, a)] {
                for (gate_is, whole) in
                    [(Activation::Sigmoid, Activation::Swish), (Activation::HardSigmoid, Activation::HardSwish)]
                {
                    if gate_of(gate_is, gate, x) {
                        return Ok(tape.push(node, Op::Activation(Some(whole)), vec![x], shape_a));
                    }
                }
            }
            let (of, by) = (tape.steps[map].shape, tape.steps[gate].shape);
            if of.channels != by.channels || by.pixels() != 1 {
                let found = format!("it multiplies maps of {} and {}", of, by);
                return Err(Mistake::new(found, "a squeeze-excite has one gate for each channel"));
            }
            Ok(tape.push(node, Op::Multiply, vec![map, gate], of))
        }
        _ => {
            let found = format!("it combines maps of {} and {}", shape_a, shape_b);
            Err(Mistake::new(found, "a skip adds a map to one of the same shape"))
        }
    }
}

fn batch_norm<'a>(
    tape: &mut Tape<'a>,
    node: Option<usize>,
    attributes: &Attributes,
    operands: Operands<'_, 'a>,
) -> Result<Value<'a>, Mistake> {
    let step = map(operands, 0)?;
    let shape = tape.steps[step].shape;
    let eps = attributes.float("epsilon", 1e-5)?;
    let [_, rest @ ..] = operands else { return Err(half_done()) };
    let constants: Vec<Constant> = rest.iter().filter_map(|it| constant_of(it.as_ref())).collect();
    let Ok(constants) = <[Constant; 4]>::try_from(constants) else {
        return Err(Mistake::new("its parameters are not four constants", "export the network with its weights"));
    };
    if let Some(other) = constants.iter().find(|it| it.tensor.dims != [shape.channels as i64]) {
        let found = format!("`{}` has the shape {:?}", shown(other.tensor.name), other.tensor.dims);
        return Err(Mistake::new(found, format!("{} channels come in", shape.channels)));
    }
    Ok(tape.push(node, Op::BatchNorm(BatchNorm { constants, eps }), vec![step], shape))
}

/// A mean over all rows and columns, which are these axes.
pub(crate) fn reduce_mean<'a>(
    tape: &mut Tape<'a>,
    node: Option<usize>,
    attributes: &Attributes,
    operands: Operands<'_, 'a>,
    rows_and_columns: [i64; 2],
) -> Result<Value<'a>, Mistake> {
    let step = map(operands, 0)?;
    let mut axes: Vec<i64> = match operands.get(1) {
        Some(Some(value)) => tape.small(value)?.map(|small| small.to_ints()).unwrap_or_default(),
        _ => attributes.ints("axes")?.unwrap_or_default().to_vec(),
    };
    axes.iter_mut().filter(|axis| **axis < 0).for_each(|axis| *axis = axis.saturating_add(4));
    axes.sort_unstable();
    if axes != rows_and_columns {
        let expected = format!("a pool is one over rows and columns, {rows_and_columns:?}");
        return Err(Mistake::new(format!("a mean over the axes {axes:?}"), expected));
    }
    Ok(global_pool(tape, node, step))
}

fn global_pool<'a>(tape: &mut Tape<'a>, node: Option<usize>, step: StepId) -> Value<'a> {
    let shape = Shape { height: 1, width: 1, ..tape.steps[step].shape };
    tape.push(node, Op::GlobalAveragePool, vec![step], shape)
}

fn is_near(value: f64, expected: f64) -> bool {
    (value - expected).abs() < 1e-6
}
