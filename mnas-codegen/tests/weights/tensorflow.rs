//! Checkpoints that TensorFlow wrote (`files/tensorflow/make.py`), and damaged ones.

use crate::nets;
use mnas_codegen::weights::tf_checkpoint::{self, Checkpoint};
use mnas_codegen::weights::{WeightTensor, Weights, fit};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files/tensorflow")
}

fn index(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(format!("{name}.ckpt.index"))).unwrap()
}

/// All shards of a checkpoint.
fn shards(name: &str) -> Vec<Vec<u8>> {
    let prefix = format!("{name}.ckpt.data-");
    let files = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        files.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with(&prefix)).collect();
    files.sort();
    files.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

fn read(index: &[u8], shards: &[Vec<u8>]) -> Result<Weights, String> {
    let shards: Vec<&[u8]> = shards.iter().map(Vec::as_slice).collect();
    tf_checkpoint::read(index, &shards).map_err(|error| error.to_string())
}

/// What TensorFlow says is in a file: of networks with our names and axes.
fn expected(name: &str) -> Weights {
    let json: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder().join("expected.json")).unwrap()).unwrap();
    let tensor = |value: &serde_json::Value| WeightTensor {
        shape: value["shape"].as_array().unwrap().iter().map(|size| size.as_u64().unwrap() as usize).collect(),
        data: value["data"].as_array().unwrap().iter().map(|value| value.as_f64().unwrap() as f32).collect(),
    };
    json[name].as_object().unwrap().iter().map(|(name, value)| (name.clone(), tensor(value))).collect()
}

#[test]
fn averages_are_loaded_under_our_names() {
    let tensors = read(&index("averaged"), &shards("averaged")).unwrap();
    let fitted = fit(tensors.clone(), "averaged", &nets::tiny()).unwrap();
    assert_eq!(fitted.scheme, "TensorFlow mnasnet");
    let expected = expected("averaged");
    assert_eq!(expected.len(), 41);
    assert_eq!(fitted.weights, expected);
    assert_eq!(
        fitted.sources["blocks.1.0.se.expand.weight"],
        "mnasnet-tiny/mnas_net_model/mnas_blocks_1/se/conv2d_10/kernel"
    );
    assert_eq!(
        fitted.sources["blocks.1.0.project.bn.running_var"],
        "mnasnet-tiny/mnas_blocks_1/batch_normalization_2/moving_variance"
    );
    assert_eq!(fitted.sources["classifier.bias"], "mnasnet-tiny/mnas_net_model/mnas_head/dense/bias");
    assert_eq!(Checkpoint::open(&index("averaged")).unwrap().averages(), 41);

    // Without a head the same file gives the rest.
    let mut backbone = nets::tiny();
    backbone.head = None;
    assert_eq!(fit(tensors, "averaged", &backbone).unwrap().weights.len(), 41 - 7);
}

