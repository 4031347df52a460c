//! Records the operators of a file on the tape.

use super::flatbuffer::Table;
use super::model::{Model, OPERATORS, Operator, name};
use crate::attributes::Attributes;
use crate::error::{Problems, ReadError, shown};
use crate::operators;
use crate::proto::{NodeProto, TensorProto};
use crate::quantized;
use crate::tape::{Constant, Conv, Integers, Mistake, Op, Step, StepId, Tape, Value};
use crate::tensor::Store;
use mnas_dsl::network::{Activation, Pads, Shape, slide};

/// Outputs, inputs, rows, columns of outputs, rows, columns, inputs.
const DENSE: &[usize] = &[0, 3, 1, 2];
/// Channels, 1, rows, columns of 1, rows, columns, channels.
const DEPTHWISE: &[usize] = &[3, 0, 1, 2];

/// The largest kernel of the language.
const MAX_KERNEL: usize = 15;

/// Records all operators. Errors go into `problems`; recording continues after them.
pub(crate) fn record<'a>(
    model: &'a Model<'a>,
    input: Option<Shape>,
    store: &'a Store<'a>,
    problems: &mut Problems,
) -> Option<Tape<'a>> {
    let mut recorder =
        Recorder { model, tape: Tape::new(&model.graph, store), values: vec![None; model.tensors.len()] };
    recorder.input(input, problems)?;
    for (index, operator) in model.operators.iter().enumerate() {
        let value = recorder.operator(index, operator);
        let value = value.and_then(|value| recorder.limited(index, operator, value)).unwrap_or_else(|mistake| {
            problems.push(recorder.tape.place(Some(index)), mistake.found, mistake.expected);
            Value::Broken
        });
        if let Some(slot) = place(operator.outputs.int(0)).and_then(|at| recorder.values.get_mut(at)) {
            *slot = Some(value);
        }
    }
    let output = place(model.outputs.int(0)).and_then(|at| recorder.values.get(at));
    match output {
        Some(Some(Value::Map { step, pads: Pads::NONE })) if model.outputs.len() == 1 => {
            recorder.tape.output = Some(*step);
        }
        Some(Some(Value::Broken)) if !problems.is_empty() => {}
        _ => problems.push("", "the network's output is not one map", "a spec has one: logits, or features"),
    }
    quantized::name_limits(&mut recorder.tape);
    Some(recorder.tape)
}

fn place(index: Option<i32>) -> Option<usize> {
    usize::try_from(index?).ok()
}

struct Recorder<'a> {
    model: &'a Model<'a>,
    tape: Tape<'a>,
    /// What each tensor is, as far as it has been made.
    values: Vec<Option<Value<'a>>>,
}

impl<'a> Recorder<'a> {
    fn input(&mut self, wanted: Option<Shape>, problems: &mut Problems) -> Option<()> {
        let at = place(self.model.inputs.int(0)).filter(|at| *at < self.values.len() && self.model.inputs.len() == 1);
        let Some(at) = at else {
            problems.push(
                "",
                format!("the network has {} inputs", self.model.inputs.len()),
                "a spec has one, an image",
            );
            return None;
        };
        let dims = &self.model.tensors[at].proto.dims;
        let size = |dim: i64| usize::try_from(dim).ok().filter(|size| (1..=65_536).contains(size));
        let shape = match dims[..] {
            [_, height, width, channels] => size(height).zip(size(width)).zip(size(channels)),
            _ => None,
        };
        let shape = wanted.or(shape.map(|((height, width), channels)| Shape { height, width, channels }));
        let Some(shape) = shape else {
            let found = format!("the input has the shape {dims:?}");
            problems.push("", found, "an image has four dimensions: batch, rows, columns, channels");
            return None;
        };
        self.tape.steps.push(Step { node: None, op: Op::Input, inputs: vec![], shape });
        self.values[at] = Some(Value::Map { step: 0, pads: Pads::NONE });
        Some(())
    }

