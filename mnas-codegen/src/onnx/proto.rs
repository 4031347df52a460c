//! Messages of ONNX from plain values.

use onnx_protobuf::attribute_proto::AttributeType;
use onnx_protobuf::tensor_proto::DataType;
use onnx_protobuf::tensor_shape_proto::{Dimension, dimension};
use onnx_protobuf::type_proto;
use onnx_protobuf::{AttributeProto, StringStringEntryProto, TensorProto, TensorShapeProto, TypeProto, ValueInfoProto};

/// Name of the batch dimension, which a file leaves open.
pub(super) const BATCH: &str = "N";

/// A value of this type and shape, behind the batch if there is one.
pub(super) fn value_info(name: &str, data_type: DataType, batch: Option<&str>, dims: &[usize]) -> ValueInfoProto {
    let batch = batch.map(|name| dimension::Value::DimParam(name.to_owned()));
    let dims = batch.into_iter().chain(dims.iter().map(|&dim| dimension::Value::DimValue(dim as i64)));
    let shape = TensorShapeProto {
        dim: dims.map(|dim| Dimension { value: Some(dim), ..Default::default() }).collect(),
        ..Default::default()
    };
    let tensor = type_proto::Tensor { elem_type: data_type as i32, shape: Some(shape).into(), ..Default::default() };
    let value = TypeProto { value: Some(type_proto::Value::TensorType(tensor)), ..Default::default() };
    ValueInfoProto { name: name.to_owned(), type_: Some(value).into(), ..Default::default() }
}

/// Numbers of a constant.
#[derive(Clone, Copy)]
pub(super) enum Values<'v> {
    F32(&'v [f32]),
    I8(&'v [i8]),
    I32(&'v [i32]),
    I64(&'v [i64]),
    U8(&'v [u8]),
}

impl Values<'_> {
    fn data_type(self) -> DataType {
        match self {
            Values::F32(_) => DataType::FLOAT,
            Values::I8(_) => DataType::INT8,
            Values::I32(_) => DataType::INT32,
            Values::I64(_) => DataType::INT64,
            Values::U8(_) => DataType::UINT8,
        }
    }

    fn bytes(self) -> Vec<u8> {
        match self {
            Values::F32(values) => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
            Values::I8(values) => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
            Values::I32(values) => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
            Values::I64(values) => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
            Values::U8(values) => values.to_vec(),
        }
    }
}

/// A constant; a scalar has no dims.
pub(super) fn initializer(name: &str, dims: &[usize], values: Values) -> TensorProto {
    TensorProto {
        name: name.to_owned(),
        dims: dims.iter().map(|&dim| dim as i64).collect(),
        data_type: values.data_type() as i32,
        raw_data: values.bytes(),
        ..Default::default()
    }
}

pub(super) fn int(name: &str, value: usize) -> AttributeProto {
    AttributeProto { i: value as i64, ..attribute(name, AttributeType::INT) }
}

pub(super) fn ints(name: &str, values: &[usize]) -> AttributeProto {
    AttributeProto { ints: values.iter().map(|&value| value as i64).collect(), ..attribute(name, AttributeType::INTS) }
}

pub(super) fn float(name: &str, value: f32) -> AttributeProto {
    AttributeProto { f: value, ..attribute(name, AttributeType::FLOAT) }
}

fn attribute(name: &str, type_: AttributeType) -> AttributeProto {
    AttributeProto { name: name.to_owned(), type_: type_.into(), ..Default::default() }
}

pub(super) fn property(key: &str, value: String) -> StringStringEntryProto {
    StringStringEntryProto { key: key.to_owned(), value, ..Default::default() }
}
