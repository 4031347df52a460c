//! Flatbuffers field by field, right ones and wrong ones.

/// A value of a field.
#[derive(Clone)]
pub(super) enum Value {
    Byte(u8),
    Int(i32),
    Text(&'static str),
    Bytes(Vec<u8>),
    Ints(Vec<i32>),
    Longs(Vec<i64>),
    Floats(Vec<f32>),
    Table(Table),
    Tables(Vec<Table>),
}

/// A table: the values of fields by their number in the schema.
#[derive(Clone, Default)]
pub(super) struct Table(pub(super) Vec<(usize, Value)>);

impl Table {
    pub(super) fn with(mut self, number: usize, value: Value) -> Self {
        self.0.push((number, value));
        self
    }

    /// A file of TensorFlow Lite that begins with this table.
    pub(super) fn file(&self) -> Vec<u8> {
        let mut out = b"\0\0\0\0TFL3".to_vec();
        let at = self.write(&mut out);
        out[..4].copy_from_slice(&(at as u32).to_le_bytes());
        out
    }

    /// Writes the list of fields, the fields, and what they lead to; gives the place of the fields.
    fn write(&self, out: &mut Vec<u8>) -> usize {
        let list = out.len();
        let count = self.0.iter().map(|(number, _)| number + 1).max().unwrap_or(0);
        let mut offsets = vec![0_u16; count];
        for (place, (number, _)) in self.0.iter().enumerate() {
            offsets[*number] = 4 + 4 * place as u16;
        }
        let sizes = [4 + 2 * count as u16, 4 + 4 * self.0.len() as u16];
        out.extend(sizes.iter().chain(&offsets).flat_map(|half| half.to_le_bytes()));
        let start = out.len();
        out.extend(((start - list) as i32).to_le_bytes());
        out.resize(out.len() + 4 * self.0.len(), 0);
        for (place, (_, value)) in self.0.iter().enumerate() {
            let at = start + 4 + 4 * place;
            let word = match value {
                Value::Byte(value) => u32::from(*value),
                Value::Int(value) => *value as u32,
                value => (value.write(out) - at) as u32,
            };
            out[at..at + 4].copy_from_slice(&word.to_le_bytes());
        }
        start
    }
}

impl Value {
    fn write(&self, out: &mut Vec<u8>) -> usize {
        let (count, data): (usize, Vec<u8>) = match self {
            Value::Byte(_) | Value::Int(_) => unreachable!("it is in its field"),
            Value::Text(text) => (text.len(), text.bytes().collect()),
            Value::Bytes(bytes) => (bytes.len(), bytes.clone()),
            Value::Ints(values) => (values.len(), values.iter().flat_map(|it| it.to_le_bytes()).collect()),
            Value::Longs(values) => (values.len(), values.iter().flat_map(|it| it.to_le_bytes()).collect()),
            Value::Floats(values) => (values.len(), values.iter().flat_map(|it| it.to_le_bytes()).collect()),
            Value::Table(table) => return table.write(out),
            Value::Tables(tables) => {
                let start = out.len();
                out.extend((tables.len() as u32).to_le_bytes());
                out.resize(out.len() + 4 * tables.len(), 0);
                for (place, table) in tables.iter().enumerate() {
                    let at = start + 4 + 4 * place;
                    let word = (table.write(out) - at) as u32;
                    out[at..at + 4].copy_from_slice(&word.to_le_bytes());
                }
                return start;
            }
        };
        let start = out.len();
        out.extend((count as u32).to_le_bytes());
        out.extend(data);
        start
    }
}
