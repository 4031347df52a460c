//! The safetensors format: reading what others wrote, and writing under our names.
//!
//! Reading takes F32, F16, BF16 and F64 and gives `f32`, other types are no weights; writing gives F32, or F16 for the
//! tensors that are large.

use super::{Files, Format, Further, Read};
use crate::weights::contents::{COUNTER, Contents};
use crate::weights::elements::{ElementType, f32_to_f16};
use crate::weights::error::shown;
use crate::weights::{FormatError, Inventory, Listed, WeightTensor, Weights};
use ::safetensors::tensor::{Dtype, Metadata, TensorInfo, View};
use std::borrow::Cow;
use std::collections::BTreeMap;

pub(super) const FORMAT: Format = Format {
    name: "safetensors",
    // The header is JSON after its length.
    is: |bytes| bytes.get(8) == Some(&b'{'),
    further: Further::None,
    list: |bytes| Ok(Inventory { format: "safetensors", tensors: list(bytes)?, averages: None }),
    read: Read::Tensors(|files: &Files, _| contents(files.first)),
};

/// Every floating-point tensor of a safetensors file by its name in the file.
///
/// # Errors
///
/// When the file is malformed.
pub fn read(bytes: &[u8]) -> Result<BTreeMap<String, WeightTensor>, FormatError> {
    contents(bytes).map(|contents| contents.tensors)
}

/// Everything in a safetensors file, in the order of the bytes.
fn contents(bytes: &[u8]) -> Result<Contents, FormatError> {
    let (metadata, data) = open(bytes)?;
    let mut contents = Contents::default();
    for name in metadata.offset_keys().into_iter().filter(|name| !name.ends_with(COUNTER)) {
        let Some(info) = metadata.info(&name) else { continue };
        let Some(element) = element(info.dtype) else {
            contents.unread.insert(name, format!("has elements of type {}", type_name(info.dtype)));
            continue;
        };
        let tensor = tensor(info, element, data)
            .map_err(|reason| FormatError::new(format!("tensor `{}` {reason}", shown(&name))))?;
        contents.order.push(name.clone());
        contents.tensors.insert(name, tensor);
    }
    Ok(contents)
}

/// What a safetensors file holds, in the order of the bytes.
fn list(bytes: &[u8]) -> Result<Vec<Listed>, FormatError> {
    let (metadata, _) = open(bytes)?;
    let list = metadata.offset_keys().into_iter().filter_map(|name| {
        let info = metadata.info(&name)?;
        let element = type_name(info.dtype);
        let bytes = info.data_offsets.1.saturating_sub(info.data_offsets.0);
        Some(Listed { name, element, shape: info.shape.clone(), bytes: bytes as u64 })
    });
    Ok(list.collect())
}

/// Writes `weights` as safetensors: the same weights always give the same bytes.
///
/// # Errors
///
/// When a tensor has more or fewer values than its shape says.
pub fn write(weights: &Weights) -> Result<Vec<u8>, FormatError> {
    let tensors = weights.iter().map(|(name, tensor)| (name, Written(tensor)));
    ::safetensors::serialize(tensors, None).map_err(|error| FormatError::new(error.to_string()))
}

/// [`write()`] in half the bytes: tensors of two or more dimensions have elements of F16, the nearest to each. Vectors
/// (biases, batch norms) stay F32; they are few, and a variance may be smaller than F16 can hold.
///
/// # Errors
///
/// When a tensor has more or fewer values than its shape says, or a value of 65,520 or more, which F16 cannot hold.
pub fn write_f16(weights: &Weights) -> Result<Vec<u8>, FormatError> {
    let mut tensors = Vec::with_capacity(weights.len());
    for (name, tensor) in weights {
        let halves = if tensor.shape.len() < 2 { Some(None) } else { halves(&tensor.data).map(Some) };
        let halves = halves.ok_or_else(|| {
            FormatError::new(format!("`{}` has a value that float16 cannot hold; it ends at 65504", shown(name)))
        })?;
        tensors.push((name, Halved { tensor, halves }));
    }
    ::safetensors::serialize(tensors, None).map_err(|error| FormatError::new(error.to_string()))
}

/// The bytes of the nearest F16 values.
fn halves(values: &[f32]) -> Option<Vec<u8>> {
    let halves: Option<Vec<[u8; 2]>> = values.iter().map(|&x| f32_to_f16(x).map(u16::to_le_bytes)).collect();
    halves.map(|halves| halves.into_flattened())
}

/// The header, and the bytes that it describes.
///
/// This goes around `SafeTensors::deserialize`, which adds the sizes of the header and of the last offset unchecked
/// (0.8.0): offsets near `usize::MAX` made it panic.
pub(crate) fn open(bytes: &[u8]) -> Result<(Metadata, &[u8]), FormatError> {
    let malformed =
        |reason: &dyn std::fmt::Display| FormatError::new(format!("not a valid safetensors file: {reason}"));
    let (length, rest) = bytes.split_first_chunk::<8>().ok_or_else(|| malformed(&"shorter than its header"))?;
    let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX);
    let (header, data) = rest.split_at_checked(length).ok_or_else(|| malformed(&"shorter than its header"))?;
    let metadata: Metadata = serde_json::from_slice(header).map_err(|error| malformed(&error))?;
    if metadata.data_len() != data.len() {
        let reason = format!("the header describes {} bytes of data, {} follow", metadata.data_len(), data.len());
        return Err(malformed(&reason));
    }
    Ok((metadata, data))
}

