//! A pickle machine that builds data and calls nothing.
//!
//! Of Python's opcodes it knows those that PyTorch writes for checkpoints, and of Python's globals those in
//! [`Global::ALLOWED`]; any other is an error that names it. "Calling" a global builds a description of a tensor.
//!
//! Objects live in arenas and refer to each other by index. So a pickle that nests a million tuples or puts a list
//! into itself costs memory in proportion to its length, and nothing here recurses, not even a destructor.

use super::{ElementType, Reason};
use std::collections::BTreeMap;

/// Opcodes that one pickle may execute. A checkpoint of 5,000 tensors takes about 200,000; each opcode creates
/// at most one value of 16 bytes, so this also bounds memory.
const MAX_OPCODES: usize = 1 << 20;

/// A value on the machine's stack.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value {
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
pub(super) enum Global {
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
        ("torch.BoolStorage", Global::Storage(ElementType::Integer(1))),
        ("torch.ByteStorage", Global::Storage(ElementType::Integer(1))),
        ("torch.CharStorage", Global::Storage(ElementType::Integer(1))),
        ("torch.ShortStorage", Global::Storage(ElementType::Integer(2))),
        ("torch.IntStorage", Global::Storage(ElementType::Integer(4))),
        ("torch.LongStorage", Global::Storage(ElementType::Integer(8))),
    ];

    fn named(module: &[u8], name: &[u8]) -> Result<Global, Reason> {
        let full = format!("{}.{}", module.escape_ascii(), name.escape_ascii());
        let found = Self::ALLOWED.iter().find(|(allowed, _)| *allowed == full);
        found.map(|(_, global)| *global).ok_or_else(|| {
            format!("its pickle asks for `{full}`; only tensors and plain data are read, nothing is executed")
        })
    }
}

/// A storage that the pickle refers to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Storage<'a> {
    pub(super) element: ElementType,
    pub(super) key: &'a [u8],
    /// Elements of the whole storage `key`.
    pub(super) len: usize,
    /// First element of the view (only in files of early PyTorch; else 0).
    pub(super) offset: usize,
}

/// A tensor: a strided view of a storage.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tensor {
    /// Index into [`Objects::storages`].
    pub(super) storage: usize,
    /// In elements.
    pub(super) offset: usize,
    pub(super) shape: Vec<usize>,
    /// In elements.
    pub(super) strides: Vec<usize>,
}

/// Everything that one pickle made.
#[derive(Debug, Default)]
pub(super) struct Objects<'a> {
    pub(super) strings: Vec<&'a [u8]>,
    pub(super) sequences: Vec<Vec<Value>>,
    pub(super) dicts: Vec<Vec<(Value, Value)>>,
    pub(super) storages: Vec<Storage<'a>>,
    pub(super) tensors: Vec<Tensor>,
}

impl<'a> Objects<'a> {
    pub(super) fn string(&self, value: Value) -> Option<&'a [u8]> {
        match value {
            Value::String(index) => self.strings.get(index).copied(),
            _ => None,
        }
    }

    pub(super) fn dict(&self, value: Value) -> Option<&[(Value, Value)]> {
        match value {
            Value::Dict(index) => self.dicts.get(index).map(Vec::as_slice),
            _ => None,
        }
    }

    pub(super) fn sequence(&self, value: Value) -> Option<&[Value]> {
        match value {
            Value::Tuple(index) | Value::List(index) => self.sequences.get(index).map(Vec::as_slice),
            _ => None,
        }
    }

    /// What `dict` holds under `key`; of several, the last, as in Python.
    pub(super) fn get(&self, dict: Value, key: &[u8]) -> Option<Value> {
        let entries = self.dict(dict)?;
        entries.iter().rev().find(|(name, _)| self.string(*name) == Some(key)).map(|(_, value)| *value)
    }

    fn string_of(&mut self, bytes: &'a [u8]) -> Value {
        self.strings.push(bytes);
        Value::String(self.strings.len() - 1)
    }

    fn tuple_of(&mut self, items: Vec<Value>) -> Value {
        self.sequences.push(items);
        Value::Tuple(self.sequences.len() - 1)
    }

    fn list(&mut self) -> Value {
        self.sequences.push(Vec::new());
        Value::List(self.sequences.len() - 1)
    }

    fn new_dict(&mut self) -> Value {
        self.dicts.push(Vec::new());
        Value::Dict(self.dicts.len() - 1)
    }
}

/// Runs one pickle at the start of `bytes`; returns what it made, its result, and the bytes after it.
pub(super) fn run(bytes: &[u8]) -> Result<(Objects<'_>, Value, &[u8]), Reason> {
    let mut machine = Machine {
        rest: bytes,
        objects: Objects::default(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: BTreeMap::new(),
    };
    for _ in 0..MAX_OPCODES {
        if let Some(result) = machine.step()? {
            return Ok((machine.objects, result, machine.rest));
        }
    }
    Err(format!("its pickle has more than {MAX_OPCODES} opcodes"))
}

struct Machine<'a> {
    rest: &'a [u8],
    objects: Objects<'a>,
    stack: Vec<Value>,
    /// Heights of the stack at the open marks.
    marks: Vec<usize>,
    memo: BTreeMap<u32, Value>,
}

