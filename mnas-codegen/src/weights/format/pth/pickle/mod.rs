//! A pickle machine that builds data and calls nothing.
//!
//! Of Python's opcodes it knows those that PyTorch and pickled objects need, and of Python's globals those in
//! [`Global::KNOWN`]: "calling" one of them builds a description of a tensor. Any other global is a name, and what would
//! be built with it is an [`opaque`](Value::Opaque) value: its items and attributes are kept as data, and nothing is run.
//!
//! Objects live in arenas and refer to each other by index. So a pickle that nests a million tuples or puts a list
//! into itself costs memory in proportion to its length, and nothing here recurses, not even a destructor.

use super::Reason;
use std::collections::BTreeMap;

mod calls;
mod objects;

pub(super) use objects::{Objects, Tensor, Value};

/// Opcodes that one pickle may have, and values that its calls may copy. A checkpoint of 5,000 tensors takes about
/// 200,000; each opcode makes at most one object of fixed size, so this also bounds memory.
const MAX_OPCODES: usize = 1 << 20;

/// Runs one pickle at the start of `bytes`; returns what it made, its result, and the bytes after it.
pub(super) fn run(bytes: &[u8]) -> Result<(Objects<'_>, Value, &[u8]), Reason> {
    let mut machine = Machine {
        rest: bytes,
        objects: Objects::default(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: BTreeMap::new(),
        copies: MAX_OPCODES,
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
    /// How many more values calls may copy: arguments can be used again and again through the memo.
    copies: usize,
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
                self.objects.global(module, name)
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let text = |value| self.objects.string(value).ok_or("its pickle names a global by no text");
                let (module, name) = (text(module)?, text(name)?);
                self.objects.global(module, name)
            }
            b'Q' => {
                let id = self.pop()?;
                self.persistent(id)?
            }
            b'R' | 0x81 => {
                let (arguments, callable) = (self.pop()?, self.pop()?);
                self.call(callable, arguments)?
            }
            0x92 => {
                let (_, arguments, class) = (self.pop()?, self.pop()?, self.pop()?);
                self.call(class, arguments)?
            }
            b'i' => {
                let module = self.line()?;
                let name = self.line()?;
                let class = self.objects.global(module, name);
                let arguments = self.pop_mark()?;
                let arguments = self.objects.tuple_of(arguments);
                self.call(class, arguments)?
            }
            b'o' => {
                let mut arguments = self.pop_mark()?;
                let class = if arguments.is_empty() { return Err(underflow()) } else { arguments.remove(0) };
                let arguments = self.objects.tuple_of(arguments);
                self.call(class, arguments)?
            }
            // BUILD sets attributes: those of modules hold tensors, an OrderedDict's `_metadata` does not.
            b'b' => {
                let state = self.pop()?;
                let object = self.top()?;
                self.objects.build(object, state);
                return Ok(None);
            }
            // Sets hold no tensors: one is an object without items.
            0x8f => self.set()?,
            0x90 => return self.pop_mark().map(|_| None),
            0x91 => {
                self.pop_mark()?;
                self.set()?
            }
            0x96 => {
                let length = usize::try_from(u64::from_le_bytes(self.array()?)).unwrap_or(usize::MAX);
                self.string(length)?
            }
            other => return Err(format!("its pickle has an opcode that checkpoints do not use: {other:#04x}")),
        };
        self.stack.push(value);
        Ok(None)
    }

    fn append(&mut self, items: Vec<Value>) -> Result<Option<Value>, Reason> {
        match self.top()? {
            Value::List(index) => self.objects.sequences.get_mut(index).ok_or_else(underflow)?.extend(items),
            // A class that is a list: no tensor is looked for in one.
            Value::Opaque(_) => {}
            _ => return Err("its pickle appends to what is no list".into()),
        }
        Ok(None)
    }

    fn set_items(&mut self, items: &[Value]) -> Result<Option<Value>, Reason> {
        let top = self.top()?;
        let pairs = items.chunks_exact(2).map(|pair| (pair[0], pair[1]));
        self.objects.items_mut(top).ok_or("its pickle sets items of what is no dict")?.extend(pairs);
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
