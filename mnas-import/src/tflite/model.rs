//! The tables of TensorFlow Lite's schema that a network needs, as slices of the file.

use super::flatbuffer::{Elements, Table};
use crate::error::ReadError;
use crate::proto::{GraphProto, NodeProto, TensorProto};

/// The mark of the format, behind the first offset.
const MARK: &[u8] = b"TFL3";

/// Tensors and operators that a network may have.
const MOST: usize = 1 << 16;

/// A model's first subgraph.
pub(crate) struct Model<'a> {
    pub(super) tensors: Vec<Tensor<'a>>,
    pub(super) operators: Vec<Operator<'a>>,
    pub(super) inputs: Elements<'a>,
    pub(super) outputs: Elements<'a>,
    /// Operators as nodes, for messages.
    pub(crate) graph: GraphProto<'a>,
}

/// A tensor, with the data of the file if it is a constant.
pub(super) struct Tensor<'a> {
    /// Its data is `None` for a map.
    pub(super) proto: TensorProto<'a>,
    pub(super) quantization: Option<Quantization<'a>>,
}

/// Scales and zero points, for one or for each place of an axis.
pub(super) struct Quantization<'a> {
    pub(super) scale: TensorProto<'a>,
    pub(super) zero: TensorProto<'a>,
    pub(super) axis: usize,
}

/// An operator.
pub(super) struct Operator<'a> {
    pub(super) code: i32,
    pub(super) inputs: Elements<'a>,
    pub(super) outputs: Elements<'a>,
    pub(super) options: Option<Table<'a>>,
}

/// Whether bytes are a file of TensorFlow Lite.
pub(crate) fn is_tflite(bytes: &[u8]) -> bool {
    bytes.get(4..8) == Some(MARK)
}

impl<'a> Model<'a> {
    /// Reads the parts of a file.
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, ReadError> {
        let root = Table::root(bytes)?;
        let (codes, subgraphs, buffers) = (root.elements(1, 4)?, root.elements(2, 4)?, root.elements(4, 4)?);
        if subgraphs.len() != 1 {
            let found = format!("the model has {} subgraphs; a network has one", subgraphs.len());
            return Err(ReadError::of_tflite(0, found));
        }
        let subgraph = subgraphs.table(0)?;
        let (tensors, operators) = (subgraph.elements(0, 4)?, subgraph.elements(3, 4)?);
        if tensors.len() > MOST || operators.len() > MOST {
            return Err(ReadError::of_tflite(0, format!("the model has more than {MOST} tensors or operators")));
        }
        let tensors: Vec<Tensor> =
            (0..tensors.len()).map(|at| tensor(tensors.table(at)?, &buffers)).collect::<Result<_, _>>()?;
        let operators: Vec<Operator> =
            (0..operators.len()).map(|at| operator(operators.table(at)?, &codes)).collect::<Result<_, _>>()?;
        let node = |operator: &Operator<'a>| {
            let output = operator.outputs.int(0).and_then(|at| tensors.get(usize::try_from(at).ok()?));
            let outputs = output.map(|tensor| tensor.proto.name).into_iter().collect();
            NodeProto { op_type: name(operator.code), outputs, ..Default::default() }
        };
        let graph = GraphProto { nodes: operators.iter().map(node).collect(), ..Default::default() };
        let (inputs, outputs) = (subgraph.elements(1, 4)?, subgraph.elements(2, 4)?);
        Ok(Model { tensors, operators, inputs, outputs, graph })
    }
}

fn tensor<'a>(table: Table<'a>, buffers: &Elements<'a>) -> Result<Tensor<'a>, ReadError> {
    const MOST_DIMS: usize = 8;
    let shape = table.elements(0, 4)?;
    let dims = (0..shape.len().min(MOST_DIMS + 1)).filter_map(|at| shape.int(at)).map(i64::from).collect();
    // ONNX's numbers of the same types; it has no type of number 0.
    let data_type = match table.byte(1)? {
        0 => 1,
        1 => 10,
        2 => 6,
        3 => 2,
        4 => 7,
        9 => 3,
        10 => 11,
        _ => 0,
    };
    let buffer = usize::try_from(table.int(2, 0)?).unwrap_or(usize::MAX);
    // The first buffer is that of tensors without data.
    let data =
        if buffer == 0 || buffer >= buffers.len() { &[][..] } else { buffers.table(buffer)?.elements(0, 1)?.data };
    let raw = (!data.is_empty()).then_some(data);
    let name = table.text(3)?;
    let proto = TensorProto { name, dims, data_type, raw, ..Default::default() };
    Ok(Tensor { proto, quantization: quantization(table, name)? })
}

fn quantization<'a>(tensor: Table<'a>, name: &'a str) -> Result<Option<Quantization<'a>>, ReadError> {
    let Some(table) = tensor.table(4)? else { return Ok(None) };
    let (scale, zero) = (table.elements(2, 4)?, table.elements(3, 8)?);
    if scale.len() == 0 {
        return Ok(None);
    }
    let proto = |elements: Elements<'a>, data_type: i64| TensorProto {
        name,
        dims: vec![elements.len() as i64],
        data_type,
        raw: Some(elements.data),
        ..Default::default()
    };
    let axis = usize::try_from(table.int(6, 0)?).unwrap_or(usize::MAX);
    Ok(Some(Quantization { scale: proto(scale, 1), zero: proto(zero, 7), axis }))
}

fn operator<'a>(table: Table<'a>, codes: &Elements<'a>) -> Result<Operator<'a>, ReadError> {
    let index = usize::try_from(table.int(0, 0)?).unwrap_or(usize::MAX);
    let code = if index < codes.len() {
        let code = codes.table(index)?;
        // Numbers up to 127 are in a field of a byte too, and in old files only there.
        code.int(3, 0)?.max(i32::from(code.byte(0)?))
    } else {
        -1
    };
    let (inputs, outputs, options) = (table.elements(1, 4)?, table.elements(2, 4)?, table.table(4)?);
    Ok(Operator { code, inputs, outputs, options })
}

/// Operators that are known, by their numbers in the schema.
pub(super) const OPERATORS: &[(i32, &str)] = &[
    (0, "ADD"),
    (1, "AVERAGE_POOL_2D"),
    (3, "CONV_2D"),
    (4, "DEPTHWISE_CONV_2D"),
    (6, "DEQUANTIZE"),
    (9, "FULLY_CONNECTED"),
    (14, "LOGISTIC"),
    (17, "MAX_POOL_2D"),
    (18, "MUL"),
    (19, "RELU"),
    (21, "RELU6"),
    (22, "RESHAPE"),
    (25, "SOFTMAX"),
    (34, "PAD"),
    (40, "MEAN"),
    (43, "SQUEEZE"),
    (114, "QUANTIZE"),
    (117, "HARD_SWISH"),
];

pub(super) fn name(code: i32) -> &'static str {
    OPERATORS.iter().find(|(known, _)| *known == code).map_or("operator", |(_, name)| name)
}
