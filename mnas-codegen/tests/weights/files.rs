//! Readers against files that PyTorch and safetensors wrote (`files/make.py`), and against damaged ones.

use mnas_codegen::weights::{WeightTensor, pth, safetensors};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

type Tensors = BTreeMap<String, WeightTensor>;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files")
}

fn bytes(file: &str) -> Vec<u8> {
    std::fs::read(folder().join(file)).unwrap()
}

fn refusal(file: &str) -> String {
    pth::read(&bytes(file)).map(|_| ()).unwrap_err().to_string()
}

/// What PyTorch says is in every file of `make.py`.
fn expected() -> Tensors {
    let json: serde_json::Value = serde_json::from_slice(&bytes("expected.json")).unwrap();
    let tensor = |value: &serde_json::Value| WeightTensor {
        shape: value["shape"].as_array().unwrap().iter().map(|size| size.as_u64().unwrap() as usize).collect(),
        data: value["data"].as_array().unwrap().iter().map(|value| value.as_f64().unwrap() as f32).collect(),
    };
    json.as_object().unwrap().iter().map(|(name, value)| (name.clone(), tensor(value))).collect()
}

#[test]
fn every_format_reads_the_same_values() {
    let expected = expected();
    assert_eq!(expected.len(), 12);
    for file in ["zip.pth", "zip_protocol_4.pth", "legacy.pth", "wrapped.pth", "ema.pth"] {
        assert_eq!(pth::read(&bytes(file)).as_ref(), Ok(&expected), "{file}");
    }
    assert_eq!(safetensors::read(&bytes("plain.safetensors")), Ok(expected));
}

#[test]
fn pickled_calls_are_names_and_never_run() {
    // One tensor, and beside it a call of `posix.system`.
    for file in ["hostile.pth", "hostile_legacy.pth"] {
        let tensors = pth::read(&bytes(file)).unwrap();
        assert_eq!(tensors.keys().collect::<Vec<_>>(), ["plain"], "{file}");
        assert_eq!(tensors["plain"], WeightTensor { shape: vec![1], data: vec![0.0] });
    }
}

#[test]
fn a_pickled_module_of_pytorch_is_read() {
    // `torch.nn.Linear(2, 2)`.
    let tensors = pth::read(&bytes("module.pth")).unwrap();
    let shapes: Vec<(&str, &[usize])> = tensors.iter().map(|(name, it)| (name.as_str(), it.shape.as_slice())).collect();
    assert_eq!(shapes, [("bias", [2].as_slice()), ("weight", &[2, 2])]);
    assert!(tensors.values().flat_map(|tensor| &tensor.data).all(|value| *value != 0.0 && value.abs() < 0.71));
    assert_eq!(refusal("bare.pickle"), "it is a pickle, but not one that `torch.save` wrote");
}

/// The generator of the mutations below (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
}

const FILES: [&str; 5] = ["zip.pth", "legacy.pth", "wrapped.pth", "zip_protocol_4.pth", "plain.safetensors"];

/// Both readers take anything without a panic; what they accept is no larger than the file allows.
fn read_any(bytes: &[u8]) -> bool {
    let results = [pth::read(bytes), safetensors::read(bytes)];
    for tensors in results.iter().flatten() {
        let elements: usize = tensors.values().map(|tensor| tensor.data.len()).sum();
        assert!(elements <= bytes.len());
        for tensor in tensors.values() {
            assert_eq!(tensor.shape.iter().product::<usize>(), tensor.data.len());
        }
    }
    results.iter().any(Result::is_ok)
}

#[test]
fn truncated_files_are_errors() {
    for file in FILES {
        let bytes = bytes(file);
        assert!(read_any(&bytes), "the whole file is read");
        for length in 0..bytes.len() {
            assert!(!read_any(&bytes[..length]), "{file} cut to {length} bytes");
        }
    }
}

#[test]
fn mutated_files_never_panic() {
    let mut random = Random(3);
    let (mut read, mut refused) = (0, 0);
    for file in FILES {
        let original = bytes(file);
        for _ in 0..3_000 {
            let mut mutated = original.clone();
            for _ in 0..=random.below(4) {
                let at = random.below(mutated.len());
                match random.below(4) {
                    // Values at the edges are where sizes overflow.
                    0 => mutated[at] = [0, 1, 0x7f, 0x80, 0xff][random.below(5)],
                    1 => mutated[at] ^= 1 << random.below(8),
                    2 => {
                        let end = (at + 1 + random.below(8)).min(mutated.len());
                        mutated[at..end].fill(0xff);
                    }
                    _ => {
                        let from = random.below(mutated.len());
                        mutated[at] = original[from];
                    }
                }
            }
            if read_any(&mutated) { read += 1 } else { refused += 1 }
        }
    }
    // Both happen, or the mutations would prove nothing.
    assert!(read > 100 && refused > 100, "{read} read, {refused} refused");
}

#[test]
fn a_flood_of_nesting_is_refused() {
    // A tuple in a tuple, ten million times.
    let mut flood = b")".to_vec();
    flood.extend(std::iter::repeat_n(0x85, 10_000_000));
    let reason = pth::read(&legacy_with(&flood)).map(|_| ()).unwrap_err().to_string();
    assert_eq!(reason, "its pickle has more than 1048576 opcodes");
}

/// A pickle as the legacy format holds the data of `legacy.pth`, which it replaces.
fn legacy_with(pickle: &[u8]) -> Vec<u8> {
    let legacy = bytes("legacy.pth");
    let start = legacy.windows(3).position(|window| window == b"\x80\x02c").expect("start of the data's pickle");
    [&legacy[..start], b"\x80\x02", pickle, b".", b"\x80\x02]."].concat()
}

#[test]
fn an_ordered_dict_as_python_2_wrote_it_is_read() {
    // OrderedDict([["a", tensor of an empty storage]]), the storages' list empty.
    let storage = b"(X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\0\x30X\x03\0\0\0cpuK\0tQ";
    let tensor = [b"ctorch._utils\n_rebuild_tensor\n(".as_slice(), storage, b"K\0K\0\x85K\x01\x85tR"].concat();
    let pickle = [b"ccollections\nOrderedDict\n](](X\x01\0\0\0a".as_slice(), &tensor, b"ee\x85R"].concat();
    let reason = pth::read(&legacy_with(&pickle)).map(|_| ()).unwrap_err().to_string();
    assert_eq!(reason, "tensor `a` has its storage `0` missing");
}

#[test]
fn arguments_that_are_used_again_and_again_are_bounded() {
    // A list of 1000 empty pairs, from which 10,000 dicts are made: ten million entries of a file of 100 KB.
    let mut pickle = b"(]q\0(".to_vec();
    pickle.extend(std::iter::repeat_n(*b"NN\x86", 1000).flatten());
    pickle.extend(b"e");
    pickle.extend(std::iter::repeat_n(*b"ccollections\nOrderedDict\nh\0\x85R", 10_000).flatten());
    let reason = pth::read(&legacy_with(&pickle)).map(|_| ()).unwrap_err().to_string();
    assert_eq!(reason, "its pickle repeats the same arguments without end");
}
