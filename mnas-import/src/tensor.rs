//! The data of constants: in the file, or in another beside it.

use crate::constant::Constant;
use crate::error::shown;
use crate::proto::{Attribute, AttributeValue, ModelProto, TensorProto};
use mnas_codegen::weights::WeightTensor;
use mnas_codegen::weights::elements::ElementType;
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

/// Files with external data by the name that the model has for them.
pub type Files = BTreeMap<String, Vec<u8>>;

/// Values of a constant that is small enough to reckon with.
pub(crate) const MAX_SMALL: usize = 4096;

/// A few numbers: what shapes, pads and bounds are made of.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Small {
    pub(crate) dims: Vec<usize>,
    pub(crate) values: Vec<f64>,
    pub(crate) is_int: bool,
}

impl Small {
    pub(crate) fn ints(values: impl IntoIterator<Item = usize>) -> Self {
        let values: Vec<f64> = values.into_iter().map(|it| it as f64).collect();
        Small { dims: vec![values.len()], values, is_int: true }
    }

    /// The only value.
    pub(crate) fn scalar(&self) -> Option<f64> {
        if let [value] = self.values[..] { Some(value) } else { None }
    }

    pub(crate) fn to_ints(&self) -> Vec<i64> {
        self.values.iter().map(|&value| value as i64).collect()
    }
}

/// What data may be taken from, and how much more.
#[derive(Debug)]
pub(crate) struct Store<'a> {
    files: &'a Files,
    /// Values that may still be made. Constants may share bytes, but not so often that a small file fills the memory.
    budget: Cell<usize>,
}

impl<'a> Store<'a> {
    pub(crate) fn new(model_bytes: usize, files: &'a Files) -> Self {
        let bytes = files.values().fold(model_bytes, |sum, file| sum.saturating_add(file.len()));
        Store { files, budget: Cell::new(bytes) }
    }

    /// A floating-point tensor.
    pub(crate) fn weights(&self, tensor: &TensorProto) -> Result<WeightTensor, String> {
        let element = match tensor.data_type {
            1 => ElementType::F32,
            10 => ElementType::F16,
            11 => ElementType::F64,
            16 => ElementType::Bf16,
            other => return Err(format!("has elements of type {}; weights are floats", type_name(other))),
        };
        let (shape, count) = self.extent(tensor)?;
        let halves: Vec<u8>;
        let bytes = match self.raw(tensor)? {
            Some(bytes) => bytes,
            None if element.size() == 2 => {
                halves = tensor.ints.iter().flat_map(|&bits| (bits as u16).to_le_bytes()).collect();
                &halves
            }
            None => &tensor.floats,
        };
        check_length(bytes, count, element.size())?;
        Ok(WeightTensor { shape, data: (0..count).map_while(|index| element.get(bytes, index)).collect() })
    }

    /// A constant in real numbers.
    pub(crate) fn real(&self, constant: &Constant) -> Result<WeightTensor, String> {
        let Some(integers) = &constant.integers else { return self.weights(constant.tensor) };
        let (shape, values) = self.integers(constant.tensor)?;
        let scales = self.weights(integers.scale)?.data;
        let zeros = integers.zero.map(|zero| self.integers(zero)).transpose()?.map(|(_, zeros)| zeros);
        let places = shape.get(integers.axis).copied();
        let is_whole = scales.len() == 1 || Some(scales.len()) == places;
        if !is_whole || zeros.as_ref().is_some_and(|zeros| zeros.len() != scales.len()) {
            let zeros = zeros.map_or(String::new(), |zeros| format!(" and {} zero points", zeros.len()));
            return Err(format!(
                "of shape {shape:?} has {} scales{zeros}; it needs one, or one a channel",
                scales.len()
            ));
        }
        let behind = shape.iter().skip(integers.axis.saturating_add(1));
        let inner = behind.fold(1, |inner: usize, &dim| inner.saturating_mul(dim)).max(1);
        let real = |(at, value): (usize, &i64)| {
            let place = at / inner % scales.len();
            let zero = zeros.as_ref().map_or(0, |zeros| zeros[place]);
            value.saturating_sub(zero) as f32 * (scales[place] * integers.factor)
        };
        Ok(WeightTensor { data: values.iter().enumerate().map(real).collect(), shape })
    }