impl<'a> Machine<'a> {
    /// Executes one opcode. Returns the result at STOP.
    fn step(&mut self) -> Result<Option<Value>, Reason> {
        let value = match self.byte()? {
            b'.' => return self.pop().map(Some),
            0x80 => match self.byte()? {
                2..=5 => return Ok(None),
                other => return Err(format!("its pickle has protocol {other}; 2 to 5 are read")),
            },
            0x95 => return self.take(8).map(|_| None), // FRAME: a hint for buffered readers
            b'(' => {
                self.marks.push(self.stack.len());
                return Ok(None);
            }
            b'0' => return self.pop().map(|_| None),
            b'1' => return self.pop_mark().map(|_| None),
            b'2' => self.top()?,
            b'N' => Value::None,
            0x88 => Value::Bool(true),
            0x89 => Value::Bool(false),
            b'K' => Value::Int(i64::from(self.byte()?)),
            b'M' => Value::Int(i64::from(u16::from_le_bytes(self.array()?))),
            b'J' => Value::Int(i64::from(i32::from_le_bytes(self.array()?))),
            0x8a => {
                let length = self.byte()?;
                long(self.take(length.into())?)
            }
            0x8b => {
                let length = self.length_4()?;
                long(self.take(length)?)
            }
            b'G' => self.take(8).map(|_| Value::Number)?,
            b'X' | b'T' | b'B' => {
                let length = self.length_4()?;
                self.string(length)?
            }
            0x8c | b'U' | b'C' => {
                let length = self.byte()?;
                self.string(length.into())?
            }
            0x8d | 0x8e => {
                let length = usize::try_from(u64::from_le_bytes(self.array()?)).unwrap_or(usize::MAX);
                self.string(length)?
            }
            b'}' => self.objects.new_dict(),
            b']' => self.objects.list(),
            b')' => self.objects.tuple_of(Vec::new()),
            b't' => {
                let items = self.pop_mark()?;
                self.objects.tuple_of(items)
            }
            count @ 0x85..=0x87 => {
                let height =
                    self.stack.len().checked_sub(usize::from(count - 0x84)).filter(|&height| height >= self.floor());
                let items = self.stack.split_off(height.ok_or_else(underflow)?);
                self.objects.tuple_of(items)
            }
            b'a' => {
                let item = self.pop()?;
                return self.append(vec![item]);
            }
            b'e' => {
                let items = self.pop_mark()?;
                return self.append(items);
            }
            b's' => {
                let value = self.pop()?;
                let key = self.pop()?;
                return self.set_items(&[key, value]);
            }
            b'u' => {
                let items = self.pop_mark()?;
                return self.set_items(&items);
            }
            b'q' => {
                let key = self.byte()?;
                return self.memoize(key.into());
            }
            b'r' => {
                let key = u32::from_le_bytes(self.array()?);
                return self.memoize(key);
            }
            0x94 => {
                let key = u32::try_from(self.memo.len()).unwrap_or(u32::MAX);
                return self.memoize(key);
            }
            b'h' => {
                let key = self.byte()?;
                self.recall(key.into())?
            }
            b'j' => {
                let key = u32::from_le_bytes(self.array()?);
                self.recall(key)?
            }
            b'c' => {
                let module = self.line()?;
                let name = self.line()?;
                Value::Global(Global::named(module, name)?)
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let text = |value| self.objects.string(value).ok_or("its pickle names a global by no text");
                Value::Global(Global::named(text(module)?, text(name)?)?)
            }
            b'Q' => {
                let id = self.pop()?;
                self.storage(id)?
            }
            b'R' => {
                let (arguments, callable) = (self.pop()?, self.pop()?);
                self.call(callable, arguments)?
            }
            // BUILD sets attributes (an OrderedDict's `_metadata`): no tensor needs them.
            b'b' => return self.pop().map(|_| None),
            other => return Err(format!("its pickle has an opcode that checkpoints do not use: {other:#04x}")),
        };
        self.stack.push(value);
        Ok(None)
    }

    /// What calling an allowed global would give, described.
    fn call(&mut self, callable: Value, arguments: Value) -> Result<Value, Reason> {
        let arguments = self.objects.sequence(arguments).unwrap_or_default();
        match (callable, arguments) {
            (Value::Global(Global::OrderedDict), _) => Ok(self.objects.new_dict()),
            (Value::Global(Global::RebuildParameter), [tensor @ Value::Tensor(_), ..]) => Ok(*tensor),
            (Value::Global(Global::RebuildTensor), &[Value::Storage(storage), offset, shape, strides, ..]) => {
                let sizes =
                    |value| self.objects.sequence(value)?.iter().map(|&size| natural(size)).collect::<Option<Vec<_>>>();
                let described = (|| Some((natural(offset)?, sizes(shape)?, sizes(strides)?)))();
                let (offset, shape, strides) =
                    described.ok_or("its pickle describes a tensor without a proper shape")?;
                self.objects.tensors.push(Tensor { storage, offset, shape, strides });
                Ok(Value::Tensor(self.objects.tensors.len() - 1))
            }
            _ => Err("its pickle calls something with arguments that checkpoints do not have".into()),
        }
    }

