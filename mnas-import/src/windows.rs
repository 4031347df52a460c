//! Operators with a window and with weights: convolutions, pools, pads, fully connected layers.

use crate::attributes::Attributes;
use crate::error::shown;
use crate::operands::{Operands, constant_of, map, operand};
use crate::tape::{Affine, Constant, Conv, Mistake, Op, StepId, Tape, Value};
use mnas_dsl::network::{Pads, Shape, slide};

/// The largest kernel of the language.
const MAX_KERNEL: usize = 15;

pub(crate) fn conv<'a>(
    tape: &mut Tape<'a>,
    node: Option<usize>,
    attributes: &Attributes,
    operands: Operands<'_, 'a>,
) -> Result<Value<'a>, Mistake> {
    let (step, before) = padded_map(operands)?;
    let input = tape.steps[step].shape;
    let weight = weight(operands)?;
    let bias = bias(operands)?;
    let dims: Vec<usize> = weight.tensor.dims.iter().map(|&dim| usize::try_from(dim).unwrap_or(0)).collect();
    let [outputs, per_group, rows, columns] = dims[..] else {
        let found = format!("its weight has the shape {:?}", weight.tensor.dims);
        return Err(Mistake::new(found, "that of an image has four dimensions: outputs, inputs, rows, columns"));
    };
    let kernel_size = square_kernel(attributes, Some((rows, columns)))?;
    let stride = stride(attributes)?;
    let window = window(attributes, input, before, kernel_size, stride)?;
    let group = attributes.int("group", 1)?;
    let depthwise = group != 1;
    let channels = input.channels;
    if depthwise && !(group == channels as i64 && outputs == channels && per_group == 1) {
        let found = format!("{group} groups from {channels} to {outputs} channels");
        return Err(Mistake::new(found, "a convolution has one group, or as many as channels come in and go out"));
    }
    if outputs == 0 || (!depthwise && per_group != channels) {
        let found = format!("its weight has the shape {:?}", weight.tensor.dims);
        return Err(Mistake::new(found, format!("{channels} channels come in")));
    }
    check_bias(bias.as_ref(), outputs)?;
    let conv = Conv {
        weight,
        bias,
        output_channels: outputs,
        kernel_size,
        stride,
        pads: window.pads,
        depthwise,
        linear: false,
    };
    Ok(tape.push(node, Op::Conv(conv), vec![step], Shape { channels: outputs, ..window.output }))
}

/// `Gemm` and `MatMul` of a vector.
pub(crate) fn linear<'a>(
    tape: &mut Tape<'a>,
    node: Option<usize>,
    op_type: &str,
    attributes: &Attributes,
    operands: Operands<'_, 'a>,
) -> Result<Value<'a>, Mistake> {
    let step = map(operands, 0)?;
    let input = tape.steps[step].shape;
    if input.pixels() != 1 {
        let found = format!("a fully connected layer on {} x {} pixels", input.height, input.width);
        return Err(Mistake::new(found, "it stands behind a pool over all of them"));
    }
    let is_gemm = op_type == "Gemm";
    let factors = [attributes.float("alpha", 1.0)?, attributes.float("beta", 1.0)?];
    if is_gemm && (factors != [1.0; 2] || attributes.int("transA", 0)? != 0) {
        return Err(Mistake::new("it scales or transposes its operands", "alpha and beta are 1, transA is 0"));
    }
    let mut weight = weight(operands)?;
    let bias = if is_gemm { bias(operands)? } else { None };
    let [rows, columns] = weight.tensor.dims[..] else {
        let found = format!("its weight has the shape {:?}", weight.tensor.dims);
        return Err(Mistake::new(found, "that of a fully connected layer is a matrix"));
    };
    // Ours is [outputs, inputs].
    if attributes.int("transB", 0)? == 0 {
        weight.transposed = !weight.transposed;
    }
    let (outputs, inputs) = if weight.transposed { (columns, rows) } else { (rows, columns) };
    let outputs = usize::try_from(outputs).ok().filter(|it| *it > 0);
    let (Some(outputs), true) = (outputs, inputs == input.channels as i64) else {
        let found = format!("its weight has the shape {:?}", weight.tensor.dims);
        return Err(Mistake::new(found, format!("{} channels come in", input.channels)));
    };
    check_bias(bias.as_ref(), outputs)?;
    let conv = Conv {
        weight,
        bias,
        output_channels: outputs,
        kernel_size: 1,
        stride: 1,
        pads: Pads::NONE,
        depthwise: false,
        linear: true,
    };
    Ok(tape.push(node, Op::Conv(conv), vec![step], Shape { channels: outputs, ..input }))
}

