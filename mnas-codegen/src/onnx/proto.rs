//! Messages of ONNX from plain values.

use onnx_protobuf::attribute_proto::AttributeType;
use onnx_protobuf::tensor_proto::DataType;
use onnx_protobuf::tensor_shape_proto::{Dimension, dimension};
use onnx_protobuf::type_proto;
use onnx_protobuf::{AttributeProto, StringStringEntryProto, TensorProto, TensorShapeProto, TypeProto, ValueInfoProto};

/// Name of the batch dimension, which a file leaves open.
const BATCH: &str = "N";

/// A f32 value of this shape behind the batch.
pub(super) fn value_info(name: &str, dims: &[usize]) -> ValueInfoProto {
    let batch = dimension::Value::DimParam(BATCH.to_owned());
    let dims = [batch].into_iter().chain(dims.iter().map(|&dim| dimension::Value::DimValue(dim as i64)));
    let shape = TensorShapeProto {
        dim: dims.map(|dim| Dimension { value: Some(dim), ..Default::default() }).collect(),
        ..Default::default()
    };
    let tensor =
        type_proto::Tensor { elem_type: DataType::FLOAT as i32, shape: Some(shape).into(), ..Default::default() };
    let value = TypeProto { value: Some(type_proto::Value::TensorType(tensor)), ..Default::default() };
    ValueInfoProto { name: name.to_owned(), type_: Some(value).into(), ..Default::default() }
}

/// Constant f32 values; a scalar has no dims.
pub(super) fn initializer(name: &str, dims: &[usize], values: &[f32]) -> TensorProto {
    TensorProto {
        name: name.to_owned(),
        dims: dims.iter().map(|&dim| dim as i64).collect(),
        data_type: DataType::FLOAT as i32,
        raw_data: values.iter().flat_map(|value| value.to_le_bytes()).collect(),
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