    fn operator(&mut self, index: usize, operator: &Operator<'a>) -> Result<Value<'a>, Mistake> {
        let values = (0..operator.inputs.len().min(4)).map(|at| self.operand(operator, at));
        let values: Vec<Option<Value>> = values.collect::<Result<_, _>>()?;
        if values.iter().any(|value| matches!(value, Some(Value::Broken))) {
            return Ok(Value::Broken);
        }
        let options = Options { table: operator.options };
        let name = name(operator.code);
        // The field of the activation that is applied at the end.
        let (made, end) = match name {
            "CONV_2D" => (self.conv(index, &values, &options, false)?, Some(3)),
            "DEPTHWISE_CONV_2D" => (self.conv(index, &values, &options, true)?, Some(4)),
            "FULLY_CONNECTED" => (self.linear(index, &values, &options)?, Some(0)),
            "ADD" | "MUL" => {
                let op_type = if name == "ADD" { "Add" } else { "Mul" };
                (self.shared(index, op_type, &values)?, Some(0))
            }
            "LOGISTIC" => (self.shared(index, "Sigmoid", &values)?, None),
            "HARD_SWISH" => (self.shared(index, "HardSwish", &values)?, None),
            "RELU" => (self.active(index, self.map(&values, 0)?, Activation::Relu), None),
            "RELU6" => (self.active(index, self.map(&values, 0)?, Activation::Relu6), None),
            "AVERAGE_POOL_2D" | "MAX_POOL_2D" => (self.pool(index, &values, &options, name)?, Some(5)),
            "MEAN" => (self.mean(index, &values)?, None),
            "PAD" => (self.pad(&values)?, None),
            "RESHAPE" | "SQUEEZE" => {
                let step = self.map(&values, 0)?;
                if self.tape.steps[step].shape.pixels() != 1 {
                    return Err(Mistake::new("it reshapes a map", "a head averages over all pixels first"));
                }
                (Value::Map { step, pads: Pads::NONE }, None)
            }
            "QUANTIZE" | "DEQUANTIZE" => (values.into_iter().next().flatten().ok_or_else(|| missing(0))?, None),
            "SOFTMAX" => {
                let step = self.map(&values, 0)?;
                let is_end = |it: &Operator| !matches!(super::model::name(it.code), "QUANTIZE" | "DEQUANTIZE");
                if self.model.operators.iter().skip(index + 1).any(is_end) {
                    return Err(Mistake::new("it is not the end of the network", "a spec ends with logits"));
                }
                self.tape.notes.push("the SOFTMAX at the end is left out: a spec ends with logits".to_owned());
                (Value::Map { step, pads: Pads::NONE }, None)
            }
            _ => {
                let known: Vec<&str> = OPERATORS.iter().map(|(_, name)| *name).collect();
                let found = format!("operator {}, which a spec cannot have", operator.code);
                return Err(Mistake::new(found, format!("known are {}", known.join(", "))));
            }
        };
        let activation = match end {
            Some(field) => options.activation(field)?,
            None => None,
        };
        match (made, activation) {
            (Value::Map { step, pads: Pads::NONE }, Some(activation)) => Ok(self.active(index, step, activation)),
            (_, Some(_)) => Err(Mistake::new("an activation of a part of another", "")),
            (made, None) => Ok(made),
        }
    }

    /// A result as the bytes that the file holds it in.
    fn limited(&mut self, index: usize, operator: &Operator<'a>, value: Value<'a>) -> Result<Value<'a>, Mistake> {
        let tensor = place(operator.outputs.int(0)).and_then(|at| self.model.tensors.get(at));
        // What computes nothing leaves the limits to what does.
        let computes = !matches!(name(operator.code), "DEQUANTIZE" | "QUANTIZE" | "RESHAPE" | "SOFTMAX" | "SQUEEZE");
        let (Value::Map { step, pads: Pads::NONE }, Some(tensor), true) = (&value, tensor, computes) else {
            return Ok(value);
        };
        let Some(quantization) = &tensor.quantization else { return Ok(value) };
        let number = |proto: &'a TensorProto<'a>| -> Result<Option<f64>, Mistake> {
            Ok(self.tape.small(&Value::Constant(Constant::new(proto)))?.and_then(|small| small.scalar()))
        };
        let (Some(scale), Some(zero)) = (number(&quantization.scale)?, number(&quantization.zero)?) else {
            return Err(Mistake::new("the bytes of its result have several scales", "a map has one"));
        };
        let step = quantized::limited(&mut self.tape, Some(index), *step, (tensor.proto.data_type, zero), scale);
        Ok(Value::Map { step, pads: Pads::NONE })
    }