/// A vector of constants added to a fully connected layer that has none: its bias.
pub(crate) fn added_bias<'a>(
    tape: &mut Tape<'a>,
    node: Option<usize>,
    a: &Value<'a>,
    b: &Value<'a>,
) -> Option<Value<'a>> {
    for (map, bias) in [(a, b), (b, a)] {
        let (Value::Map { step, pads: Pads::NONE }, Value::Constant(bias)) = (map, bias) else { continue };
        let step = &tape.steps[*step];
        let Op::Conv(conv @ Conv { linear: true, bias: None, .. }) = &step.op else { continue };
        if check_bias(Some(bias), conv.output_channels).is_ok() {
            let conv = Conv { bias: Some(*bias), ..conv.clone() };
            let (inputs, shape) = (step.inputs.clone(), step.shape);
            return Some(tape.push(node, Op::Conv(conv), inputs, shape));
        }
    }
    None
}

/// A factor or a summand for each channel of a convolution: what exporters leave of a batch norm, or a bias.
pub(crate) fn by_channel<'a>(
    tape: &mut Tape<'a>,
    node: Option<usize>,
    op_type: &str,
    a: &Value<'a>,
    b: &Value<'a>,
) -> Option<Value<'a>> {
    for (map, constant) in [(a, b), (b, a)] {
        let (Value::Map { step, pads: Pads::NONE }, Value::Constant(constant)) = (map, constant) else { continue };
        let below = &tape.steps[*step];
        let channels = below.shape.channels as i64;
        let dims = &constant.tensor.dims[..];
        if dims != [1, channels, 1, 1] && dims != [channels, 1, 1] {
            continue;
        }
        let (inputs, shape) = (below.inputs.clone(), below.shape);
        let (op, inputs) = match (op_type, &below.op) {
            ("Mul", Op::Conv(_)) => (Op::Affine(Affine { scale: *constant, shift: None }), vec![*step]),
            ("Add", Op::Affine(Affine { scale, shift: None })) => {
                (Op::Affine(Affine { scale: *scale, shift: Some(*constant) }), inputs)
            }
            ("Add", Op::Conv(conv @ Conv { bias: None, .. })) => {
                (Op::Conv(Conv { bias: Some(*constant), ..conv.clone() }), inputs)
            }
            _ => continue,
        };
        return Some(tape.push(node, op, inputs, shape));
    }
    None
}

pub(crate) fn average_pool<'a>(
    tape: &mut Tape<'a>,
    node: Option<usize>,
    attributes: &Attributes,
    operands: Operands<'_, 'a>,
) -> Result<Value<'a>, Mistake> {
    let (step, before) = padded_map(operands)?;
    let input = tape.steps[step].shape;
    let kernel = attributes.ints("kernel_shape")?.unwrap_or_default();
    let has_no_padding = matches!(attributes.text("auto_pad", "NOTSET")?, "NOTSET" | "VALID");
    let is_plain = attributes.int("ceil_mode", 0)? == 0 && before == Pads::NONE && has_no_padding;
    let pads = attributes.ints("pads")?.unwrap_or_default();
    if is_plain && kernel == [input.height as i64, input.width as i64] && pads.iter().all(|&pad| pad == 0) {
        // A window as large as the map.
        refuse_dilation(attributes)?;
        let shape = Shape { height: 1, width: 1, ..input };
        return Ok(tape.push(node, Op::GlobalAveragePool, vec![step], shape));
    }
    if attributes.int("ceil_mode", 0)? != 0 {
        return Err(Mistake::new("its size is rounded up", "ceil_mode is 0"));
    }
    let kernel_size = square_kernel(attributes, None)?;
    let stride = stride(attributes)?;
    let window = window(attributes, input, before, kernel_size, stride)?;
    let has_pads = window.pads != Pads::NONE;
    let counts_padding = has_pads && (before != Pads::NONE || attributes.int("count_include_pad", 0)? != 0);
    let op = Op::AveragePool { kernel_size, stride, pads: window.pads, counts_padding };
    Ok(tape.push(node, op, vec![step], window.output))
}