/// The type of elements that weights may have.
fn element(dtype: Dtype) -> Option<ElementType> {
    match dtype {
        Dtype::F16 => Some(ElementType::F16),
        Dtype::BF16 => Some(ElementType::Bf16),
        Dtype::F32 => Some(ElementType::F32),
        Dtype::F64 => Some(ElementType::F64),
        _ => None,
    }
}

fn type_name(dtype: Dtype) -> String {
    match dtype {
        Dtype::F16 => "float16".into(),
        Dtype::BF16 => "bfloat16".into(),
        Dtype::F32 => "float32".into(),
        Dtype::F64 => "float64".into(),
        Dtype::BOOL => "bool".into(),
        // `I64` to `int64`, `U8` to `uint8`; others stay as the format calls them.
        other => match format!("{other:?}") {
            name if name.starts_with('I') => name.replacen('I', "int", 1),
            name if name.starts_with('U') => name.replacen('U', "uint", 1),
            name => name,
        },
    }
}

fn tensor(info: &TensorInfo, element: ElementType, data: &[u8]) -> Result<WeightTensor, String> {
    let bytes = data.get(info.data_offsets.0..info.data_offsets.1).ok_or("lies outside of the file")?;
    let data: Vec<f32> = (0..bytes.len() / element.size()).map_while(|index| element.get(bytes, index)).collect();
    Ok(WeightTensor { shape: info.shape.clone(), data })
}

/// A tensor as the serialiser wants to see it.
struct Written<'a>(&'a WeightTensor);

impl View for Written<'_> {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }

    fn shape(&self) -> &[usize] {
        &self.0.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        self.0.data.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>().into()
    }

    fn data_len(&self) -> usize {
        self.0.data.len() * 4
    }
}

/// A tensor that may be written as F16.
struct Halved<'a> {
    tensor: &'a WeightTensor,
    halves: Option<Vec<u8>>,
}

impl View for Halved<'_> {
    fn dtype(&self) -> Dtype {
        if self.halves.is_some() { Dtype::F16 } else { Dtype::F32 }
    }

    fn shape(&self) -> &[usize] {
        &self.tensor.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        match &self.halves {
            Some(halves) => halves.into(),
            None => Written(self.tensor).data().into_owned().into(),
        }
    }

    fn data_len(&self) -> usize {
        self.halves.as_ref().map_or(self.tensor.data.len() * 4, Vec::len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weights() -> Weights {
        let tensor = |shape: &[usize], data: &[f32]| WeightTensor { shape: shape.to_vec(), data: data.to_vec() };
        BTreeMap::from([
            ("classifier.bias".to_string(), tensor(&[3], &[1.0, -2.5, f32::MIN_POSITIVE])),
            ("stem.conv.weight".to_string(), tensor(&[1, 2, 1, 1], &[0.1, -0.0])),
        ])
    }

    #[test]
    fn what_is_written_is_read() {
        let bytes = write(&weights()).unwrap();
        assert_eq!(bytes, write(&weights()).unwrap());
        assert_eq!(read(&bytes), Ok(weights()));
    }

    #[test]
    fn halves_are_read_as_the_nearest_values() {
        let bytes = write_f16(&weights()).unwrap();
        let read = read(&bytes).unwrap();
        // A vector stays as it is; 0.1 lies between 0x2e66 and 0x2e67.
        assert_eq!(read["classifier.bias"], weights()["classifier.bias"]);
        assert_eq!(read["stem.conv.weight"].data, [1638.0 / 16384.0, -0.0]);
        let mut large = weights();
        large.get_mut("stem.conv.weight").unwrap().data[1] = -65_520.0;
        let error = write_f16(&large).unwrap_err().to_string();
        assert_eq!(error, "`stem.conv.weight` has a value that float16 cannot hold; it ends at 65504");
    }

    #[test]
    fn offsets_that_overflow_are_an_error() {
        // Sixteen tensors of 2^60 bytes each, less what the header takes: the sum wraps around to the file's size.
        let mut entries = Vec::new();
        let mut start = 0_usize;
        for index in 0..16 {
            let end = start.saturating_add(1 << 60).min(usize::MAX - 1);
            entries.push(format!(
                r#""t{index}":{{"dtype":"U8","shape":[{}],"data_offsets":[{start},{end}]}}"#,
                end - start
            ));
            start = end;
        }
        let header = format!("{{{}}}", entries.join(","));
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.bytes());
        let error = read(&bytes).map(|_| ()).unwrap_err().to_string();
        assert_eq!(
            error,
            "not a valid safetensors file: the header describes 18446744073709551614 bytes of data, 0 follow"
        );
    }

    #[test]
    fn integers_are_no_weights() {
        let header = r#"{"w":{"dtype":"I8","shape":[2],"data_offsets":[0,2]}}"#;
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.bytes());
        bytes.extend([1, 2]);
        let contents = contents(&bytes).unwrap();
        assert!(contents.tensors.is_empty() && contents.order.is_empty());
        assert_eq!(contents.unread["w"], "has elements of type int8");
    }
}
