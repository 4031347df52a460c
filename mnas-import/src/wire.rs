//! The wire format of protocol buffers: fields of a message, one after the other, as slices of the file.
//!
//! Nothing is copied and nothing recurses: a message within a field is read by another call for the field's bytes,
//! and messages of ONNX are read to a fixed depth.

use crate::error::ReadError;

/// The fields of one message.
#[derive(Clone, Debug)]
pub(crate) struct Fields<'a> {
    bytes: &'a [u8],
    /// Where in the file the next byte is, for errors.
    at: usize,
}

/// A field's number and what it holds.
#[derive(Clone, Debug)]
pub(crate) struct Field<'a> {
    pub(crate) number: u64,
    pub(crate) value: Value<'a>,
    /// Where in the file the value starts.
    pub(crate) at: usize,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Value<'a> {
    Varint(u64),
    Fixed64([u8; 8]),
    Bytes(&'a [u8]),
    Fixed32([u8; 4]),
}

impl<'a> Fields<'a> {
    /// A whole file.
    pub(crate) fn of_file(bytes: &'a [u8]) -> Self {
        Fields { bytes, at: 0 }
    }

    /// The next field; `None` at the end.
    ///
    /// # Errors
    ///
    /// The message ends within a field, or the field has a type that ONNX does not use.
    pub(crate) fn next(&mut self) -> Result<Option<Field<'a>>, ReadError> {
        if self.bytes.is_empty() {
            return Ok(None);
        }
        let key = self.varint()?;
        let at = self.at;
        let value = match key & 7 {
            0 => Value::Varint(self.varint()?),
            1 => Value::Fixed64(self.array()?),
            2 => {
                let length = self.varint()?;
                let length = usize::try_from(length).ok().filter(|&it| it <= self.bytes.len()).ok_or_else(|| {
                    self.error(format!("a field of {length} bytes starts here, but only {} follow", self.bytes.len()))
                })?;
                Value::Bytes(self.take(length)?)
            }
            5 => Value::Fixed32(self.array()?),
            other => return Err(ReadError::new(at, format!("a field has wire type {other}, which ONNX does not use"))),
        };
        let at = if let Value::Bytes(bytes) = value { self.at - bytes.len() } else { at };
        Ok(Some(Field { number: key >> 3, value, at }))
    }

    fn varint(&mut self) -> Result<u64, ReadError> {
        let mut value = 0_u64;
        for (index, &byte) in self.bytes.iter().enumerate().take(10) {
            value |= u64::from(byte & 0x7f) << (7 * index);
            if byte < 0x80 {
                self.take(index + 1)?;
                return Ok(value);
            }
        }
        Err(self.error("a number does not end here".to_owned()))
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], ReadError> {
        let Some(array) = self.bytes.first_chunk::<N>().copied() else {
            return Err(self.error("the message ends within a number".to_owned()));
        };
        self.take(N)?;
        Ok(array)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], ReadError> {
        let Some((taken, rest)) = self.bytes.split_at_checked(length) else {
            return Err(self.error("the message ends within a field".to_owned()));
        };
        self.bytes = rest;
        self.at += length;
        Ok(taken)
    }

    fn error(&self, message: String) -> ReadError {
        ReadError::new(self.at, message)
    }
}

impl<'a> Field<'a> {
    /// The message in this field.
    pub(crate) fn message(&self) -> Result<Fields<'a>, ReadError> {
        Ok(Fields { bytes: self.bytes()?, at: self.at })
    }

    pub(crate) fn bytes(&self) -> Result<&'a [u8], ReadError> {
        match self.value {
            Value::Bytes(bytes) => Ok(bytes),
            _ => Err(self.error("bytes")),
        }
    }

    pub(crate) fn text(&self) -> Result<&'a str, ReadError> {
        std::str::from_utf8(self.bytes()?).map_err(|_| self.error("UTF-8 text"))
    }

    pub(crate) fn int(&self) -> Result<i64, ReadError> {
        match self.value {
            // Negative numbers are written as their two's complement.
            Value::Varint(value) => Ok(value.cast_signed()),
            _ => Err(self.error("a whole number")),
        }
    }

    pub(crate) fn float(&self) -> Result<f32, ReadError> {
        match self.value {
            Value::Fixed32(bytes) => Ok(f32::from_le_bytes(bytes)),
            _ => Err(self.error("a number of 32 bits")),
        }
    }

    /// Appends to repeated whole numbers, which may come one by one or packed.
    pub(crate) fn push_ints(&self, list: &mut Vec<i64>) -> Result<(), ReadError> {
        let Value::Bytes(bytes) = self.value else {
            list.push(self.int()?);
            return Ok(());
        };
        let mut packed = Fields { bytes, at: self.at };
        while !packed.bytes.is_empty() {
            list.push(packed.varint()?.cast_signed());
        }
        Ok(())
    }

    /// Appends the bytes of repeated numbers of fixed size, which may come one by one or packed.
    pub(crate) fn push_fixed(&self, list: &mut Vec<u8>, size: usize) -> Result<(), ReadError> {
        match &self.value {
            Value::Fixed32(bytes) if size == 4 => list.extend(bytes),
            Value::Fixed64(bytes) if size == 8 => list.extend(bytes),
            Value::Bytes(bytes) if bytes.len().is_multiple_of(size) => list.extend(*bytes),
            _ => return Err(self.error("numbers of fixed size")),
        }
        Ok(())
    }

    fn error(&self, expected: &str) -> ReadError {
        ReadError::new(self.at, format!("field {} is not {expected}", self.number))
    }
}