/// A max pool, which padding never wins.
pub(crate) fn max_pool<'a>(
    tape: &mut Tape<'a>,
    node: Option<usize>,
    attributes: &Attributes,
    operands: Operands<'_, 'a>,
) -> Result<Value<'a>, Mistake> {
    let (step, before) = match operand(operands, 0)? {
        Value::Walled { step, pads } => (*step, *pads),
        _ => (map(operands, 0)?, Pads::NONE),
    };
    let input = tape.steps[step].shape;
    let kernel_size = square_kernel(attributes, None)?;
    let stride = stride(attributes)?;
    let mut window = window(attributes, input, before, kernel_size, stride)?;
    if attributes.int("ceil_mode", 0)? != 0 {
        // A last window that only begins within the map: as if there were more padding behind it.
        let more = |size: usize, from: usize, to: usize| {
            let over = (size + from + to).saturating_sub(kernel_size) % stride;
            if over == 0 || size + from + to - kernel_size - over + stride >= size + from { 0 } else { stride - over }
        };
        let Pads { top, left, bottom, right } = window.pads;
        let pads = Pads {
            bottom: bottom + more(input.height, top, bottom),
            right: right + more(input.width, left, right),
            ..window.pads
        };
        window = Window { pads, output: slide(input, kernel_size, stride, pads).unwrap_or(window.output) };
    }
    let op = Op::MaxPool { kernel_size, stride, pads: window.pads };
    Ok(tape.push(node, op, vec![step], window.output))
}

pub(crate) fn pad<'a>(
    tape: &mut Tape<'a>,
    attributes: &Attributes,
    operands: Operands<'_, 'a>,
) -> Result<Value<'a>, Mistake> {
    let (step, before) = match operand(operands, 0)? {
        Value::Walled { step, pads } => (*step, *pads),
        _ => padded_map(operands)?,
    };
    let mode = attributes.text("mode", "constant")?;
    if mode != "constant" {
        return Err(Mistake::new(format!("it pads by `{}`", shown(mode)), "convolutions are padded with zeros"));
    }
    let pads = match operands.get(1) {
        Some(Some(value)) => tape.small(value)?.map(|small| small.to_ints()),
        _ => attributes.ints("pads")?.map(<[i64]>::to_vec),
    };
    let fill = match operands.get(2) {
        Some(Some(value)) => tape.small(value)?.and_then(|small| small.scalar()),
        _ => Some(f64::from(attributes.float("value", 0.0)?)),
    };
    let has_axes = matches!(operands.get(3), Some(Some(_)));
    let Some([0, 0, top, left, 0, 0, bottom, right]) = pads.as_deref().filter(|_| !has_axes) else {
        let found = pads.map_or("its pads are no constants".to_owned(), |pads| format!("its pads are {pads:?}"));
        return Err(Mistake::new(
            found,
            "pads are constants, of rows and columns only: [0, 0, top, left, 0, 0, bottom, right]",
        ));
    };
    let pads = add(before, to_pads([*top, *left, *bottom, *right])?);
    let is_bare = before == Pads::NONE;
    let is_walled = matches!(operands.first(), Some(Some(Value::Walled { .. })));
    match fill {
        Some(0.0) if is_bare || !is_walled => Ok(Value::Map { step, pads }),
        Some(fill) if fill <= f64::from(f32::MIN) && (is_bare || is_walled) => Ok(Value::Walled { step, pads }),
        _ => Err(Mistake::new(
            "it pads with something else than 0",
            "convolutions are padded with zeros, max pools with minus infinity",
        )),
    }
}

/// What a window does to a map's sides; the channels of `output` are those that come in.
struct Window {
    pads: Pads,
    output: Shape,
}

fn window(
    attributes: &Attributes,
    input: Shape,
    before: Pads,
    kernel_size: usize,
    stride: usize,
) -> Result<Window, Mistake> {
    refuse_dilation(attributes)?;
    // What SAME is reckoned from has the pads of a node before.
    let height = input.height + before.top + before.bottom;
    let same =
        Pads::same(Shape { height, width: input.width + before.left + before.right, ..input }, kernel_size, stride);
    let own = match attributes.text("auto_pad", "NOTSET")? {
        "NOTSET" => match attributes.ints("pads")? {
            None => Pads::NONE,
            Some(&[top, left, bottom, right]) => to_pads([top, left, bottom, right])?,
            Some(pads) => return Err(Mistake::new(format!("its pads are {pads:?}"), "four: top, left, bottom, right")),
        },
        "VALID" => Pads::NONE,
        "SAME_UPPER" => same,
        // The odd one at the start.
        "SAME_LOWER" => Pads { top: same.bottom, left: same.right, bottom: same.top, right: same.left },
        other => return Err(Mistake::new(format!("its auto_pad is `{}`", shown(other)), "there is no such padding")),
    };
    let pads = add(before, own);
    let Some(output) = slide(input, kernel_size, stride, pads) else {
        let found = format!("a kernel of {kernel_size} on {} x {} pixels", input.height, input.width);
        return Err(Mistake::new(found, "the map is too small for it"));
    };
    Ok(Window { pads, output })
}

