//! A reader of flatbuffers that trusts nothing: every offset is checked where it is followed, nothing is copied, and
//! nothing recurses, since the schema has a fixed depth.

use crate::error::ReadError;

/// A table of a file: its fields are found by their number in the schema.
#[derive(Clone, Copy, Debug)]
pub(super) struct Table<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Where the offsets of its fields are, and how many bytes.
    fields: (usize, usize),
}

/// A vector of a file, element by element of `size` bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Elements<'a> {
    file: &'a [u8],
    start: usize,
    pub(super) data: &'a [u8],
    size: usize,
}

fn damaged(at: usize, what: &str) -> ReadError {
    ReadError::of_tflite(at, what.to_owned())
}

fn word(bytes: &[u8], at: usize) -> Result<usize, ReadError> {
    let word = bytes.get(at..).and_then(<[u8]>::first_chunk);
    word.map(|word| u32::from_le_bytes(*word) as usize).ok_or_else(|| damaged(at, "an offset lies behind the end"))
}

/// Where the offset at this place leads.
fn follow(bytes: &[u8], at: usize) -> Result<usize, ReadError> {
    let to = word(bytes, at)?.checked_add(at).filter(|to| *to < bytes.len());
    to.ok_or_else(|| damaged(at, "an offset leads behind the end"))
}

impl<'a> Table<'a> {
    /// The table that the file begins with.
    pub(super) fn root(bytes: &'a [u8]) -> Result<Self, ReadError> {
        Table::at(bytes, follow(bytes, 0)?)
    }

    fn at(bytes: &'a [u8], at: usize) -> Result<Self, ReadError> {
        let back = word(bytes, at)? as u32 as i32;
        let start = i64::try_from(at).ok().map(|at| at - i64::from(back)).and_then(|start| usize::try_from(start).ok());
        let start = start.ok_or_else(|| damaged(at, "a table's fields lie before the start"))?;
        let length = bytes.get(start..).and_then(<[u8]>::first_chunk).map(|half| u16::from_le_bytes(*half) as usize);
        match length {
            Some(length) if length >= 4 && start.saturating_add(length) <= bytes.len() => {
                Ok(Table { bytes, at, fields: (start, length) })
            }
            _ => Err(damaged(at, "a table's list of fields does not fit")),
        }
    }

    /// Where a field is; `None` where the table leaves it out.
    fn field(&self, number: usize) -> Result<Option<usize>, ReadError> {
        let (start, length) = self.fields;
        let entry = 4 + 2 * number;
        if entry + 2 > length {
            return Ok(None);
        }
        let offset = self.bytes.get(start + entry..).and_then(<[u8]>::first_chunk);
        match offset.map(|half| u16::from_le_bytes(*half) as usize) {
            None | Some(0) => Ok(None),
            Some(offset) if self.at + offset < self.bytes.len() => Ok(Some(self.at + offset)),
            Some(_) => Err(damaged(self.at, "a field lies behind the end")),
        }
    }

    fn scalar<const N: usize>(&self, number: usize) -> Result<Option<[u8; N]>, ReadError> {
        let Some(at) = self.field(number)? else { return Ok(None) };
        let bytes = self.bytes.get(at..).and_then(<[u8]>::first_chunk);
        bytes.map(|bytes| Some(*bytes)).ok_or_else(|| damaged(at, "a number lies behind the end"))
    }

    pub(super) fn byte(&self, number: usize) -> Result<u8, ReadError> {
        Ok(self.scalar::<1>(number)?.map_or(0, |bytes| bytes[0]))
    }

    pub(super) fn int(&self, number: usize, default: i32) -> Result<i32, ReadError> {
        Ok(self.scalar(number)?.map_or(default, i32::from_le_bytes))
    }

    /// A table in a table.
    pub(super) fn table(&self, number: usize) -> Result<Option<Table<'a>>, ReadError> {
        let Some(at) = self.field(number)? else { return Ok(None) };
        Table::at(self.bytes, follow(self.bytes, at)?).map(Some)
    }

    /// A vector of elements of `size` bytes; it is empty where the table leaves it out.
    pub(super) fn elements(&self, number: usize, size: usize) -> Result<Elements<'a>, ReadError> {
        let Some(at) = self.field(number)? else {
            return Ok(Elements { file: self.bytes, start: 0, data: &[], size });
        };
        let at = follow(self.bytes, at)?;
        let length = word(self.bytes, at)?.checked_mul(size);
        let data = length.and_then(|length| self.bytes.get(at + 4..)?.get(..length));
        let data = data.ok_or_else(|| damaged(at, "a list ends behind the end"))?;
        Ok(Elements { file: self.bytes, start: at + 4, data, size })
    }

    /// The start of a text, in UTF-8.
    pub(super) fn text(&self, number: usize) -> Result<&'a str, ReadError> {
        // Many fields may share one text, and it is for messages only.
        const LONGEST: usize = 200;
        let bytes = self.elements(number, 1)?.data;
        Ok(bytes.get(..LONGEST).unwrap_or(bytes).utf8_chunks().next().map_or("", |chunk| chunk.valid()))
    }
}

impl<'a> Elements<'a> {
    pub(super) fn len(&self) -> usize {
        self.data.len() / self.size
    }

    /// An element of four bytes.
    pub(super) fn int(&self, index: usize) -> Option<i32> {
        self.data.get(index.checked_mul(4)?..)?.first_chunk().map(|bytes| i32::from_le_bytes(*bytes))
    }

    /// The table at the offset that an element is.
    pub(super) fn table(&self, index: usize) -> Result<Table<'a>, ReadError> {
        Table::at(self.file, follow(self.file, self.start + 4 * index)?)
    }
}
