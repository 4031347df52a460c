//! Writes pickles as `torch.save` does, piece by piece: a value is the opcodes that make it.

/// A file in the making: its storages.
#[derive(Default)]
pub(crate) struct File {
    storages: Vec<Vec<u8>>,
}

impl File {
    /// A tensor of its own storage.
    pub(crate) fn tensor(&mut self, shape: &[usize], values: &[f32]) -> Vec<u8> {
        let strides: Vec<usize> = (0..shape.len()).map(|axis| shape[axis + 1..].iter().product()).collect();
        self.strided(shape, &strides, values)
    }

    /// A view of a storage of its own.
    pub(crate) fn strided(&mut self, shape: &[usize], strides: &[usize], values: &[f32]) -> Vec<u8> {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.of(("torch", "FloatStorage"), bytes, values.len(), shape, strides)
    }

    /// 64-bit integers.
    pub(crate) fn integers(&mut self, shape: &[usize], values: &[i64]) -> Vec<u8> {
        let strides: Vec<usize> = (0..shape.len()).map(|axis| shape[axis + 1..].iter().product()).collect();
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.of(("torch", "LongStorage"), bytes, values.len(), shape, &strides)
    }

    fn of(
        &mut self,
        (module, name): (&str, &str),
        bytes: Vec<u8>,
        len: usize,
        shape: &[usize],
        strides: &[usize],
    ) -> Vec<u8> {
        self.storages.push([&(len as u64).to_le_bytes(), bytes.as_slice()].concat());
        let key = (self.storages.len() - 1).to_string();
        let id = tuple(&[text("storage"), global(module, name), text(&key), text("cpu"), int(len)]);
        let storage = [id, b"Q".to_vec()].concat();
        let ints = |sizes: &[usize]| tuple(&sizes.iter().map(|&size| int(size)).collect::<Vec<_>>());
        let hooks = call("collections", "OrderedDict", &[]);
        call(
            "torch._utils",
            "_rebuild_tensor_v2",
            &[storage, int(0), ints(shape), ints(strides), b"\x89".to_vec(), hooks],
        )
    }

    /// The file, in the format before zip archives.
    pub(crate) fn write(&self, root: &[u8]) -> Vec<u8> {
        let mut out = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.".to_vec();
        out.extend(b"\x80\x02}X\x0d\0\0\0little_endian\x88s.\x80\x02");
        out.extend(root);
        out.extend(b".\x80\x02](");
        (0..self.storages.len()).for_each(|key| out.extend(text(&key.to_string())));
        out.extend(b"e.");
        self.storages.iter().for_each(|storage| out.extend(storage));
        out
    }
}

pub(crate) fn text(text: &str) -> Vec<u8> {
    [b"X".as_slice(), &(text.len() as u32).to_le_bytes(), text.as_bytes()].concat()
}

pub(crate) fn int(value: usize) -> Vec<u8> {
    [b"J".as_slice(), &(value as u32).to_le_bytes()].concat()
}

pub(crate) fn tuple(items: &[Vec<u8>]) -> Vec<u8> {
    [b"(".to_vec(), items.concat(), b"t".to_vec()].concat()
}

pub(crate) fn global(module: &str, name: &str) -> Vec<u8> {
    format!("c{module}\n{name}\n").into_bytes()
}

pub(crate) fn dict<S: AsRef<str>>(items: &[(S, Vec<u8>)]) -> Vec<u8> {
    [b"}(".to_vec(), pairs(items), b"u".to_vec()].concat()
}

fn pairs<S: AsRef<str>>(items: &[(S, Vec<u8>)]) -> Vec<u8> {
    items.iter().flat_map(|(key, value)| [text(key.as_ref()), value.clone()].concat()).collect()
}

/// A call by `REDUCE`.
pub(crate) fn call(module: &str, name: &str, arguments: &[Vec<u8>]) -> Vec<u8> {
    [global(module, name), tuple(arguments), b"R".to_vec()].concat()
}

/// A call whose result gets items, as a `defaultdict` does.
pub(crate) fn with_items(made: Vec<u8>, items: &[(&str, Vec<u8>)]) -> Vec<u8> {
    [made, b"(".to_vec(), pairs(items), b"u".to_vec()].concat()
}

/// An object of a class, and its attributes.
pub(crate) fn object(module: &str, class: &str, attributes: &[(&str, Vec<u8>)]) -> Vec<u8> {
    [global(module, class), b")\x81".to_vec(), dict(attributes), b"b".to_vec()].concat()
}

/// A module as PyTorch pickles it.
pub(crate) fn module(class: &str, parameters: Vec<u8>, buffers: Vec<u8>, modules: Vec<u8>) -> Vec<u8> {
    let attributes = [
        ("training", b"\x89".to_vec()),
        ("_parameters", parameters),
        ("_buffers", buffers),
        ("_forward_hooks", call("collections", "OrderedDict", &[])),
        ("_modules", modules),
    ];
    object("models.mine", class, &attributes)
}