fn refuse_dilation(attributes: &Attributes) -> Result<(), Mistake> {
    if attributes.ints("dilations")?.is_some_and(|dilations| dilations.iter().any(|&it| it != 1)) {
        return Err(Mistake::new("it is dilated", "the language has no dilation"));
    }
    Ok(())
}

fn square_kernel(attributes: &Attributes, weight: Option<(usize, usize)>) -> Result<usize, Mistake> {
    let written = attributes.ints("kernel_shape")?;
    let (rows, columns) = match (weight, written) {
        (Some(weight), None) => weight,
        (None, Some(&[rows, columns])) => (usize::try_from(rows).unwrap_or(0), usize::try_from(columns).unwrap_or(0)),
        (Some(weight), Some(&[rows, columns])) if (weight.0 as i64, weight.1 as i64) == (rows, columns) => weight,
        (_, written) => {
            let found = format!("its kernel_shape is {:?}", written.unwrap_or_default());
            return Err(Mistake::new(found, "that of its weight"));
        }
    };
    if rows != columns {
        return Err(Mistake::new(format!("its kernel is {rows} x {columns}"), "kernels are square"));
    }
    if rows.is_multiple_of(2) || rows > MAX_KERNEL {
        return Err(Mistake::new(format!("its kernel is {rows} x {rows}"), "kernels are odd, from 1 to 15"));
    }
    Ok(rows)
}

fn stride(attributes: &Attributes) -> Result<usize, Mistake> {
    match attributes.ints("strides")? {
        None | Some([1, 1]) => Ok(1),
        Some([2, 2]) => Ok(2),
        Some(other) => {
            Err(Mistake::new(format!("its strides are {other:?}"), "strides are 1 or 2, in both directions"))
        }
    }
}

/// The first operand and the zeros around it.
fn padded_map(operands: Operands) -> Result<(StepId, Pads), Mistake> {
    match operand(operands, 0)? {
        Value::Map { step, pads } => Ok((*step, *pads)),
        _ => map(operands, 0).map(|step| (step, Pads::NONE)),
    }
}

fn weight<'a>(operands: Operands<'_, 'a>) -> Result<Constant<'a>, Mistake> {
    constant_of(operands.get(1).and_then(Option::as_ref))
        .ok_or_else(|| Mistake::new("its weight is not a constant", "export the network with its weights"))
}

fn bias<'a>(operands: Operands<'_, 'a>) -> Result<Option<Constant<'a>>, Mistake> {
    match operands.get(2) {
        None | Some(None) => Ok(None),
        Some(Some(Value::Constant(constant))) => Ok(Some(*constant)),
        Some(Some(_)) => Err(Mistake::new("its bias is not a constant", "export the network with its weights")),
    }
}

fn check_bias(bias: Option<&Constant>, outputs: usize) -> Result<(), Mistake> {
    let outputs = outputs as i64;
    match bias {
        Some(bias) if bias.tensor.dims != [outputs] && bias.tensor.dims != [1, outputs] => {
            let found = format!("its bias `{}` has the shape {:?}", shown(bias.tensor.name), bias.tensor.dims);
            Err(Mistake::new(found, format!("{outputs} channels go out")))
        }
        _ => Ok(()),
    }
}

fn to_pads(pads: [i64; 4]) -> Result<Pads, Mistake> {
    let [top, left, bottom, right] = pads.map(|pad| usize::try_from(pad).ok().filter(|it| *it < MAX_KERNEL));
    match (top, left, bottom, right) {
        (Some(top), Some(left), Some(bottom), Some(right)) => Ok(Pads { top, left, bottom, right }),
        _ => Err(Mistake::new(format!("its pads are {pads:?}"), "pads are not negative and less than a kernel")),
    }
}

fn add(a: Pads, b: Pads) -> Pads {
    Pads { top: a.top + b.top, left: a.left + b.left, bottom: a.bottom + b.bottom, right: a.right + b.right }
}
