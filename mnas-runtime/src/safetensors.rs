//! A reader of safetensors files that allocates nothing: it scans the header for each name.
//!
//! The file is not trusted: every offset is checked, the depth of the header is bounded by its form.

use super::floats::Bytes;

/// Most dimensions of a tensor.
const MAX_RANK: usize = 4;

/// The tensors of a file.
pub struct Tensors<'a> {
    header: &'a [u8],
    data: &'a [u8],
}

/// One tensor of a file.
#[derive(Clone, Copy)]
pub struct Tensor<'a> {
    float: bool,
    rank: usize,
    shape: [usize; MAX_RANK],
    data: &'a [u8],
}

impl<'a> Tensor<'a> {
    /// Dimensions, outermost first.
    pub fn shape(&self) -> &[usize] {
        self.shape.get(..self.rank).unwrap_or(&[])
    }

    /// Its values, if they are `F32` and as many as the shape says.
    pub fn floats(&self) -> Option<Bytes<'a>> {
        let len = self.shape().iter().try_fold(4usize, |product, &d| product.checked_mul(d))?;
        (self.float && len == self.data.len()).then_some(Bytes(self.data))
    }
}

impl<'a> Tensors<'a> {
    /// Splits a file into header and data: eight bytes of header length, the header as JSON, the data.
    pub fn new(file: &'a [u8]) -> Option<Self> {
        let (length, rest) = file.split_first_chunk::<8>()?;
        let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
        let (header, data) = rest.split_at_checked(length)?;
        (header.first() == Some(&b'{')).then_some(Tensors { header, data })
    }

    /// The tensor whose name is the parts joined.
    pub fn find(&self, parts: &[&str]) -> Option<Tensor<'a>> {
        let mut scan = Scan { text: self.header, at: 0 };
        scan.expect(b'{')?;
        loop {
            let name = scan.string()?;
            scan.expect(b':')?;
            if is_joined(name, parts) {
                return scan.tensor(self.data);
            }
            scan.skip_object()?;
            scan.expect(b',')?;
        }
    }
}

fn is_joined(name: &[u8], parts: &[&str]) -> bool {
    let mut rest = name;
    for part in parts {
        match rest.strip_prefix(part.as_bytes()) {
            Some(after) => rest = after,
            None => return false,
        }
    }
    rest.is_empty()
}

struct Scan<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Scan<'a> {
    fn peek(&mut self) -> Option<u8> {
        while self.text.get(self.at)?.is_ascii_whitespace() {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    /// A string's bytes; one with an escape is kept as it is written, and so equals no name of ours.
    fn string(&mut self) -> Option<&'a [u8]> {
        self.expect(b'"')?;
        let start = self.at;
        loop {
            match self.text.get(self.at)? {
                b'"' => break,
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        let text = self.text.get(start..self.at)?;
        self.at += 1;
        Some(text)
    }

    fn number(&mut self) -> Option<usize> {
        self.peek()?;
        let start = self.at;
        let mut value = 0usize;
        while let Some(digit) = self.text.get(self.at).filter(|b| b.is_ascii_digit()) {
            value = value.checked_mul(10)?.checked_add(usize::from(digit - b'0'))?;
            self.at += 1;
        }
        (self.at > start).then_some(value)
    }

    /// Whether a list goes on after an element.
    fn more(&mut self, end: u8) -> Option<bool> {
        let byte = self.peek()?;
        self.at += 1;
        match byte {
            b',' => Some(true),
            b if b == end => Some(false),
            _ => None,
        }
    }

    /// An object whose values hold no further objects, as in every safetensors header.
    fn skip_object(&mut self) -> Option<()> {
        self.expect(b'{')?;
        loop {
            match self.peek()? {
                b'"' => {
                    self.string()?;
                }
                b'}' => {
                    self.at += 1;
                    return Some(());
                }
                b'{' => return None,
                _ => self.at += 1,
            }
        }
    }

    fn numbers<const N: usize>(&mut self) -> Option<([usize; N], usize)> {
        let mut values = [0; N];
        let mut count = 0;
        self.expect(b'[')?;
        if self.peek()? == b']' {
            self.at += 1;
            return Some((values, 0));
        }
        loop {
            *values.get_mut(count)? = self.number()?;
            count += 1;
            if !self.more(b']')? {
                return Some((values, count));
            }
        }
    }

    fn tensor(&mut self, data: &'a [u8]) -> Option<Tensor<'a>> {
        let mut tensor = Tensor { float: false, rank: 0, shape: [0; MAX_RANK], data: &[] };
        self.expect(b'{')?;
        loop {
            let key = self.string()?;
            self.expect(b':')?;
            match key {
                b"dtype" => tensor.float = self.string()? == b"F32",
                b"shape" => (tensor.shape, tensor.rank) = self.numbers()?,
                b"data_offsets" => {
                    let ([start, end], _) = self.numbers::<2>()?;
                    tensor.data = data.get(start..end)?;
                }
                _ => return None,
            }
            if !self.more(b'}')? {
                return Some(tensor);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::super::floats::Floats as _;
    use super::*;
    use std::vec::Vec;

    fn file(header: &str, data: &[f32]) -> Vec<u8> {
        let mut out = Vec::from((header.len() as u64).to_le_bytes());
        out.extend_from_slice(header.as_bytes());
        out.extend(data.iter().flat_map(|v| v.to_le_bytes()));
        out
    }

    const HEADER: &str = r#"{"__metadata__":{"a{\"":"}"}, "x":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},
        "a.b":{"shape":[],"data_offsets":[8,12],"dtype":"F32"} , "half":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}}"#;

    #[test]
    fn finds_tensors_by_the_parts_of_their_name() {
        let bytes = file(HEADER, &[1.0, -2.5, 3.0]);
        let tensors = Tensors::new(&bytes).unwrap();
        let x = tensors.find(&["x"]).unwrap();
        assert_eq!(x.shape(), [2, 1]);
        let values = x.floats().unwrap();
        assert_eq!([values.get(0), values.get(1)], [1.0, -2.5]);
        assert_eq!(tensors.find(&["a", ".b"]).unwrap().floats().unwrap().get(0), 3.0);
        assert!(tensors.find(&["half"]).unwrap().floats().is_none());
        assert!(tensors.find(&["y"]).is_none());
    }

    #[test]
    fn any_truncation_or_changed_byte_is_survived() {
        let bytes = file(HEADER, &[1.0, -2.5, 3.0]);
        let look = |bytes: &[u8]| {
            if let Some(tensors) = Tensors::new(bytes) {
                for name in ["x", "a.b", "half", "none"] {
                    if let Some(floats) = tensors.find(&[name]).and_then(|t| t.floats()) {
                        floats.finite();
                    }
                }
            }
        };
        // Miri is slow.
        let step = if cfg!(miri) { 23 } else { 1 };
        for end in (0..bytes.len()).step_by(step) {
            look(&bytes[..end]);
        }
        for i in (0..bytes.len()).step_by(step) {
            for value in [0, 0xff, b'"', b'{', b'}', b'[', b'9', b'\\', b','] {
                let mut changed = bytes.clone();
                changed[i] = value;
                look(&changed);
            }
        }
    }
}
