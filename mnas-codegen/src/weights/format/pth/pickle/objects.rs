//! The result of a pickle: values, and the arenas that they point into.

use crate::weights::elements::ElementType;

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
    /// What the pickle would have built with code that is not run: index into [`Objects::opaques`].
    Opaque(usize),
}

/// What a pickle may name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::weights::format::pth) enum Global {
    OrderedDict,
    RebuildTensor,
    RebuildParameter,
    RebuildFromType,
    Size,
    Storage(ElementType),
    /// Any other class or function, which is never called: index into [`Objects::globals`].
    Other(usize),
}

impl Global {
    const KNOWN: [(&str, Global); 22] = [
        ("collections.OrderedDict", Global::OrderedDict),
        ("torch._utils._rebuild_tensor_v2", Global::RebuildTensor),
        ("torch._utils._rebuild_tensor", Global::RebuildTensor),
        ("torch._utils._rebuild_parameter", Global::RebuildParameter),
        ("torch._utils._rebuild_parameter_with_state", Global::RebuildParameter),
        ("torch._tensor._rebuild_from_type_v2", Global::RebuildFromType),
        ("torch.Size", Global::Size),
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
        ("torch.ComplexFloatStorage", Global::Storage(ElementType::Integer("complex64", 8))),
        ("torch.ComplexDoubleStorage", Global::Storage(ElementType::Integer("complex128", 16))),
        ("torch.QInt8Storage", Global::Storage(ElementType::Integer("qint8", 1))),
        ("torch.QUInt8Storage", Global::Storage(ElementType::Integer("quint8", 1))),
        ("torch.storage.UntypedStorage", Global::Storage(ElementType::Integer("byte", 1))),
    ];

    fn known(full: &str) -> Option<Global> {
        Self::KNOWN.iter().find(|(known, _)| *known == full).map(|(_, global)| *global)
    }
}

/// An object whose class is not known. What the pickle would have given to it is kept as data.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::weights::format::pth) struct Opaque {
    /// The class, or the function that was to be called.
    made_by: Global,
    /// Its items, where the pickle sets some: index into [`Objects::dicts`].
    items: Option<usize>,
    /// Its attributes, or whatever else `BUILD` gives to it.
    state: Option<Value>,
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
    opaques: Vec<Opaque>,
    /// Module and name of classes and functions that are not known.
    globals: Vec<(&'a [u8], &'a [u8])>,
}

impl<'a> Objects<'a> {
    pub(in crate::weights::format::pth) fn string(&self, value: Value) -> Option<&'a [u8]> {
        match value {
            Value::String(index) => self.strings.get(index).copied(),
            _ => None,
        }
    }

    pub(in crate::weights::format::pth) fn tensor(&self, value: Value) -> Option<&Tensor> {
        match value {
            Value::Tensor(index) => self.tensors.get(index),
            _ => None,
        }
    }

    pub(in crate::weights::format::pth) fn dict(&self, value: Value) -> Option<&[(Value, Value)]> {
        match value {
            Value::Dict(index) => self.dicts.get(index).map(Vec::as_slice),
            Value::Opaque(index) => self.dicts.get(self.opaques.get(index)?.items?).map(Vec::as_slice),
            _ => None,
        }
    }

    /// The attributes of an object whose class is not known. A class with slots has them in a pair, the dict first.
    pub(in crate::weights::format::pth) fn attributes(&self, value: Value) -> Option<Value> {
        let Value::Opaque(index) = value else { return None };
        match self.opaques.get(index)?.state? {
            pair @ Value::Tuple(_) => self.sequence(pair)?.first().copied(),
            state => Some(state),
        }
    }

    /// Whose code would be needed for a value, such as `numpy.dtype`, where it is not data alone.
    pub(in crate::weights::format::pth) fn made_by(&self, value: Value) -> Option<String> {
        let global = match value {
            Value::Opaque(index) => self.opaques.get(index)?.made_by,
            Value::Global(global) => global,
            _ => return None,
        };
        if let Global::Other(index) = global {
            let (module, name) = self.globals.get(index)?;
            return Some(format!("{}.{}", module.escape_ascii(), name.escape_ascii()));
        }
        Global::KNOWN.iter().find(|(_, known)| *known == global).map(|(name, _)| (*name).to_owned())
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

    /// A class or function by its name. It is looked up in a table and nowhere else.
    pub(super) fn global(&mut self, module: &'a [u8], name: &'a [u8]) -> Value {
        let known = match (str::from_utf8(module), str::from_utf8(name)) {
            (Ok(module), Ok(name)) => Global::known(&format!("{module}.{name}")),
            _ => None,
        };
        Value::Global(known.unwrap_or_else(|| {
            self.globals.push((module, name));
            Global::Other(self.globals.len() - 1)
        }))
    }

    /// What calling `callable` would have made; `None` where that is no class, function or object of one.
    pub(super) fn opaque(&mut self, callable: Value) -> Option<Value> {
        let made_by = match callable {
            Value::Global(global) => global,
            Value::Opaque(index) => self.opaques.get(index)?.made_by,
            _ => return None,
        };
        self.opaques.push(Opaque { made_by, items: None, state: None });
        Some(Value::Opaque(self.opaques.len() - 1))
    }

    /// Gives attributes to an object whose class is not known; other objects need none.
    pub(super) fn build(&mut self, object: Value, state: Value) {
        if let Value::Opaque(index) = object
            && let Some(opaque) = self.opaques.get_mut(index)
        {
            opaque.state = Some(state);
        }
    }

    /// The pairs of a dict, or of an object whose class is not known; `None` where a value has no items.
    pub(super) fn items_mut(&mut self, value: Value) -> Option<&mut Vec<(Value, Value)>> {
        let index = match value {
            Value::Dict(index) => index,
            Value::Opaque(index) => {
                let opaque = self.opaques.get_mut(index)?;
                *opaque.items.get_or_insert_with(|| {
                    self.dicts.push(Vec::new());
                    self.dicts.len() - 1
                })
            }
            _ => return None,
        };
        self.dicts.get_mut(index)
    }
}
