//! Files in integers: QuantizeLinear, DequantizeLinear, and onnxruntime's operators that join the two.
//!
//! A map's bytes are taken for the real values that they stand for, so the two leave it as it is. What a byte cannot
//! hold is an activation, though: exporters leave out a relu whose limits are those of the byte behind it. Weights are
//! turned into real numbers.

use crate::attributes::Attributes;
use crate::operands::{Operands, constant_of, operand};
use crate::tape::{Constant, Integers, Limit, Mistake, Op, StepId, Tape, Value};
use crate::{operators, windows};
use mnas_dsl::network::{Activation, Pads};

/// The domain of onnxruntime's own operators.
const DOMAIN: &str = "com.microsoft";

/// Names of element types in a file.
const UINT8: i64 = 2;
const INT8: i64 = 3;

/// Whether an operator outside of ONNX is one of those that are known here.
pub(crate) fn is_known(domain: &str, op_type: &str) -> bool {
    let names =
        ["QLinearAdd", "QLinearMul", "QLinearAveragePool", "QLinearGlobalAveragePool", "QLinearSigmoid", "QGemm"];
    domain == DOMAIN && names.contains(&op_type)
}

/// Evaluates an operator on integers; `None` for any other.
pub(crate) fn evaluate<'a>(
    tape: &mut Tape<'a>,
    index: usize,
    op_type: &str,
    attributes: &Attributes,
    operands: Operands<'_, 'a>,
) -> Result<Option<Value<'a>>, Mistake> {
    let node = Some(index);
    // The real operands of an operator with these positions for maps, and then the result's scale.
    let reals = |tape: &Tape<'a>, at: &[usize]| -> Result<Vec<Option<Value<'a>>>, Mistake> {
        at.iter().map(|&at| dequantized(tape, operands, at).map(Some)).collect()
    };
    let (made, scale_at) = match op_type {
        "QuantizeLinear" => {
            let value = operand(operands, 0)?.clone();
            return quantize(tape, node, value, operands, 1).map(Some);
        }
        "DequantizeLinear" => return dequantize(tape, attributes, operands).map(Some),
        "QLinearConv" => {
            let parts = [reals(tape, &[0])?, weight_and_bias(tape, operands, 3, 8, 0)?].concat();
            (windows::conv(tape, node, attributes, &parts)?, 6)
        }
        "QGemm" | "QLinearMatMul" => {
            let is_gemm = op_type == "QGemm";
            // What has one scale a channel has it for each output.
            let axis = usize::from(!is_gemm || attributes.int("transB", 0)? == 0);
            let bias = if is_gemm { 6 } else { usize::MAX };
            let parts = [reals(tape, &[0])?, weight_and_bias(tape, operands, 3, bias, axis)?].concat();
            let op_type = if is_gemm { "Gemm" } else { "MatMul" };
            (windows::linear(tape, node, op_type, attributes, &parts)?, if is_gemm { 7 } else { 6 })
        }
        "QLinearAdd" | "QLinearMul" => {
            let op_type = if op_type == "QLinearAdd" { "Add" } else { "Mul" };
            let parts = reals(tape, &[0, 3])?;
            (operators::record(tape, index, op_type, attributes, &parts)?, 6)
        }
        "QLinearAveragePool" | "QLinearGlobalAveragePool" | "QLinearSigmoid" => {
            let op_type = op_type.trim_start_matches("QLinear");
            let parts = reals(tape, &[0])?;
            (operators::record(tape, index, op_type, attributes, &parts)?, 3)
        }
        _ => return Ok(None),
    };
    if matches!(operands.get(scale_at), None | Some(None)) {
        // The result is real numbers.
        return Ok(Some(made));
    }
    quantize(tape, node, made, operands, scale_at).map(Some)
}

/// A relu that is left out is relu6 where all of them end at 6 or below, and one of them at 6.
pub(crate) fn name_limits(tape: &mut Tape) {
    const NEAR: f64 = 0.01;
    let is_relu6 = tape.limits.iter().all(|limit| limit.most < 6.0 + NEAR)
        && tape.limits.iter().any(|limit| limit.most > 6.0 - NEAR);
    let activation = if is_relu6 { Activation::Relu6 } else { Activation::Relu };
    let count = tape.limits.len();
    for limit in &tape.limits {
        tape.steps[limit.step].op = Op::Activation(Some(activation));
    }
    if count > 0 {
        let name = if is_relu6 { "relu6" } else { "relu" };
        let note = format!("activations that the file leaves to the range of a byte were taken for {name}: {count}");
        tape.notes.push(note);
    }
}

/// A note about weights that are integers in the file.
pub(crate) fn note(tape: &Tape) -> Option<String> {
    let is_integer = |op: &Op| matches!(op, Op::Conv(conv) if conv.weight.integers.is_some());
    let count = tape.steps.iter().filter(|step| is_integer(&step.op)).count();
    (count > 0)
        .then(|| format!("weights that are integers in the file were turned into float32: those of {count} layers"))
}

/// `QuantizeLinear`, or the end of an operator: scale and zero point are the operands from `at` on.
fn quantize<'a>(
    tape: &mut Tape<'a>,
    node: Option<usize>,
    value: Value<'a>,
    operands: Operands<'_, 'a>,
    at: usize,
) -> Result<Value<'a>, Mistake> {
    let Value::Map { step, pads } = value else { return no_constant(value) };
    let scale = scale(tape, operands, at)?;
    let zero = zero_point(tape, operands, at + 1)?;
    tape.scales.entry(step).or_default().push(scale);
    if pads != Pads::NONE {
        return Ok(value);
    }
    let step = limited(tape, node, step, zero, scale);
    tape.scales.entry(step).or_default().push(scale);
    Ok(Value::Map { step, pads })
}

