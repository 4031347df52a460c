//! The messages of ONNX that a network needs, as slices of the file. Other fields are skipped.

use crate::error::ReadError;
use crate::wire::{Field, Fields};

/// `ModelProto`.
#[derive(Clone, Debug, Default)]
pub(crate) struct ModelProto<'a> {
    pub(crate) graph: Option<GraphProto<'a>>,
    /// Version of the operators of the standard domain.
    pub(crate) opset: Option<i64>,
    pub(crate) metadata: Vec<(&'a str, &'a str)>,
}

/// `GraphProto`.
#[derive(Clone, Debug, Default)]
pub(crate) struct GraphProto<'a> {
    pub(crate) name: &'a str,
    pub(crate) nodes: Vec<NodeProto<'a>>,
    pub(crate) initializers: Vec<TensorProto<'a>>,
    pub(crate) sparse_initializers: usize,
    pub(crate) inputs: Vec<ValueInfo<'a>>,
    pub(crate) outputs: Vec<ValueInfo<'a>>,
}

/// `NodeProto`.
#[derive(Clone, Debug, Default)]
pub(crate) struct NodeProto<'a> {
    pub(crate) name: &'a str,
    pub(crate) op_type: &'a str,
    pub(crate) domain: &'a str,
    /// An empty name is an omitted operand.
    pub(crate) inputs: Vec<&'a str>,
    pub(crate) outputs: Vec<&'a str>,
    pub(crate) attributes: Vec<Attribute<'a>>,
}

/// `AttributeProto`.
#[derive(Clone, Debug)]
pub(crate) struct Attribute<'a> {
    pub(crate) name: &'a str,
    pub(crate) value: AttributeValue<'a>,
}

#[derive(Clone, Debug)]
pub(crate) enum AttributeValue<'a> {
    Float(f32),
    Int(i64),
    Text(&'a [u8]),
    Tensor(Box<TensorProto<'a>>),
    Floats(Vec<f32>),
    Ints(Vec<i64>),
    /// A kind that no operator of a convnet has; subgraphs are not read.
    Other,
}

/// `TensorProto`.
#[derive(Clone, Debug, Default)]
pub(crate) struct TensorProto<'a> {
    pub(crate) name: &'a str,
    pub(crate) dims: Vec<i64>,
    pub(crate) data_type: i64,
    pub(crate) raw: Option<&'a [u8]>,
    /// `float_data` and `double_data`, little-endian.
    pub(crate) floats: Vec<u8>,
    /// `int32_data`, which holds halves too, and `int64_data`.
    pub(crate) ints: Vec<i64>,
    /// `external_data`, where the data is not in this file.
    pub(crate) external: Option<Vec<(&'a str, &'a str)>>,
}

/// `ValueInfoProto`; dims that the file leaves open are `None`.
#[derive(Clone, Debug, Default)]
pub(crate) struct ValueInfo<'a> {
    pub(crate) name: &'a str,
    pub(crate) dims: Option<Vec<Option<i64>>>,
}

impl<'a> ModelProto<'a> {
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, ReadError> {
        let mut model = ModelProto::default();
        each(Fields::of_file(bytes), |field| {
            match field.number {
                7 if model.graph.is_some() => return Err(ReadError::new(field.at, "the file has two graphs".into())),
                7 => model.graph = Some(GraphProto::read(field.message()?)?),
                8 => {
                    let (mut domain, mut version) = ("", 0);
                    each(field.message()?, |field| {
                        match field.number {
                            1 => domain = field.text()?,
                            2 => version = field.int()?,
                            _ => {}
                        }
                        Ok(())
                    })?;
                    if is_standard(domain) {
                        model.opset = Some(version);
                    }
                }
                14 => model.metadata.push(pair(field.message()?)?),
                _ => {}
            }
            Ok(())
        })?;
        Ok(model)
    }
}

impl<'a> GraphProto<'a> {
    fn read(fields: Fields<'a>) -> Result<Self, ReadError> {
        let mut graph = GraphProto::default();
        each(fields, |field| {
            match field.number {
                1 => graph.nodes.push(NodeProto::read(field.message()?)?),
                2 => graph.name = field.text()?,
                5 => graph.initializers.push(TensorProto::read(field.message()?)?),
                11 => graph.inputs.push(ValueInfo::read(field.message()?)?),
                12 => graph.outputs.push(ValueInfo::read(field.message()?)?),
                15 => graph.sparse_initializers += 1,
                _ => {}
            }
            Ok(())
        })?;
        Ok(graph)
    }
}

impl<'a> NodeProto<'a> {
    fn read(fields: Fields<'a>) -> Result<Self, ReadError> {
        let mut node = NodeProto::default();
        each(fields, |field| {
            match field.number {
                1 => node.inputs.push(field.text()?),
                2 => node.outputs.push(field.text()?),
                3 => node.name = field.text()?,
                4 => node.op_type = field.text()?,
                5 => node.attributes.push(Attribute::read(field.message()?)?),
                7 => node.domain = field.text()?,
                _ => {}
            }
            Ok(())
        })?;
        Ok(node)
    }
}