    /// An operand: what an operator made, or data of the file.
    fn operand(&self, operator: &Operator<'a>, at: usize) -> Result<Option<Value<'a>>, Mistake> {
        let Some(index) = place(operator.inputs.int(at)) else { return Ok(None) };
        let Some(tensor) = self.model.tensors.get(index) else {
            return Err(Mistake::new(format!("it reads tensor {index}"), "the file has no such tensor"));
        };
        if let Some(value) = &self.values[index] {
            return Ok(Some(value.clone()));
        }
        if tensor.proto.raw.is_none() {
            let found = format!("it reads `{}`, which no operator before it makes", shown(tensor.proto.name));
            return Err(Mistake::new(found, "operators are in the order in which they run"));
        }
        let integers = tensor.quantization.as_ref().map(|quantization| Integers {
            scale: &quantization.scale,
            zero: Some(&quantization.zero),
            axis: quantization.axis,
            factor: 1.0,
        });
        Ok(Some(Value::Constant(Constant { integers, ..Constant::new(&tensor.proto) })))
    }

    /// An operator that ONNX has too.
    fn shared(&mut self, index: usize, op_type: &str, values: &[Option<Value<'a>>]) -> Result<Value<'a>, Mistake> {
        let without = NodeProto::default();
        operators::record(&mut self.tape, index, op_type, &Attributes(&without), values)
    }

    fn active(&mut self, index: usize, step: StepId, activation: Activation) -> Value<'a> {
        let shape = self.tape.steps[step].shape;
        self.tape.push(Some(index), Op::Activation(Some(activation)), vec![step], shape)
    }

    fn conv(
        &mut self,
        index: usize,
        values: &[Option<Value<'a>>],
        options: &Options,
        depthwise: bool,
    ) -> Result<Value<'a>, Mistake> {
        let (step, before) = self.padded(values)?;
        let input = self.tape.steps[step].shape;
        let weight = constant(values, 1)?;
        let dims: Vec<usize> = weight.tensor.dims.iter().map(|&dim| usize::try_from(dim).unwrap_or(0)).collect();
        let fits = match dims[..] {
            [1, _, _, channels] if depthwise => channels == input.channels,
            [_, _, _, channels] => !depthwise && channels == input.channels,
            _ => false,
        };
        if !fits || dims[0] == 0 {
            let found = format!("its weight has the shape {:?}", weight.tensor.dims);
            return Err(Mistake::new(
                found,
                format!("{} channels come in, in one group or in as many", input.channels),
            ));
        }
        let dilations = if depthwise { [5, 6] } else { [4, 5] };
        for field in dilations {
            if options.int(field, 1)? != 1 {
                return Err(Mistake::new("it is dilated", "the language has no dilation"));
            }
        }
        let window = options.window(input, before, (dims[1], dims[2]))?;
        let (weight, outputs) = match depthwise {
            true => (Constant { order: DEPTHWISE, ..weight }, input.channels),
            false => (Constant { order: DENSE, ..weight }, dims[0]),
        };
        let bias = self.bias(values, outputs)?;
        let Window { kernel_size, stride, pads, output } = window;
        let conv = Conv { weight, bias, output_channels: outputs, kernel_size, stride, pads, depthwise, linear: false };
        Ok(self.tape.push(Some(index), Op::Conv(conv), vec![step], Shape { channels: outputs, ..output }))
    }

    fn linear(&mut self, index: usize, values: &[Option<Value<'a>>], options: &Options) -> Result<Value<'a>, Mistake> {
        let step = self.map(values, 0)?;
        let input = self.tape.steps[step].shape;
        let weight = constant(values, 1)?;
        let outputs = match weight.tensor.dims[..] {
            [outputs, inputs] if inputs == input.channels as i64 && input.pixels() == 1 => {
                usize::try_from(outputs).ok()
            }
            _ => None,
        };
        let Some(outputs) = outputs.filter(|outputs| *outputs > 0) else {
            let found = format!("its weight has the shape {:?}", weight.tensor.dims);
            return Err(Mistake::new(found, format!("{input} come in, and a head averages over all pixels first")));
        };
        if options.byte(1)? != 0 {
            return Err(Mistake::new("its weights are shuffled", "the default format"));
        }
        let bias = self.bias(values, outputs)?;
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
        Ok(self.tape.push(Some(index), Op::Conv(conv), vec![step], Shape { channels: outputs, ..input }))
    }

    fn bias(&self, values: &[Option<Value<'a>>], outputs: usize) -> Result<Option<Constant<'a>>, Mistake> {
        if matches!(values.get(2), None | Some(None)) {
            return Ok(None);
        }
        let bias = constant(values, 2)?;
        if bias.tensor.dims != [outputs as i64] {
            let found = format!("its bias has the shape {:?}", bias.tensor.dims);
            return Err(Mistake::new(found, format!("{outputs} channels go out")));
        }
        Ok(Some(bias))
    }

    fn pool(
        &mut self,
        index: usize,
        values: &[Option<Value<'a>>],
        options: &Options,
        name: &str,
    ) -> Result<Value<'a>, Mistake> {
        let step = self.map(values, 0)?;
        let input = self.tape.steps[step].shape;
        let size = |field: usize| options.int(field, 0).map(|size| usize::try_from(size).unwrap_or(0));
        let (columns, rows) = (size(3)?, size(4)?);
        let is_average = name == "AVERAGE_POOL_2D";
        if is_average && (rows, columns) == (input.height, input.width) && options.byte(0)? == VALID {
            return Ok(self.global_pool(index, step));
        }
        let Window { kernel_size, stride, pads, output } = options.window(input, Pads::NONE, (rows, columns))?;
        let op = match is_average {
            true => Op::AveragePool { kernel_size, stride, pads, counts_padding: false },
            false => Op::MaxPool { kernel_size, stride, pads },
        };
        Ok(self.tape.push(Some(index), op, vec![step], output))
    }

    fn mean(&mut self, index: usize, values: &[Option<Value<'a>>]) -> Result<Value<'a>, Mistake> {
        let step = self.map(values, 0)?;
        let axes = self.small_ints(values, 1)?;
        if axes != [1, 2] && axes != [2, 1] {
            return Err(Mistake::new(
                format!("a mean over the axes {axes:?}"),
                "a pool is one over rows and columns, [1, 2]",
            ));
        }
        Ok(self.global_pool(index, step))
    }

    fn global_pool(&mut self, index: usize, step: StepId) -> Value<'a> {
        let shape = Shape { height: 1, width: 1, ..self.tape.steps[step].shape };
        self.tape.push(Some(index), Op::GlobalAveragePool, vec![step], shape)
    }

    /// Zeros around a map, which the next convolution takes in.
    fn pad(&self, values: &[Option<Value<'a>>]) -> Result<Value<'a>, Mistake> {
        let step = self.map(values, 0)?;
        let found = self.small_ints(values, 1)?;
        let size = |size: i64| usize::try_from(size).ok().filter(|size| *size < MAX_KERNEL);
        let pads = match found[..] {
            [0, 0, top, bottom, left, right, 0, 0] => size(top)
                .zip(size(bottom))
                .zip(size(left))
                .zip(size(right))
                .map(|(((top, bottom), left), right)| Pads { top, left, bottom, right }),
            _ => None,
        };
        let pads = pads.ok_or_else(|| {
            Mistake::new(format!("its pads are {found:?}"), "pads of rows and columns only, less than a kernel")
        })?;
        Ok(Value::Map { step, pads })
    }

    fn small_ints(&self, values: &[Option<Value<'a>>], at: usize) -> Result<Vec<i64>, Mistake> {
        let constant = Constant { integers: None, ..constant(values, at)? };
        let small = self.tape.small(&Value::Constant(constant))?;
        Ok(small.map(|small| small.to_ints()).unwrap_or_default())
    }

    fn map(&self, values: &[Option<Value<'a>>], at: usize) -> Result<StepId, Mistake> {
        crate::operands::map(values, at)
    }

    /// The first operand and the zeros around it.
    fn padded(&self, values: &[Option<Value<'a>>]) -> Result<(StepId, Pads), Mistake> {
        match values.first() {
            Some(Some(Value::Map { step, pads })) => Ok((*step, *pads)),
            _ => self.map(values, 0).map(|step| (step, Pads::NONE)),
        }
    }
}

fn missing(at: usize) -> Mistake {
    Mistake::new(format!("its operand {} is missing", at + 1), "")
}

fn constant<'a>(values: &[Option<Value<'a>>], at: usize) -> Result<Constant<'a>, Mistake> {
    match values.get(at) {
        Some(Some(Value::Constant(constant))) => Ok(*constant),
        _ => Err(Mistake::new(
            format!("its operand {} is not a constant", at + 1),
            "export the network with its weights",
        )),
    }
}

/// The value of `padding` that pads nothing; 0 is SAME.
const VALID: u8 = 1;

/// The options of an operator; those that the file leaves out have their defaults.
struct Options<'a> {
    table: Option<Table<'a>>,
}

/// What a window does to a map's sides; the channels of `output` are those that come in.
struct Window {
    kernel_size: usize,
    stride: usize,
    pads: Pads,
    output: Shape,
}

impl Options<'_> {
    fn int(&self, field: usize, default: i32) -> Result<i32, Mistake> {
        self.table.as_ref().map_or(Ok(default), |table| table.int(field, default)).map_err(|error| mistake(&error))
    }

    fn byte(&self, field: usize) -> Result<u8, Mistake> {
        self.table.as_ref().map_or(Ok(0), |table| table.byte(field)).map_err(|error| mistake(&error))
    }

    fn activation(&self, field: usize) -> Result<Option<Activation>, Mistake> {
        match self.byte(field)? {
            0 => Ok(None),
            1 => Ok(Some(Activation::Relu)),
            3 => Ok(Some(Activation::Relu6)),
            other => Err(Mistake::new(format!("its activation is number {other}"), "relu is 1, relu6 is 3")),
        }
    }

    /// A square window of rows and columns, whose padding and strides are the first three fields.
    fn window(&self, input: Shape, before: Pads, (rows, columns): (usize, usize)) -> Result<Window, Mistake> {
        let strides = (self.int(1, 0)?, self.int(2, 0)?);
        let stride = match strides {
            (1, 1) => 1,
            (2, 2) => 2,
            _ => {
                return Err(Mistake::new(
                    format!("its strides are {strides:?}"),
                    "strides are 1 or 2, in both directions",
                ));
            }
        };
        if rows != columns || rows.is_multiple_of(2) || rows > MAX_KERNEL {
            return Err(Mistake::new(
                format!("its kernel is {rows} x {columns}"),
                "kernels are square and odd, from 1 to 15",
            ));
        }
        let own = match self.byte(0)? {
            0 => {
                let (height, width) =
                    (input.height + before.top + before.bottom, input.width + before.left + before.right);
                Pads::same(Shape { height, width, ..input }, rows, stride)
            }
            VALID => Pads::NONE,
            other => return Err(Mistake::new(format!("its padding is number {other}"), "SAME is 0, VALID is 1")),
        };
        let pads = Pads {
            top: before.top + own.top,
            left: before.left + own.left,
            bottom: before.bottom + own.bottom,
            right: before.right + own.right,
        };
        let output = slide(input, rows, stride, pads)
            .ok_or_else(|| Mistake::new(format!("a kernel of {rows} on {input}"), "the map is too small for it"))?;
        Ok(Window { kernel_size: rows, stride, pads, output })
    }
}

fn mistake(error: &ReadError) -> Mistake {
    Mistake::new(error.to_string(), "")
}