    /// A storage by its persistent id: `("storage", type, key, device, length, view?)`.
    fn storage(&mut self, id: Value) -> Result<Value, Reason> {
        let objects = &self.objects;
        let described = (|| {
            let (&[tag, Value::Global(Global::Storage(element)), key, _, len, ref view @ ..], b"storage") =
                (objects.sequence(id)?, objects.string(*objects.sequence(id)?.first()?)?)
            else {
                return None;
            };
            let _: Value = tag;
            let offset = match view.first() {
                None | Some(Value::None) => 0,
                Some(&view) => natural(*objects.sequence(view)?.get(1)?)?,
            };
            Some(Storage { element, key: objects.string(key)?, len: natural(len)?, offset })
        })();
        self.objects.storages.push(described.ok_or("its pickle refers to a storage in an unknown way")?);
        Ok(Value::Storage(self.objects.storages.len() - 1))
    }

    fn append(&mut self, items: Vec<Value>) -> Result<Option<Value>, Reason> {
        let Value::List(index) = self.top()? else { return Err("its pickle appends to what is no list".into()) };
        self.objects.sequences.get_mut(index).ok_or_else(underflow)?.extend(items);
        Ok(None)
    }

    fn set_items(&mut self, items: &[Value]) -> Result<Option<Value>, Reason> {
        let Value::Dict(index) = self.top()? else { return Err("its pickle sets items of what is no dict".into()) };
        let pairs = items.chunks_exact(2).map(|pair| (pair[0], pair[1]));
        self.objects.dicts.get_mut(index).ok_or_else(underflow)?.extend(pairs);
        Ok(None)
    }

    fn memoize(&mut self, key: u32) -> Result<Option<Value>, Reason> {
        let value = self.top()?;
        self.memo.insert(key, value);
        Ok(None)
    }

    fn recall(&self, key: u32) -> Result<Value, Reason> {
        self.memo.get(&key).copied().ok_or_else(|| format!("its pickle refers to a memo {key} that is not there"))
    }

    /// Height of the stack that belongs to the last open mark and must not be popped.
    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn pop(&mut self) -> Result<Value, Reason> {
        if self.stack.len() <= self.floor() {
            return Err(underflow());
        }
        self.stack.pop().ok_or_else(underflow)
    }

    fn pop_mark(&mut self) -> Result<Vec<Value>, Reason> {
        let height = self.marks.pop().filter(|&height| height <= self.stack.len()).ok_or_else(underflow)?;
        Ok(self.stack.split_off(height))
    }

    fn top(&self) -> Result<Value, Reason> {
        self.stack.get(self.floor()..).and_then(|values| values.last()).copied().ok_or_else(underflow)
    }

    fn string(&mut self, length: usize) -> Result<Value, Reason> {
        let bytes = self.take(length)?;
        Ok(self.objects.string_of(bytes))
    }

    fn length_4(&mut self) -> Result<usize, Reason> {
        Ok(usize::try_from(u32::from_le_bytes(self.array()?)).unwrap_or(usize::MAX))
    }

    fn line(&mut self) -> Result<&'a [u8], Reason> {
        let end = self.rest.iter().position(|&byte| byte == b'\n').ok_or_else(truncated)?;
        let line = self.take(end)?;
        self.take(1)?;
        Ok(line)
    }

    fn byte(&mut self) -> Result<u8, Reason> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Reason> {
        let (array, rest) = self.rest.split_first_chunk().ok_or_else(truncated)?;
        self.rest = rest;
        Ok(*array)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Reason> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or_else(truncated)?;
        self.rest = rest;
        Ok(taken)
    }
}

/// A little-endian two's complement integer of any length.
fn long(bytes: &[u8]) -> Value {
    if bytes.len() > 8 {
        return Value::Number;
    }
    let fill = if bytes.last().is_some_and(|&byte| byte >= 0x80) { 0xff } else { 0 };
    let mut padded = [fill; 8];
    padded.iter_mut().zip(bytes).for_each(|(padded, byte)| *padded = *byte);
    Value::Int(i64::from_le_bytes(padded))
}

fn natural(value: Value) -> Option<usize> {
    match value {
        Value::Int(value) => usize::try_from(value).ok(),
        _ => None,
    }
}

fn truncated() -> Reason {
    "its pickle ends too early".into()
}

fn underflow() -> Reason {
    "its pickle takes values that are not there".into()
}