impl<'a> Attribute<'a> {
    fn read(fields: Fields<'a>) -> Result<Self, ReadError> {
        let (mut name, mut kind) = ("", 0);
        let (mut float, mut int, mut text, mut tensor) = (None, None, None, None);
        let (mut floats, mut ints) = (Vec::new(), Vec::new());
        each(fields, |field| {
            match field.number {
                1 => name = field.text()?,
                2 => float = Some(field.float()?),
                3 => int = Some(field.int()?),
                4 => text = Some(field.bytes()?),
                5 => tensor = Some(TensorProto::read(field.message()?)?),
                7 => field.push_fixed(&mut floats, 4)?,
                8 => field.push_ints(&mut ints)?,
                20 => kind = field.int()?,
                _ => {}
            }
            Ok(())
        })?;
        // Files from before 2017 have no kind; it follows from the fields that are there. A value of zero may be omitted.
        let kind = match kind {
            0 if float.is_some() => 1,
            0 if int.is_some() => 2,
            0 if text.is_some() => 3,
            0 if tensor.is_some() => 4,
            0 if !floats.is_empty() => 6,
            0 if !ints.is_empty() => 7,
            kind => kind,
        };
        let value = match kind {
            1 => AttributeValue::Float(float.unwrap_or(0.0)),
            2 => AttributeValue::Int(int.unwrap_or(0)),
            3 => AttributeValue::Text(text.unwrap_or_default()),
            4 => AttributeValue::Tensor(Box::new(tensor.unwrap_or_default())),
            6 => AttributeValue::Floats(floats.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()),
            7 => AttributeValue::Ints(ints),
            _ => AttributeValue::Other,
        };
        Ok(Attribute { name, value })
    }
}

impl<'a> TensorProto<'a> {
    fn read(fields: Fields<'a>) -> Result<Self, ReadError> {
        let mut tensor = TensorProto::default();
        let mut external = Vec::new();
        let mut is_external = false;
        each(fields, |field| {
            match field.number {
                1 => field.push_ints(&mut tensor.dims)?,
                2 => tensor.data_type = field.int()?,
                4 => field.push_fixed(&mut tensor.floats, 4)?,
                5 | 7 => field.push_ints(&mut tensor.ints)?,
                8 => tensor.name = field.text()?,
                9 => tensor.raw = Some(field.bytes()?),
                10 => field.push_fixed(&mut tensor.floats, 8)?,
                13 => external.push(pair(field.message()?)?),
                14 => is_external = field.int()? == 1,
                _ => {}
            }
            Ok(())
        })?;
        tensor.external = is_external.then_some(external);
        Ok(tensor)
    }
}

impl<'a> ValueInfo<'a> {
    fn read(fields: Fields<'a>) -> Result<Self, ReadError> {
        let mut info = ValueInfo::default();
        each(fields, |field| {
            match field.number {
                1 => info.name = field.text()?,
                2 => info.dims = Self::tensor_dims(field.message()?)?,
                _ => {}
            }
            Ok(())
        })?;
        Ok(info)
    }

    /// `TypeProto`, of which only `tensor_type` matters.
    fn tensor_dims(fields: Fields<'a>) -> Result<Option<Vec<Option<i64>>>, ReadError> {
        let mut dims = None;
        let only = |number: u64| move |field: &Field<'a>| field.number == number;
        each(fields, |field| {
            if only(1)(&field) {
                each(field.message()?, |field| {
                    if only(2)(&field) {
                        let mut list = Vec::new();
                        each(field.message()?, |field| {
                            if only(1)(&field) {
                                list.push(dim(field.message()?)?);
                            }
                            Ok(())
                        })?;
                        dims = Some(list);
                    }
                    Ok(())
                })?;
            }
            Ok(())
        })?;
        Ok(dims)
    }
}

fn dim(fields: Fields) -> Result<Option<i64>, ReadError> {
    let mut value = None;
    each(fields, |field| {
        if field.number == 1 {
            value = Some(field.int()?);
        }
        Ok(())
    })?;
    Ok(value)
}

/// `StringStringEntryProto`.
fn pair<'a>(fields: Fields<'a>) -> Result<(&'a str, &'a str), ReadError> {
    let (mut key, mut value) = ("", "");
    each(fields, |field| {
        match field.number {
            1 => key = field.text()?,
            2 => value = field.text()?,
            _ => {}
        }
        Ok(())
    })?;
    Ok((key, value))
}

/// Whether operators of this domain are ONNX's own.
pub(crate) fn is_standard(domain: &str) -> bool {
    matches!(domain, "" | "ai.onnx")
}

fn each<'a>(mut fields: Fields<'a>, mut read: impl FnMut(Field<'a>) -> Result<(), ReadError>) -> Result<(), ReadError> {
    while let Some(field) = fields.next()? {
        read(field)?;
    }
    Ok(())
}
