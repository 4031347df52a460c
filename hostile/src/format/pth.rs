//! PyTorch's files, both formats: those that PyTorch wrote, and the tiny network's, written here.

use super::{Format, Outcome, tiny_weights, weights_file, zip};
use mnas_codegen::weights::{WeightTensor, Weights, pth};

/// Zip archives with a pickle in them.
pub(super) const ZIP: Format = Format {
    name: "pth-zip",
    seeds: || {
        let files: [&[u8]; 4] = [
            include_bytes!("../../../mnas-codegen/tests/files/zip.pth"),
            include_bytes!("../../../mnas-codegen/tests/files/zip_protocol_4.pth"),
            include_bytes!("../../../mnas-codegen/tests/files/ema.pth"),
            include_bytes!("../../../mnas-codegen/tests/files/hostile.pth"),
        ];
        let mut seeds = files.map(<[u8]>::to_vec).to_vec();
        seeds.extend([zipped(), zipped(), zipped()]);
        seeds
    },
    dictionary: WORDS,
    mend: |bytes| {
        let files = zip::files(bytes);
        if !files.is_empty() {
            *bytes = zip::write(&files);
        }
    },
    read,
};

/// Pickles in a row, then storages.
pub(super) const LEGACY: Format = Format {
    name: "pth-legacy",
    seeds: || {
        let files: [&[u8]; 3] = [
            include_bytes!("../../../mnas-codegen/tests/files/legacy.pth"),
            include_bytes!("../../../mnas-codegen/tests/files/hostile_legacy.pth"),
            include_bytes!("../../../mnas-codegen/tests/files/bare.pickle"),
        ];
        let mut seeds = files.map(<[u8]>::to_vec).to_vec();
        seeds.extend([legacy(), legacy(), legacy()]);
        seeds
    },
    dictionary: WORDS,
    mend: |_| {},
    read,
};

/// Opcodes, globals, marks of archives.
const WORDS: &[&[u8]] = &[
    b"PK\x03\x04",
    b"PK\x01\x02",
    b"PK\x05\x06",
    b"PK\x06\x06",
    b"PK\x06\x07",
    b"PK\x07\x08",
    b"data.pkl",
    b"/data/0",
    b"byteorder",
    b"big",
    b"\x80\x02",
    b"\x80\x05",
    b"(",
    b")",
    b".",
    b"0",
    b"1",
    b"2",
    b"N",
    b"\x88",
    b"\x89",
    b"K\xff",
    b"M\xff\xff",
    b"J\xff\xff\xff\xff",
    b"\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f",
    b"\x8b\xff\xff\xff\xff",
    b"G\0\0\0\0\0\0\0\0",
    b"X\xff\xff\xff\xff",
    b"X\0\0\0\0",
    b"T\xff\xff\xff\x7f",
    b"\x8c\xff",
    b"\x8d\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\x8e\0\0\0\0\0\0\0\x80",
    b"}",
    b"]",
    b"t",
    b"\x85",
    b"\x86",
    b"\x87",
    b"a",
    b"e",
    b"s",
    b"u",
    b"q\0",
    b"r\xff\xff\xff\xff",
    b"\x94",
    b"h\0",
    b"j\xff\xff\xff\xff",
    b"cos\nsystem\n",
    b"c__builtin__\neval\n",
    b"cposix\nsystem\n",
    b"\x93",
    b"Q",
    b"R",
    b"b",
    b"i",
    b"o",
    b"\x81",
    b"\x92",
    b"\x95\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\x96",
    b"\x97",
    b"\x98",
    b"\x8f",
    b"\x90",
    b"\x91",
    b"P0\n",
    b"ctorch._utils\n_rebuild_tensor_v2\n",
    b"ccollections\nOrderedDict\n",
    b"ctorch\nFloatStorage\n",
    b"ctorch\nHalfStorage\n",
    b"ctorch\nDoubleStorage\n",
    b"ctorch\nLongStorage\n",
    b"ctorch._utils\n_rebuild_parameter\n",
    b"storage",
    b"state_dict",
    b"model_ema",
    b"module.",
    b"stem.conv.weight",
    b"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.",
    b"((((((((((((((((",
    b"]]]]]]]]]]]]]]]]",
];

fn read(bytes: &[u8]) -> Outcome {
    // By itself too, for files of other networks: no more values than the file has bytes.
    if let Ok(tensors) = pth::read(bytes) {
        let values: usize = tensors.values().map(|tensor| tensor.data.len()).sum();
        assert!(values <= bytes.len(), "{values} values from {} bytes", bytes.len());
        assert!(tensors.values().all(|tensor| tensor.shape.iter().product::<usize>() == tensor.data.len()));
    }
    weights_file(bytes)
}

/// The tiny network's weights as `torch.save` writes a state dict.
pub(crate) fn zipped() -> Vec<u8> {
    let weights = tiny_weights();
    let mut files =
        vec![(b"tiny/data.pkl".to_vec(), pickle(&weights)), (b"tiny/byteorder".to_vec(), b"little".to_vec())];
    for (index, tensor) in weights.values().enumerate() {
        files.push((format!("tiny/data/{index}").into_bytes(), values(tensor)));
    }
    files.push((b"tiny/version".to_vec(), b"3\n".to_vec()));
    zip::write(&files)
}

/// The same in the format before.
pub(crate) fn legacy() -> Vec<u8> {
    let weights = tiny_weights();
    let mut out = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.".to_vec();
    out.extend(b"\x80\x02}(X\x0d\0\0\0little_endian\x88u.");
    out.extend(pickle(&weights));
    out.extend(b"\x80\x02](");
    (0..weights.len()).for_each(|index| out.extend(text(&index.to_string())));
    out.extend(b"e.");
    for tensor in weights.values() {
        out.extend((tensor.data.len() as u64).to_le_bytes());
        out.extend(values(tensor));
    }
    out
}

/// An ordered dict of tensors, each with a storage of its own.
fn pickle(weights: &Weights) -> Vec<u8> {
    let mut out = b"\x80\x02ccollections\nOrderedDict\n)R(".to_vec();
    for (index, (name, tensor)) in weights.iter().enumerate() {
        out.extend(text(name));
        out.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((");
        out.extend(text("storage"));
        out.extend(b"ctorch\nFloatStorage\n");
        out.extend(text(&index.to_string()));
        out.extend(text("cpu"));
        out.extend(int(tensor.data.len()));
        out.extend(b"tQK\0(");
        tensor.shape.iter().for_each(|&size| out.extend(int(size)));
        out.extend(b"t(");
        for axis in 0..tensor.shape.len() {
            out.extend(int(tensor.shape[axis + 1..].iter().product()));
        }
        out.extend(b"t\x89ccollections\nOrderedDict\n)RtR");
    }
    out.extend(b"u.");
    out
}

fn text(text: &str) -> Vec<u8> {
    [b"X".as_slice(), &(text.len() as u32).to_le_bytes(), text.as_bytes()].concat()
}

fn int(value: usize) -> Vec<u8> {
    [b"J".as_slice(), &(value as u32).to_le_bytes()].concat()
}

fn values(tensor: &WeightTensor) -> Vec<u8> {
    tensor.data.iter().flat_map(|value| value.to_le_bytes()).collect()
}
