//! The result of a pickle: values, and the arenas that they point into.

use crate::weights::elements::ElementType;
use crate::weights::format::pth::Reason;

/// A value on the machine's stack.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::weights::format::pth) enum Value {
    None,
    Bool(bool),
    Int(i64),
    /// A number that no tensor description needs: a float, or an integer over 64 bits.
    Number,
    /// Text or bytes: index into [`Objects::strings`].
    String(usize),
    /// Index into [`Objects::sequences`].
    Tuple(usize),
    /// Index into [`Objects::sequences`].
    List(usize),
    /// Index into [`Objects::dicts`].
    Dict(usize),
    Global(Global),
    /// Index into [`Objects::storages`].
    Storage(usize),
    /// Index into [`Objects::tensors`].
    Tensor(usize),
}

/// What a pickle may name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::weights::format::pth) enum Global {
    OrderedDict,
    RebuildTensor,
    RebuildParameter,
    Storage(ElementType),
}

impl Global {
    const ALLOWED: [(&str, Global); 14] = [
        ("collections.OrderedDict", Global::OrderedDict),
        ("torch._utils._rebuild_tensor", Global::RebuildTensor),
        ("torch._utils._rebuild_tensor_v2", Global::RebuildTensor),
        ("torch._utils._rebuild_parameter", Global::RebuildParameter),
        ("torch.HalfStorage", Global::Storage(ElementType::F16)),
        ("torch.BFloat16Storage", Global::Storage(ElementType::Bf16)),
        ("torch.FloatStorage", Global::Storage(ElementType::F32)),
        ("torch.DoubleStorage", Global::Storage(ElementType::F64)),
        ("torch.BoolStorage", Global::Storage(ElementType::Integer("bool", 1))),
        ("torch.ByteStorage", Global::Storage(ElementType::Integer("uint8", 1))),
        ("torch.CharStorage", Global::Storage(ElementType::Integer("int8", 1))),
        ("torch.ShortStorage", Global::Storage(ElementType::Integer("int16", 2))),
        ("torch.IntStorage", Global::Storage(ElementType::Integer("int32", 4))),
        ("torch.LongStorage", Global::Storage(ElementType::Integer("int64", 8))),
    ];

    pub(super) fn named(module: &[u8], name: &[u8]) -> Result<Global, Reason> {
        let full = format!("{}.{}", module.escape_ascii(), name.escape_ascii());
        let found = Self::ALLOWED.iter().find(|(allowed, _)| *allowed == full);
        found.map(|(_, global)| *global).ok_or_else(|| {
            format!("its pickle asks for `{full}`; only tensors and plain data are read, nothing is executed")
        })
    }
}

/// A storage that the pickle refers to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::weights::format::pth) struct Storage<'a> {
    pub(in crate::weights::format::pth) element: ElementType,
    pub(in crate::weights::format::pth) key: &'a [u8],
    /// Elements of the whole storage `key`.
    pub(in crate::weights::format::pth) len: usize,
    /// First element of the view (only in files of early PyTorch; else 0).
    pub(in crate::weights::format::pth) offset: usize,
}

/// A tensor: a strided view of a storage.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::weights::format::pth) struct Tensor {
    /// Index into [`Objects::storages`].
    pub(in crate::weights::format::pth) storage: usize,
    /// In elements.
    pub(in crate::weights::format::pth) offset: usize,
    pub(in crate::weights::format::pth) shape: Vec<usize>,
    /// In elements.
    pub(in crate::weights::format::pth) strides: Vec<usize>,
}

/// Everything that one pickle made.
#[derive(Debug, Default)]
pub(in crate::weights::format::pth) struct Objects<'a> {
    pub(in crate::weights::format::pth) strings: Vec<&'a [u8]>,
    pub(in crate::weights::format::pth) sequences: Vec<Vec<Value>>,
    pub(in crate::weights::format::pth) dicts: Vec<Vec<(Value, Value)>>,
    pub(in crate::weights::format::pth) storages: Vec<Storage<'a>>,
    pub(in crate::weights::format::pth) tensors: Vec<Tensor>,
}

impl<'a> Objects<'a> {
    pub(in crate::weights::format::pth) fn string(&self, value: Value) -> Option<&'a [u8]> {
        match value {
            Value::String(index) => self.strings.get(index).copied(),
            _ => None,
        }
    }

    pub(in crate::weights::format::pth) fn dict(&self, value: Value) -> Option<&[(Value, Value)]> {
        match value {
            Value::Dict(index) => self.dicts.get(index).map(Vec::as_slice),
            _ => None,
        }
    }

    pub(in crate::weights::format::pth) fn sequence(&self, value: Value) -> Option<&[Value]> {
        match value {
            Value::Tuple(index) | Value::List(index) => self.sequences.get(index).map(Vec::as_slice),
            _ => None,
        }
    }

    /// What `dict` holds under `key`; of several, the last, as in Python.
    pub(in crate::weights::format::pth) fn get(&self, dict: Value, key: &[u8]) -> Option<Value> {
        let entries = self.dict(dict)?;
        entries.iter().rev().find(|(name, _)| self.string(*name) == Some(key)).map(|(_, value)| *value)
    }

    pub(super) fn string_of(&mut self, bytes: &'a [u8]) -> Value {
        self.strings.push(bytes);
        Value::String(self.strings.len() - 1)
    }

    pub(super) fn tuple_of(&mut self, items: Vec<Value>) -> Value {
        self.sequences.push(items);
        Value::Tuple(self.sequences.len() - 1)
    }

    pub(super) fn list(&mut self) -> Value {
        self.sequences.push(Vec::new());
        Value::List(self.sequences.len() - 1)
    }

    pub(super) fn new_dict(&mut self) -> Value {
        self.dicts.push(Vec::new());
        Value::Dict(self.dicts.len() - 1)
    }
}
