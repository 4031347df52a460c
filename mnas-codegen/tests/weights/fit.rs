//! Names of others, and errors that list everything.

use crate::nets;
use mnas_codegen::weights::{self, WeightTensor, Weights, WeightsError, load, parameters, safetensors};
use mnas_dsl::network::Network;

fn load_tensors(tensors: &Weights, network: &Network) -> Result<Weights, WeightsError> {
    load(&safetensors::write(tensors).unwrap(), "x.safetensors", network)
}

fn message(tensors: &Weights, network: &Network) -> String {
    load_tensors(tensors, network).map(|_| ()).unwrap_err().to_string()
}

/// The tensors of a real network, by the library's own names and shapes; each is filled with its line number.
fn listed(file: &str) -> Weights {
    let path = format!("{}/tests/files/names/{file}.txt", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let tensor = |(line, text): (usize, &str)| {
        let (name, shape) = text.split_once(' ').unwrap();
        let shape: Vec<usize> = shape.split('x').map(|size| size.parse().unwrap()).collect();
        let data = vec![line as f32; shape.iter().product()];
        (name.to_string(), WeightTensor { shape, data })
    };
    text.lines().enumerate().map(tensor).collect()
}

/// Loads a real network's tensors and checks some names of ours against theirs.
fn check_names(file: &str, network: &Network, pairs: &[(&str, &str)]) {
    let theirs = listed(file);
    let ours = load_tensors(&theirs, network).unwrap_or_else(|error| panic!("{file}: {error}"));
    assert_eq!(ours.len(), theirs.len());
    for (our, their) in pairs {
        assert_eq!(ours[*our], theirs[*their], "{file}: {our}");
    }
    // Both libraries list tensors in the order in which data meets them, and so do we.
    let order: Vec<f32> = parameters(network).iter().map(|parameter| ours[&parameter.name].data[0]).collect();
    assert_eq!(order, (0..theirs.len()).map(|line| line as f32).collect::<Vec<f32>>(), "{file}");
}

#[test]
fn names_of_timm() {
    check_names(
        "timm_semnasnet_100",
        &nets::shipped("mnasnet_a1"),
        &[
            ("stem.conv.bn.running_var", "bn1.running_var"),
            ("blocks.0.0.project.bn.bias", "blocks.0.0.bn2.bias"),
            ("blocks.2.1.expand.weight", "blocks.2.1.conv_pw.weight"),
            ("blocks.2.1.se.expand.bias", "blocks.2.1.se.conv_expand.bias"),
            ("blocks.6.0.project.bn.weight", "blocks.6.0.bn3.weight"),
            ("head.conv.bn.bias", "bn2.bias"),
        ],
    );
    check_names("timm_mobilenetv1_100", &nets::shipped("mobilenet_v1"), &[]);
    check_names("timm_mnasnet_small", &nets::shipped("mnasnet_small"), &[]);
    check_names("timm_mobilenetv2_100", &nets::shipped("mobilenet_v2"), &[]);
    check_names("timm_efficientnet_b0", &nets::shipped("efficientnet_b0"), &[]);
    check_names(
        "timm_mobilenetv3_large_100",
        &nets::shipped("mobilenet_v3_large"),
        &[
            // timm's stages hold several of our blocks.
            ("blocks.2.0.expand.weight", "blocks.1.1.conv_pw.weight"),
            ("blocks.9.0.conv.bn.weight", "blocks.6.0.bn1.weight"),
            ("head.hidden.weight", "conv_head.weight"),
            ("head.hidden.bias", "conv_head.bias"),
        ],
    );
}

#[test]
fn names_of_torchvision() {
    check_names(
        "torchvision_mnasnet1_0",
        &nets::shipped("mnasnet_b1"),
        &[
            ("blocks.0.0.project.bn.weight", "layers.7.weight"),
            ("blocks.1.2.depthwise.weight", "layers.8.2.layers.3.weight"),
            ("head.conv.weight", "layers.14.weight"),
            ("classifier.bias", "classifier.1.bias"),
        ],
    );
    check_names(
        "torchvision_mobilenet_v3_small",
        &nets::shipped("mobilenet_v3_small"),
        &[("blocks.0.0.se.reduce.bias", "features.1.block.1.fc1.bias")],
    );
    check_names(
        "torchvision_efficientnet_b0",
        &nets::shipped("efficientnet_b0"),
        &[
            ("blocks.0.0.project.bn.bias", "features.1.0.block.2.1.bias"),
            ("blocks.5.3.se.expand.weight", "features.6.3.block.2.fc2.weight"),
            ("head.conv.weight", "features.8.0.weight"),
        ],
    );
}

#[test]
fn a_fully_connected_layer_may_be_a_convolution() {
    let network = nets::shipped("mobilenet_v3_large");
    let theirs = listed("torchvision_mobilenet_v3_large");
    let ours = load_tensors(&theirs, &network).unwrap();
    assert_eq!((&theirs["classifier.0.weight"].shape[..], theirs.len()), (&[1280, 960][..], ours.len()));
    assert_eq!(ours["head.hidden.weight"].shape, [1280, 960, 1, 1]);
    assert_eq!(ours["head.hidden.weight"].data, theirs["classifier.0.weight"].data);
    assert_eq!(ours["blocks.9.0.conv.weight"], theirs["features.16.0.weight"]);
    // Which is no licence for other shapes.
    let mut wrong = theirs;
    wrong.get_mut("classifier.0.weight").unwrap().shape = vec![960, 1280];
    let error = message(&wrong, &network);
    assert!(error.contains("classifier.0.weight"), "{error}");
}

#[test]
fn names_of_tensorflow() {
    check_names(
        "tensorflow_mnasnet_a1",
        &nets::shipped("mnasnet_a1"),
        &[("stem.conv.bn.running_var", "mnasnet-a1/mnas_stem/batch_normalization/moving_variance")],
    );
    check_names(
        "tensorflow_efficientnet_lite0",
        &nets::shipped("efficientnet_lite0"),
        &[("blocks.1.1.depthwise.bn.bias", "efficientnet-lite0/blocks_2/tpu_batch_normalization_1/beta")],
    );
    check_names(
        "tensorflow_efficientnet_b0",
        &nets::shipped("efficientnet_b0"),
        &[("blocks.1.0.se.expand.bias", "efficientnet-b0/blocks_1/se/conv2d_1/bias")],
    );
    check_names("tensorflow_mnasnet_small_tf", &nets::shipped("mnasnet_small_tf"), &[]);
    // This network was trained with one more class, for the background.
    let mut network = nets::shipped("efficientnet_es");
    network.head.as_mut().unwrap().classes += 1;
    check_names("tensorflow_efficientnet_es", &network, &[]);
}

#[test]
fn schemes_are_guessed_without_a_network() {
    for (file, scheme) in [
        ("tensorflow_mnasnet_a1", "TensorFlow mnasnet"),
        ("tensorflow_efficientnet_lite0", "TensorFlow efficientnet"),
        ("timm_semnasnet_100", "timm"),
        ("timm_mobilenetv1_100", "timm"),
        ("torchvision_mnasnet1_0", "torchvision mnasnet"),
        ("timm_resnet50", "resnet"),
    ] {
        let bytes = safetensors::write(&listed(file)).unwrap();
        assert_eq!(weights::inventory(&bytes).unwrap().scheme(), Some(scheme), "{file}");
    }
    let ours = safetensors::write(&weights::random(&nets::tiny(), 1)).unwrap();
    assert_eq!(weights::inventory(&ours).unwrap().scheme(), Some("mnas"));
    let other = WeightTensor { shape: vec![1], data: vec![0.0] };
    let other = safetensors::write(&[("encoder.weight".into(), other)].into()).unwrap();
    assert_eq!(weights::inventory(&other).unwrap().scheme(), None);
}

#[test]
fn names_of_other_families() {
    check_names(
        "timm_efficientnet_es",
        &nets::shipped("efficientnet_es"),
        &[
            ("blocks.1.1.expand.weight", "blocks.1.1.conv_exp.weight"),
            ("blocks.1.1.project.bn.bias", "blocks.1.1.bn2.bias"),
        ],
    );
    check_names(
        "timm_resnet50",
        &nets::shipped("resnet50"),
        &[
            ("blocks.1.0.shortcut.weight", "layer1.0.downsample.0.weight"),
            ("blocks.4.2.reduce.weight", "layer4.2.conv1.weight"),
            ("blocks.2.0.conv.bn.weight", "layer2.0.bn2.weight"),
        ],
    );
}

#[test]
fn names_of_transformers() {
    // Their names by hand, sorted as safetensors does.
    let v2 = nets::shipped("mobilenet_v2");
    let theirs = |name: &str| {
        let bare =
            name.replace(".bn.", ".normalization.").replace("depthwise", "conv_3x3").replace("project", "reduce_1x1");
        let bare = bare
            .replace("expand", "expand_1x1")
            .replace("head.conv", "conv_1x1")
            .replace("stem.conv", "conv_stem.first_conv");
        let bare = bare.replace("blocks.0.0.", "conv_stem.");
        if bare.starts_with("classifier") {
            return bare;
        }
        let bare = if bare.contains("normalization") { bare } else { bare.replace(".weight", ".convolution.weight") };
        format!("mobilenet_v2.{bare}")
    };
    let mut layer = 0;
    let mut last = String::new();
    let mut file = Weights::new();
    let ours = weights::random(&v2, 3);
    for parameter in parameters(&v2) {
        let name = &parameter.name;
        let mut renamed = theirs(name);
        if let Some(rest) = name.strip_prefix("blocks.").filter(|rest| !rest.starts_with("0.0.")) {
            let block: String = rest.split('.').take(2).collect::<Vec<_>>().join(".");
            layer += usize::from(!last.is_empty() && last != block);
            renamed = renamed.replace(&format!("blocks.{block}."), &format!("layer.{layer}."));
            last = block;
        }
        file.insert(renamed, ours[name].clone());
    }
    assert!(
        file.contains_key("mobilenet_v2.layer.15.reduce_1x1.normalization.running_var"),
        "{:?}",
        file.keys().last()
    );
    assert!(file.contains_key("mobilenet_v2.conv_stem.conv_3x3.convolution.weight"));
    assert_eq!(load_tensors(&file, &v2), Ok(ours));

    let v1 = nets::shipped("mobilenet_v1");
    let ours = weights::random(&v1, 3);
    let mut file = Weights::new();
    let mut modules: Vec<&str> = Vec::new();
    let all = parameters(&v1);
    for name in all.iter().map(|parameter| parameter.name.as_str()) {
        let (module, leaf) = name.rsplit_once('.').unwrap();
        let conv = module.trim_end_matches(".bn");
        let renamed = if conv == "classifier" {
            name.to_owned()
        } else {
            if !modules.contains(&conv) {
                modules.push(conv);
            }
            let place = match modules.len() {
                1 => "conv_stem".into(),
                count => format!("layer.{}", count - 2),
            };
            let part = if module == conv { "convolution" } else { "normalization" };
            format!("mobilenet_v1.{place}.{part}.{leaf}")
        };
        file.insert(renamed, ours[name].clone());
    }
    assert!(file.contains_key("mobilenet_v1.layer.25.normalization.bias"));
    assert_eq!(load_tensors(&file, &v1), Ok(ours));
}

#[test]
fn a_stage_of_timm_may_be_several_blocks() {
    // The same network, with timm's stage 1 of two repeats written as two blocks.
    let text = "
name: split
input: 32x32x3
batch_norm: {eps: 1e-5}
padding: symmetric
activation: relu
stem: {op: conv, kernel: 3, stride: 2, filters: 8}
blocks:
  - ds_r1_k3_s1_c8
  - ir_r1_k3_s2_e4_c8
  - ir_r1_k3_s1_e3_c8
  - ir_r1_k3_s1_e2_c8
head: {classes: 10}
";
    let network = nets::parse(text);
    let ours = weights::random(&network, 1);
    // timm's names by hand: stage 1 holds our blocks 1 and 2, stage 2 holds our block 3.
    let place = |name: &str| name.replace("blocks.2.0", "blocks.1.1").replace("blocks.3.0", "blocks.2.0");
    let rename = |name: &String| {
        let separable = name.starts_with("blocks.0.");
        let table: &[(&str, &str)] = match separable {
            true => &[("depthwise.bn", "bn1"), ("project.bn", "bn2"), ("depthwise", "conv_dw"), ("project", "conv_pw")],
            false => &[
                ("stem.conv.bn", "bn1"),
                ("stem.conv", "conv_stem"),
                ("expand.bn", "bn1"),
                ("depthwise.bn", "bn2"),
                ("project.bn", "bn3"),
                ("expand", "conv_pw"),
                ("depthwise", "conv_dw"),
                ("project", "conv_pwl"),
            ],
        };
        table.iter().fold(place(name), |name, (our, their)| name.replace(our, their))
    };
    let theirs: Weights = ours.iter().map(|(name, tensor)| (rename(name), tensor.clone())).collect();
    assert!(theirs.contains_key("blocks.1.1.conv_pw.weight") && theirs.contains_key("blocks.2.0.bn3.bias"));
    assert_eq!(load_tensors(&theirs, &network), Ok(ours));
}

#[test]
fn a_data_parallel_prefix_is_taken_off() {
    let network = nets::tiny();
    let ours = weights::random(&network, 1);
    let prefixed = ours.iter().map(|(name, tensor)| (format!("module.{name}"), tensor.clone())).collect();
    assert_eq!(load_tensors(&prefixed, &network), Ok(ours));
}

#[test]
fn a_backbone_leaves_the_head_unused() {
    let mut network = nets::tiny();
    let whole = weights::random(&network, 1);
    network.head = None;
    let backbone = load_tensors(&whole, &network).unwrap();
    assert_eq!(backbone.len(), whole.len() - 7);
    let all = listed("timm_semnasnet_100");
    let mut network = nets::shipped("mnasnet_a1");
    network.head = None;
    assert_eq!(load_tensors(&all, &network).unwrap().len(), all.len() - 7);
}

#[test]
fn everything_that_is_wrong_is_listed() {
    let network = nets::tiny();
    let mut tensors = weights::random(&network, 1);
    let moved = tensors.remove("blocks.1.0.expand.weight").unwrap();
    tensors.insert("blocks.1.0.expnad.weight".into(), moved);
    tensors.remove("classifier.bias");
    tensors.insert("optimizer".into(), WeightTensor { shape: vec![2], data: vec![0.0; 2] });
    tensors.insert("stem.conv.weight".into(), WeightTensor { shape: vec![4, 3, 1, 1], data: vec![0.0; 12] });
    tensors.get_mut("head.conv.weight").unwrap().data[5..8].copy_from_slice(&[f32::NAN, 1.0, f32::INFINITY]);
    tensors.get_mut("head.conv.bn.running_var").unwrap().data[2] = -0.5;
    tensors.insert("head.conv.bn.num_batches_tracked".into(), WeightTensor { shape: vec![], data: vec![3.0] });
    assert_eq!(
        message(&tensors, &network),
        "\
weights of `x.safetensors` (names: mnas) do not fit network `tiny`: 7 problems
  missing: `blocks.1.0.expand.weight` [16, 4, 1, 1]; the file has `blocks.1.0.expnad.weight`
  missing: `classifier.bias` [10]
  extra: `blocks.1.0.expnad.weight` [16, 4, 1, 1]; the network has `blocks.1.0.expand.weight`
  extra: `optimizer` [2]
  wrong shape: `stem.conv.weight` is [4, 3, 1, 1], the network needs [4, 3, 3, 3]
  not finite: `head.conv.weight` has 2 NaN or infinite values, the first at index 5
  negative variance: `head.conv.bn.running_var` at index 2"
    );
}

#[test]
fn errors_speak_the_names_of_the_file() {
    let mut tensors = listed("timm_semnasnet_100");
    tensors.remove("blocks.2.1.se.conv_expand.bias");
    assert_eq!(
        message(&tensors, &nets::shipped("mnasnet_a1")),
        "\
weights of `x.safetensors` (names: timm) do not fit network `mnasnet_a1`: 1 problem
  missing: `blocks.2.1.se.conv_expand.bias` [120]"
    );
}

#[test]
fn files_without_weights_are_refused() {
    let network = nets::tiny();
    let reason = |bytes: &[u8]| load(bytes, "x.bin", &network).map(|_| ()).unwrap_err().to_string();
    let neither = "cannot read weights from `x.bin`: its format is not known; \
                   expected PyTorch, safetensors or TensorFlow checkpoint";
    assert_eq!(reason(b"weights"), neither);
    for (file, what) in [
        (b"".as_slice(), "it is empty"),
        (b"\x89HDF\r\n\x1a\n", "it is an HDF5 file, as Keras writes it; export the model to ONNX"),
        (b"\x1c\0\0\0TFL3", "it is a TensorFlow Lite model, which is not read"),
        (b"\x93NUMPY\x01\0", "it is a single array of NumPy; save the weights as safetensors"),
        (b"\x1f\x8b\x08", "it is packed with gzip; unpack it first"),
        (b"<!DOCTYPE html>", "it is a web page: the download went wrong"),
    ] {
        assert_eq!(reason(file), format!("cannot read weights from `x.bin`: {what}"));
    }
    assert_eq!(
        reason(b"version https://git-lfs.github.com/spec/v1\n"),
        "cannot read weights from `x.bin`: it is a pointer of Git LFS, not the file itself; fetch it with `git lfs pull`"
    );
    assert_eq!(
        reason(include_bytes!("../files/tensorflow/types.ckpt.index")),
        "cannot read weights from `x.bin`: it is the index of a TensorFlow checkpoint, whose values are in further files; \
         expected one file, which `mnasc convert` makes"
    );
    assert_eq!(
        reason(b"PK\x03\x04"),
        "cannot read weights from `x.bin`: its zip archive is damaged: Missing end of central directory"
    );
}