    /// [`Store::small`] of a constant that may be in integers.
    pub(crate) fn small_of(&self, constant: &Constant) -> Result<Option<Small>, String> {
        if constant.integers.is_none() {
            return self.small(constant.tensor);
        }
        if dims(constant.tensor)?.iter().try_fold(1_usize, |a, &b| a.checked_mul(b)).is_none_or(|it| it > MAX_SMALL) {
            return Ok(None);
        }
        let tensor = self.real(constant)?;
        let values = tensor.data.iter().map(|&it| f64::from(it)).collect();
        Ok(Some(Small { dims: tensor.shape, values, is_int: false }))
    }

    /// Shape and values of a tensor of bytes or of 32 bits.
    fn integers(&self, tensor: &TensorProto) -> Result<(Vec<usize>, Vec<i64>), String> {
        let (dims, count) = self.extent(tensor)?;
        let values: Vec<i64> = match (self.raw(tensor)?, tensor.data_type) {
            (None, 2 | 3 | 6) => tensor.ints.clone(),
            (Some(bytes), 2) => bytes.iter().map(|&it| i64::from(it)).collect(),
            (Some(bytes), 3) => bytes.iter().map(|&it| i64::from(it as i8)).collect(),
            (Some(bytes), 6) => bytes.as_chunks().0.iter().map(|it| i64::from(i32::from_le_bytes(*it))).collect(),
            (Some(bytes), 7) => bytes.as_chunks().0.iter().map(|it| i64::from_le_bytes(*it)).collect(),
            (_, other) => {
                return Err(format!("has elements of type {}; integers have 8, 32 or 64 bits", type_name(other)));
            }
        };
        let fits = |value: &i64| match tensor.data_type {
            2 => u8::try_from(*value).is_ok(),
            3 => i8::try_from(*value).is_ok(),
            // Zero points of TensorFlow Lite.
            7 => true,
            _ => i32::try_from(*value).is_ok(),
        };
        if values.len() != count || !values.iter().all(fits) {
            return Err(format!(
                "has {} values for its shape {dims:?}, or some that its type cannot have",
                values.len()
            ));
        }
        Ok((dims, values))
    }

    /// A tensor of few values, of any type of number; `None` if it has many.
    pub(crate) fn small(&self, tensor: &TensorProto) -> Result<Option<Small>, String> {
        let is_many =
            |dims: &[usize]| dims.iter().try_fold(1_usize, |a, &b| a.checked_mul(b)).is_none_or(|it| it > MAX_SMALL);
        let dims = dims(tensor)?;
        if is_many(&dims) {
            return Ok(None);
        }
        if matches!(tensor.data_type, 1 | 10 | 11 | 16) {
            let tensor = self.weights(tensor)?;
            let values = tensor.data.iter().map(|&it| f64::from(it)).collect();
            return Ok(Some(Small { dims: tensor.shape, values, is_int: false }));
        }
        if matches!(tensor.data_type, 2 | 3) {
            return self.integers(tensor).map(|(dims, values)| Some(small_ints(dims, values)));
        }
        let (dims, count) = self.extent(tensor)?;
        let values: Vec<i64> = match (self.raw(tensor)?, tensor.data_type) {
            (None, 6 | 7 | 9) => tensor.ints.clone(),
            (Some(bytes), 7) => bytes.as_chunks().0.iter().map(|it| i64::from_le_bytes(*it)).collect(),
            (Some(bytes), 6) => bytes.as_chunks().0.iter().map(|it| i64::from(i32::from_le_bytes(*it))).collect(),
            (Some(bytes), 9) => bytes.iter().map(|&it| i64::from(it)).collect(),
            (_, other) => return Err(format!("has elements of type {}", type_name(other))),
        };
        if values.len() != count {
            return Err(format!("has {} values for its shape {dims:?}", values.len()));
        }
        Ok(Some(small_ints(dims, values)))
    }

    /// Shape and number of values, which are taken from the budget.
    fn extent(&self, tensor: &TensorProto) -> Result<(Vec<usize>, usize), String> {
        let dims = dims(tensor)?;
        let count = dims.iter().try_fold(1_usize, |count, &dim| count.checked_mul(dim));
        let count = count.ok_or_else(|| format!("has a shape of too many values, {dims:?}"))?;
        let left = self.budget.get().checked_sub(count);
        self.budget.set(left.ok_or_else(|| {
            format!("has the shape {dims:?}, and all constants together have more values than the file has bytes")
        })?);
        Ok((dims, count))
    }

