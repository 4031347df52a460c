//! What an index says of a checkpoint and of each tensor (`tensor_bundle.proto`).

use super::Reason;
use super::protobuf::{Fields, Value};
use crate::weights::elements::ElementType;

/// More shards than any checkpoint has: as many as machines that train one network together.
const MAX_SHARDS: u64 = 100_000;

/// The entry under the empty key (`BundleHeaderProto`): the number of shards.
pub(super) fn header(message: &[u8]) -> Result<usize, Reason> {
    let mut shards = 0;
    for field in Fields(message) {
        match field? {
            (1, Value::Varint(count)) => shards = count,
            (2, Value::Varint(0)) => {}
            (2, _) => return Err("it was not written on a little-endian machine".into()),
            _ => {}
        }
    }
    match usize::try_from(shards) {
        Ok(count) if (1..=MAX_SHARDS).contains(&shards) => Ok(count),
        _ => Err(format!("its index is damaged: it says that there are {shards} files of data")),
    }
}

/// Where a tensor is and what it is (`BundleEntryProto`).
#[derive(Clone, Debug, PartialEq)]
pub(in crate::weights) struct Entry {
    pub(super) element: Element,
    pub(super) shape: Vec<usize>,
    pub(super) shard: usize,
    /// In bytes.
    pub(super) offset: usize,
    /// In bytes.
    pub(super) size: usize,
    /// Checksum of the bytes, masked.
    pub(super) checksum: u32,
    /// Whether it was cut into slices, which lie under keys of their own.
    pub(super) sliced: bool,
}

/// The type of a tensor's elements.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::weights) enum Element {
    /// One that is read, or an integer, whose size is known.
    Known(ElementType),
    /// Strings, complex numbers, quantised numbers: listed by name.
    Other(&'static str),
}

impl Entry {
    pub(super) fn read(message: &[u8]) -> Result<Self, Reason> {
        let mut entry = Entry {
            element: Element::Other("invalid"),
            shape: Vec::new(),
            shard: 0,
            offset: 0,
            size: 0,
            checksum: 0,
            sliced: false,
        };
        for field in Fields(message) {
            match field? {
                (1, Value::Varint(number)) => entry.element = element(number),
                (2, Value::Bytes(shape)) => entry.shape = self::shape(shape)?,
                (3, Value::Varint(shard)) => entry.shard = size(shard)?,
                (4, Value::Varint(offset)) => entry.offset = size(offset)?,
                (5, Value::Varint(bytes)) => entry.size = size(bytes)?,
                (6, Value::Fixed32(checksum)) => entry.checksum = checksum,
                (7, Value::Bytes(_)) => entry.sliced = true,
                (1..=7, _) => return Err("has a field of another type than TensorFlow gives it".into()),
                _ => {}
            }
        }
        Ok(entry)
    }
}

/// `TensorShapeProto`.
fn shape(message: &[u8]) -> Result<Vec<usize>, Reason> {
    let mut shape = Vec::new();
    for field in Fields(message) {
        match field? {
            (2, Value::Bytes(dimension)) => {
                let mut length = 0;
                for field in Fields(dimension) {
                    if let (1, Value::Varint(value)) = field? {
                        length = value;
                    }
                }
                shape.push(size(length)?);
            }
            (3, Value::Varint(1)) => return Err("has a shape that is not known".into()),
            _ => {}
        }
    }
    Ok(shape)
}

/// A size or an offset; negative ones are large as they are written.
fn size(value: u64) -> Result<usize, Reason> {
    let value = i64::try_from(value).ok().and_then(|value| usize::try_from(value).ok());
    value.ok_or_else(|| "has a negative size or offset".into())
}

/// The number of a type in `types.proto`.
fn element(number: u64) -> Element {
    use ElementType::{Bf16, F16, F32, F64, Integer};
    match number {
        1 => Element::Known(F32),
        2 => Element::Known(F64),
        3 => Element::Known(Integer("int32", 4)),
        4 => Element::Known(Integer("uint8", 1)),
        5 => Element::Known(Integer("int16", 2)),
        6 => Element::Known(Integer("int8", 1)),
        7 => Element::Other("string"),
        8 => Element::Other("complex64"),
        9 => Element::Known(Integer("int64", 8)),
        10 => Element::Known(Integer("bool", 1)),
        11 => Element::Other("qint8"),
        12 => Element::Other("quint8"),
        13 => Element::Other("qint32"),
        14 => Element::Known(Bf16),
        15 => Element::Other("qint16"),
        16 => Element::Other("quint16"),
        17 => Element::Known(Integer("uint16", 2)),
        18 => Element::Other("complex128"),
        19 => Element::Known(F16),
        20 => Element::Other("resource"),
        21 => Element::Other("variant"),
        22 => Element::Known(Integer("uint32", 4)),
        23 => Element::Known(Integer("uint64", 8)),
        24 => Element::Other("float8_e5m2"),
        25 => Element::Other("float8_e4m3fn"),
        29 => Element::Other("int4"),
        30 => Element::Other("uint4"),
        _ => Element::Other("unknown"),
    }
}