/// The result of a step as bytes of this scale: a relu more, where the least byte stands for 0 and the step could give
/// less. `zero` is the type of the bytes and the one that stands for 0.
pub(crate) fn limited(tape: &mut Tape, node: Option<usize>, step: StepId, zero: (i64, f64), scale: f64) -> StepId {
    let is_open = matches!(tape.steps[step].op, Op::Conv(_) | Op::Add | Op::BatchNorm(_) | Op::Affine(_));
    if !is_open || !matches!(zero, (UINT8, 0.0) | (INT8, -128.0)) {
        return step;
    }
    let shape = tape.steps[step].shape;
    tape.push(node, Op::Activation(Some(Activation::Relu)), vec![step], shape);
    let step = tape.steps.len() - 1;
    tape.limits.push(Limit { step, most: 255.0 * scale });
    step
}

/// `DequantizeLinear` of weights or of a map.
fn dequantize<'a>(
    tape: &mut Tape<'a>,
    attributes: &Attributes,
    operands: Operands<'_, 'a>,
) -> Result<Value<'a>, Mistake> {
    let Value::Constant(constant) = operand(operands, 0)? else { return dequantized(tape, operands, 0) };
    let rank = constant.tensor.dims.len() as i64;
    let axis = attributes.int("axis", 1)?;
    let axis = if axis < 0 { axis.saturating_add(rank) } else { axis };
    let axis = usize::try_from(axis).unwrap_or(usize::MAX);
    real(*constant, constant_of(operands.get(1).and_then(Option::as_ref)), operands.get(2), axis, 1.0)
}

/// The map at this operand as real numbers; its scale and zero point are the next two operands.
fn dequantized<'a>(tape: &Tape<'a>, operands: Operands<'_, 'a>, at: usize) -> Result<Value<'a>, Mistake> {
    let value = operand(operands, at)?;
    if let Value::Map { step, .. } = value {
        let scale = scale(tape, operands, at + 1)?;
        match tape.scales.get(step) {
            Some(known) if known.contains(&scale) => {}
            Some(known) => {
                let found = format!("it takes bytes of scale {} for those of scale {scale}", known[0]);
                return Err(Mistake::new(found, "a map's bytes have one scale"));
            }
            None if matches!(tape.steps[*step].op, Op::Input) => {
                return Err(Mistake::new("the network's input is bytes", "an image is floating-point numbers"));
            }
            None => {}
        }
    }
    no_constant(value.clone())
}

fn no_constant(value: Value) -> Result<Value, Mistake> {
    match value {
        Value::Constant(_) | Value::Small(_) => {
            Err(Mistake::new("its operand 1 is a constant", "constants in integers have a DequantizeLinear alone"))
        }
        value => Ok(value),
    }
}

/// Weight and bias of an operator on integers, whose weight is the operand `at`.
fn weight_and_bias<'a>(
    tape: &Tape<'a>,
    operands: Operands<'_, 'a>,
    at: usize,
    bias_at: usize,
    axis: usize,
) -> Result<Vec<Option<Value<'a>>>, Mistake> {
    let constant = |at: usize| constant_of(operands.get(at).and_then(Option::as_ref));
    let missing = || Mistake::new("its weight is not a constant", "export the network with its weights");
    let weight = constant(at).ok_or_else(missing)?;
    let mut parts = vec![Some(real(weight, constant(at + 1), operands.get(at + 2), axis, 1.0)?)];
    if let Some(bias) = constant(bias_at) {
        // A bias is in units of the sum.
        let input = scale(tape, operands, 1)?;
        parts.push(Some(real(bias, constant(at + 1), None, 0, input as f32)?));
    }
    Ok(parts)
}

/// A constant of integers with its scale.
fn real<'a>(
    constant: Constant<'a>,
    scale: Option<Constant<'a>>,
    zero: Option<&Option<Value<'a>>>,
    axis: usize,
    factor: f32,
) -> Result<Value<'a>, Mistake> {
    let missing =
        |what: &str| Mistake::new(format!("its {what} is not a constant"), "scales and zero points are in the file");
    let scale = scale.ok_or_else(|| missing("scale"))?;
    let zero = match zero {
        None | Some(None) => None,
        Some(Some(Value::Constant(zero))) => Some(zero.tensor),
        Some(Some(_)) => return Err(missing("zero point")),
    };
    if constant.integers.is_some() || constant.transposed {
        return Err(Mistake::new("it dequantises real numbers", ""));
    }
    let integers = Integers { scale: scale.tensor, zero, axis, factor };
    Ok(Value::Constant(Constant { integers: Some(integers), ..constant }))
}

/// The scale of a map.
fn scale(tape: &Tape, operands: Operands, at: usize) -> Result<f64, Mistake> {
    let scale = tape.small(operand(operands, at)?)?.and_then(|small| small.scalar());
    scale
        .filter(|scale| scale.is_finite() && *scale > 0.0)
        .ok_or_else(|| Mistake::new("the scale of its map is not a positive constant", "one number for the whole map"))
}

/// The type of a map's elements, and the element that stands for 0.
fn zero_point(tape: &Tape, operands: Operands, at: usize) -> Result<(i64, f64), Mistake> {
    let Some(Some(value)) = operands.get(at) else { return Ok((UINT8, 0.0)) };
    let number = tape.small(value)?.and_then(|small| small.scalar());
    match (value, number) {
        (Value::Constant(constant), Some(number)) if matches!(constant.tensor.data_type, UINT8 | INT8) => {
            Ok((constant.tensor.data_type, number))
        }
        _ => Err(Mistake::new("the zero point of its map is not a constant byte", "maps of 8 bits")),
    }
}
