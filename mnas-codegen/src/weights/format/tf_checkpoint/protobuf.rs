//! As much of the protocol buffers' wire format as an index needs: fields one after the other, none of them nested
//! by this code.

use super::Reason;

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'a [u8]),
    Fixed32(u32),
}

/// The fields of a message in their order: number and value.
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, Value<'a>), Reason>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = field(&mut self.0);
        if field.is_none() {
            self.0 = &[];
        }
        Some(field.ok_or_else(|| "has an entry that is no protocol buffer".into()))
    }
}

fn field<'a>(bytes: &mut &'a [u8]) -> Option<(u64, Value<'a>)> {
    let tag = varint(bytes)?;
    let value = match tag & 7 {
        0 => Value::Varint(varint(bytes)?),
        1 => Value::Fixed64(u64::from_le_bytes(*take(bytes, 8)?.first_chunk()?)),
        2 => {
            let length = usize::try_from(varint(bytes)?).ok()?;
            Value::Bytes(take(bytes, length)?)
        }
        5 => Value::Fixed32(u32::from_le_bytes(*take(bytes, 4)?.first_chunk()?)),
        // Groups, which nothing of TensorFlow uses.
        _ => return None,
    };
    Some((tag >> 3, value))
}

/// Takes a variable-length integer off the front: seven bits a byte, the lowest first.
pub(super) fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        let bits = u64::from(byte & 0x7f);
        // The tenth byte has one bit left.
        if bits << shift >> shift != bits {
            return None;
        }
        value |= bits << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

/// Takes `length` bytes off the front.
pub(super) fn take<'a>(bytes: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_end_within_64_bits() {
        let read = |mut bytes: &[u8]| varint(&mut bytes).map(|value| (value, bytes.len()));
        assert_eq!(read(&[0x96, 0x01, 7]), Some((150, 1)));
        assert_eq!(read(&[0xff; 9].iter().copied().chain([1]).collect::<Vec<_>>()), Some((u64::MAX, 0)));
        assert_eq!(read(&[0xff; 9].iter().copied().chain([2]).collect::<Vec<_>>()), None);
        assert_eq!(read(&[0x80; 10]), None);
        assert_eq!(read(&[0x80]), None);
    }

    #[test]
    fn a_broken_field_ends_the_message() {
        let fields: Vec<_> = Fields(&[0x08, 0x05, 0x12, 0x09, 0x00]).collect();
        assert_eq!(fields.len(), 2);
        assert_eq!(fields[0], Ok((1, Value::Varint(5))));
        assert!(fields[1].is_err());
    }
}