    /// Bytes of `raw_data` or of another file.
    fn raw<'t>(&self, tensor: &'t TensorProto) -> Result<Option<&'t [u8]>, String>
    where
        'a: 't,
    {
        let Some(external) = &tensor.external else { return Ok(tensor.raw) };
        let get = |key: &str| external.iter().find(|(name, _)| *name == key).map(|(_, value)| *value);
        let number = |key: &str| match get(key) {
            None => Ok(None),
            Some(text) => match text.parse::<usize>() {
                Ok(number) => Ok(Some(number)),
                Err(_) => Err(format!("has external data whose {key} is `{}`", shown(text))),
            },
        };
        let location = location(external)?;
        let Some(file) = self.files.get(location) else {
            return Err(format!("has its data in `{}`, which was not given", shown(location)));
        };
        let start = number("offset")?.unwrap_or(0);
        let rest = file.get(start..);
        let bytes = match number("length")? {
            None => rest,
            Some(length) => rest.and_then(|rest| rest.get(..length)),
        };
        bytes.map(Some).ok_or_else(|| format!("has data beyond the end of `{}`", shown(location)))
    }
}

fn small_ints(dims: Vec<usize>, values: Vec<i64>) -> Small {
    Small { dims, values: values.into_iter().map(|it| it as f64).collect(), is_int: true }
}

/// The names of all files that a model's constants are in.
///
/// A name is a path below the model's folder: relative, without `..`, and without `./` at its start. The caller
/// has to check that it does not lead out by a link.
pub(crate) fn locations(model: &ModelProto) -> Result<BTreeSet<String>, String> {
    let mut names = BTreeSet::new();
    let Some(graph) = &model.graph else { return Ok(names) };
    let attributes = graph.nodes.iter().flat_map(|node| &node.attributes);
    let constants = attributes.filter_map(|attribute: &Attribute| match &attribute.value {
        AttributeValue::Tensor(tensor) => Some(&**tensor),
        _ => None,
    });
    for tensor in graph.initializers.iter().chain(constants) {
        if let Some(external) = &tensor.external {
            let name = location(external).map_err(|error| format!("constant `{}` {error}", shown(tensor.name)))?;
            names.insert(name.to_owned());
        }
    }
    Ok(names)
}

fn location<'a>(external: &[(&str, &'a str)]) -> Result<&'a str, String> {
    let Some(&(_, name)) = external.iter().find(|(key, _)| *key == "location") else {
        return Err("has external data without a location".into());
    };
    // Some exporters say that the folder is meant.
    let mut name = name;
    while let Some(rest) = name.strip_prefix("./") {
        name = rest;
    }
    let is_inside = name.split('/').all(|part| !part.is_empty() && part != ".." && part != ".");
    // What another system takes for a drive, a root or a folder is refused on all of them.
    if !is_inside || name.contains(['\\', ':', '\0']) {
        return Err(format!("has external data in `{}`, which is no file in the model's folder", shown(name)));
    }
    Ok(name)
}

fn dims(tensor: &TensorProto) -> Result<Vec<usize>, String> {
    const MAX_RANK: usize = 8;
    if tensor.dims.len() > MAX_RANK {
        return Err(format!("has {} dimensions", tensor.dims.len()));
    }
    let dims: Option<Vec<usize>> = tensor.dims.iter().map(|&dim| usize::try_from(dim).ok()).collect();
    dims.ok_or_else(|| format!("has a negative dimension, {:?}", tensor.dims))
}

fn check_length(bytes: &[u8], count: usize, size: usize) -> Result<(), String> {
    if count.checked_mul(size) == Some(bytes.len()) {
        return Ok(());
    }
    Err(format!("has {} bytes of data for {count} values of {size} bytes", bytes.len()))
}

pub(crate) fn type_name(data_type: i64) -> String {
    let names = ["UNDEFINED", "FLOAT", "UINT8", "INT8", "UINT16", "INT16", "INT32", "INT64", "STRING", "BOOL"];
    let name = usize::try_from(data_type).ok().and_then(|it| names.get(it));
    name.map_or_else(|| data_type.to_string(), |name| (*name).to_owned())
}