#[test]
fn shards_are_put_together() {
    let (index, shards) = (index("sharded"), shards("sharded"));
    assert_eq!(shards.len(), 3);
    let fitted = fit(read(&index, &shards).unwrap(), "sharded", &nets::tiny()).unwrap();
    assert_eq!(fitted.scheme, "TensorFlow efficientnet");
    assert_eq!(fitted.weights, expected("sharded"));
    assert_eq!(fitted.sources["blocks.1.0.se.expand.bias"], "efficientnet-tiny/blocks_1/se/conv2d_1/bias");

    let checkpoint = Checkpoint::open(&index).unwrap();
    assert_eq!(checkpoint.shards().into_iter().collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(checkpoint.shard_suffix(2), ".data-00002-of-00003");
    let some: BTreeMap<usize, &[u8]> = [(0, shards[0].as_slice()), (2, shards[2].as_slice())].into();
    let reason = checkpoint.read(&some).map(|_| ()).unwrap_err().to_string();
    assert!(reason.ends_with("is in `.data-00001-of-00003`, which was not given"), "{reason}");
}

#[test]
fn names_of_slim_are_known() {
    let v3 = nets::parse(
        "
name: v3
input: 8x8x3
batch_norm: {eps: 1e-3}
padding: same
activation: relu
squeeze_excite: {of: expanded, rounding: channels}
stem: {op: conv, kernel: 3, stride: 2, filters: 4}
blocks:
  - {op: sepconv, kernel: 3, filters: 4}
  - {op: mbconv, expand: 4, kernel: 3, stride: 2, filters: 4, se: 0.25}
  - {op: conv, kernel: 1, filters: 6}
head: {hidden: 5, classes: 10}
",
    );
    let v1 = nets::parse(
        "
name: v1
input: 8x8x3
batch_norm: {eps: 1e-3}
padding: same
activation: relu6
stem: {op: conv, kernel: 3, stride: 2, filters: 4}
blocks:
  - {op: sepconv, kernel: 3, filters: 8}
  - {op: sepconv, kernel: 3, filters: 6}
head: {classes: 10}
",
    );
    for (file, mut network, scheme, head) in
        [("slim", v3, "TF-Slim mobilenet", 4), ("slim_v1", v1, "TF-Slim mobilenet_v1", 2)]
    {
        let tensors = read(&index(file), &shards(file)).unwrap();
        let fitted = fit(tensors.clone(), file, &network).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(fitted.scheme, scheme);
        assert_eq!(fitted.weights, expected(file), "{file}");
        assert_eq!(Checkpoint::open(&index(file)).unwrap().inventory().scheme(), Some(scheme));
        network.head = None;
        assert_eq!(fit(tensors, file, &network).unwrap().weights.len(), fitted.weights.len() - head);
    }
}

#[test]
fn every_type_of_elements_is_known() {
    assert_eq!(read(&index("types"), &shards("types")), Ok(expected("types")));
    let inventory = Checkpoint::open(&index("types")).unwrap().inventory();
    let listed: Vec<String> = inventory
        .tensors
        .iter()
        .map(|tensor| format!("{} {} {:?} {}", tensor.name, tensor.element, tensor.shape, tensor.bytes))
        .collect();
    assert_eq!(
        listed,
        [
            "scope/bfloat bfloat16 [2, 3] 12",
            "scope/complex complex64 [1] 8",
            "scope/double float64 [2, 3] 48",
            "scope/empty float32 [0, 4] 0",
            "scope/flags bool [2] 2",
            "scope/half float16 [2, 3] 12",
            "scope/integers int32 [6] 24",
            "scope/scalar float32 [] 4",
            "scope/single float32 [2, 3] 24",
            "scope/strings string [2] 10",
        ]
    );
    assert_eq!(inventory.scheme(), None);
}

#[test]
fn slices_are_listed_and_refused() {
    let listed = Checkpoint::open(&index("slices")).unwrap().inventory();
    let names: Vec<&str> = listed.tensors.iter().map(|tensor| tensor.name.as_str()).collect();
    assert_eq!(names, ["split/kernel", "whole"]);
    let reason = read(&index("slices"), &shards("slices")).unwrap_err();
    assert_eq!(reason, "tensor `split/kernel` is stored in slices, as partitioned variables are; save it as one");
}

#[test]
fn missing_and_misshapen_tensors_are_named_as_in_the_file() {
    let mut tensors = read(&index("averaged"), &shards("averaged")).unwrap();
    tensors.remove("mnasnet-tiny/mnas_net_model/mnas_blocks_1/conv2d_11/kernel").unwrap();
    tensors.get_mut("mnasnet-tiny/mnas_net_model/mnas_blocks_0/depthwise_conv2d_9/depthwise_kernel").unwrap().shape =
        vec![9, 1, 4, 1];
    tensors.insert("mnasnet-tiny/other".into(), WeightTensor { shape: vec![1], data: vec![0.0] });
    let error = fit(tensors, "averaged", &nets::tiny()).map(|_| ()).unwrap_err().to_string();
    assert_eq!(
        error,
        "\
weights of `averaged` (names: TensorFlow mnasnet) do not fit network `tiny`: 3 problems
  missing: `mnasnet-tiny/mnas_net_model/mnas_blocks_1/conv2d_9/kernel` [1, 1, 16, 4]
  extra: `mnasnet-tiny/other` [1]
  wrong shape: `mnasnet-tiny/mnas_net_model/mnas_blocks_0/depthwise_conv2d_9/depthwise_kernel` is [9, 1, 4, 1], the network needs [3, 3, 4, 1]"
    );
}

/// Damage by name and what is said of it.
type Damage<'a> = (&'a dyn Fn(&mut Vec<u8>, &mut Vec<Vec<u8>>), &'a str);

#[test]
fn damage_is_named() {
    let (index, shards) = (index("sharded"), shards("sharded"));
    let cases: &[Damage<'_>] = &[
        (&|index, _| index.clear(), "it is shorter than the end of a checkpoint's index"),
        (&|index, _| index.truncate(1000), "it does not end like the index of a checkpoint; it may be cut off"),
        (&|index, _| index[700] ^= 1, "its index is damaged: the checksum of a block differs"),
        (&|index, _| index[1709 - 48..][..20].fill(0xff), "its index is damaged"),
        (
            &|index, _| index[1709 - 48..][..4].copy_from_slice(&[0, 0, 0x80, 0x40]),
            "its index has a block outside of the file",
        ),
        (&|_, shards| drop(shards.pop()), "is in `.data-00002-of-00003`, which was not given"),
        (&|_, shards| shards[0].truncate(1000), "ends beyond `.data-00000-of-00003`, which may be cut off"),
        (&|_, shards| shards[1].swap(2, 6), "is damaged: its checksum in `.data-00001-of-00003` differs"),
        (&|_, shards| shards.swap(0, 1), "`.data-00001-of-00003` differs"),
    ];
    for (damage, said) in cases {
        let (mut index, mut shards) = (index.clone(), shards.clone());
        damage(&mut index, &mut shards);
        let reason = read(&index, &shards).map(|_| ()).expect_err(said);
        assert!(reason.ends_with(said), "{reason}\n{said}");
    }
    // The control: undamaged, it is read.
    read(&index, &shards).unwrap();
}
