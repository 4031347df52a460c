//! Checkpoints as trainers write them: objects beside the weights, several copies, prefixes, whole modules.

use crate::nets;
use crate::pickle::{File, call, dict, global, int, module, object, text, tuple, with_items};
use mnas_codegen::weights::{self, Fitted, WeightTensor, Weights, load_for, pth};
use std::collections::BTreeMap;

fn ours() -> Weights {
    weights::random(&nets::tiny(), 1)
}

fn fitted(bytes: &[u8]) -> Fitted {
    load_for(bytes, "x.pth", &nets::tiny()).unwrap_or_else(|error| panic!("{error}"))
}

fn refused(bytes: &[u8]) -> String {
    load_for(bytes, "x.pth", &nets::tiny()).map(|_| ()).unwrap_err().to_string()
}

/// A state dict whose names begin with `prefix`.
fn state_dict(file: &mut File, weights: &Weights, prefix: &str) -> Vec<u8> {
    let tensor = |(name, tensor): (&String, &WeightTensor)| {
        (format!("{prefix}{name}"), file.tensor(&tensor.shape, &tensor.data))
    };
    let items: Vec<(String, Vec<u8>)> = weights.iter().map(tensor).collect();
    dict(&items)
}

/// What trainers keep beside weights, which only code could make: arguments, metrics, devices, paths.
fn objects() -> Vec<(&'static str, Vec<u8>)> {
    let encoded = call("_codecs", "encode", &[text("\u{1}"), text("latin1")]);
    let dtype =
        [call("numpy", "dtype", &[text("f8"), b"\x89".to_vec(), b"\x88".to_vec()]), tuple(&[int(3)]), b"b".to_vec()];
    let dtype = dtype.concat();
    let array = call(
        "numpy._core.multiarray",
        "_reconstruct",
        &[global("numpy", "ndarray"), tuple(&[int(0)]), encoded.clone()],
    );
    let array =
        [array, tuple(&[int(1), tuple(&[int(1)]), dtype.clone(), b"\x89".to_vec(), encoded.clone()]), b"b".to_vec()]
            .concat();
    vec![
        ("args", object("argparse", "Namespace", &[("lr", b"G\0\0\0\0\0\0\0\0".to_vec()), ("model", text("tiny"))])),
        ("best", call("numpy._core.multiarray", "scalar", &[dtype, encoded])),
        ("history", array),
        ("device", call("torch", "device", &[text("cuda"), int(0)])),
        ("dtype", global("torch", "float16")),
        ("output_dir", call("pathlib", "PosixPath", &[text("/"), text("home")])),
        ("meters", with_items(call("collections", "defaultdict", &[global("builtins", "list")]), &[("loss", int(1))])),
        ("seen", [b"\x8f(".to_vec(), text("a"), b"\x90".to_vec()].concat()),
        ("queue", [call("collections", "deque", &[]), int(1), b"a".to_vec()].concat()),
        ("old_style", [b"(imy.trainer\nConfig\n".to_vec(), dict(&[("epochs", int(3))]), b"b".to_vec()].concat()),
        ("command", call("os", "system", &[text("touch /tmp/mnas-was-here")])),
    ]
}

#[test]
fn other_entries_beside_the_weights_are_ignored() {
    let mut file = File::default();
    let mut items = objects();
    items.push(("state_dict", state_dict(&mut file, &ours(), "")));
    let fitted = fitted(&file.write(&dict(&items)));
    assert_eq!((fitted.weights, fitted.notes), (ours(), vec![]));
    // In the state dict itself it is left out, too.
    let mut file = File::default();
    let mut items: Vec<(String, Vec<u8>)> =
        objects().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    items.extend(ours().iter().map(|(name, tensor)| (name.clone(), file.tensor(&tensor.shape, &tensor.data))));
    assert_eq!(load_for(&file.write(&dict(&items)), "x", &nets::tiny()).unwrap().weights, ours());
}

#[test]
fn a_weight_that_code_would_make_is_an_error() {
    for (value, made_by) in [
        (call("os", "system", &[text("touch /tmp/mnas-was-here")]), "os.system"),
        (call("torch._utils", "_rebuild_qtensor", &[int(1)]), "torch._utils._rebuild_qtensor"),
        (object("numpy", "ndarray", &[]), "numpy.ndarray"),
        (call("torch._utils", "_rebuild_tensor_v2", &[int(1)]), "torch._utils._rebuild_tensor_v2"),
    ] {
        let mut file = File::default();
        let mut ours = ours();
        ours.remove("classifier.bias");
        let mut items: Vec<(String, Vec<u8>)> =
            ours.iter().map(|(name, tensor)| (name.clone(), file.tensor(&tensor.shape, &tensor.data))).collect();
        items.push(("classifier.bias".into(), value));
        assert_eq!(
            refused(&file.write(&dict(&items))),
            format!(
                "weights of `x.pth` (names: mnas) do not fit network `tiny`: 1 problem\n  \
                 no weight: `classifier.bias` would be made by `{made_by}`, and no code is run"
            )
        );
    }
    let nothing = File::default().write(&call("os", "system", &[text("id")]));
    assert_eq!(
        refused(&nothing),
        "cannot read weights from `x.pth`: it has no state dict: no dict of tensors by name, and no module; its pickle \
         makes a `os.system`, and nothing in it is executed"
    );
}

/// A module with the tensors of `weights` below `prefix`, and its children.
fn pickled(file: &mut File, weights: &Weights, prefix: &str) -> Vec<u8> {
    let (mut parameters, mut buffers) = (Vec::new(), Vec::new());
    let mut children: Vec<String> = Vec::new();
    for (name, tensor) in weights {
        let Some(rest) = name.strip_prefix(prefix) else { continue };
        match rest.split_once('.') {
            Some((child, _)) if !children.iter().any(|it| it == child) => children.push(child.to_owned()),
            Some(_) => {}
            None if rest.starts_with("running") => buffers.push((rest, file.tensor(&tensor.shape, &tensor.data))),
            None => {
                let tensor = file.tensor(&tensor.shape, &tensor.data);
                let hooks = call("collections", "OrderedDict", &[]);
                let parameter = call("torch._utils", "_rebuild_parameter", &[tensor, b"\x88".to_vec(), hooks]);
                parameters.push((rest, parameter));
            }
        }
    }
    buffers.push(("num_batches_tracked", file.integers(&[], &[7])));
    parameters.push(("none", b"N".to_vec()));
    let below = |child: &String| (child.clone(), pickled(file, weights, &format!("{prefix}{child}.")));
    let children: Vec<(String, Vec<u8>)> = children.iter().map(below).collect();
    module("Block", dict(&parameters), dict(&buffers), dict(&children))
}

#[test]
fn a_pickled_module_is_read_as_data() {
    let mut file = File::default();
    let module_of_all = pickled(&mut file, &ours(), "");
    assert_eq!(fitted(&file.write(&module_of_all)).weights, ours());
    // In `DataParallel`, beside other things, and in an object that keeps an average.
    let mut file = File::default();
    let net = pickled(&mut file, &ours(), "");
    let parallel = module("DataParallel", dict::<&str>(&[]), dict::<&str>(&[]), dict(&[("module", net)]));
    let root = dict(&[("epoch", int(3)), ("ema", object("timm.utils", "ModelEma", &[("module", parallel)]))]);
    let fitted = fitted(&file.write(&root));
    assert_eq!(fitted.weights, ours());
    assert_eq!(
        fitted.notes,
        ["the averaged weights under `ema.module` are taken", "the prefix `module.` is taken off all names"]
    );
}

#[test]
fn modules_within_themselves_are_refused() {
    // One that is its own child, and sixty in a row that have their child twice.
    let of_itself = b"cmodels\nNet\n)\x81q\0".to_vec();
    let state = dict(&[
        ("_parameters", dict::<&str>(&[])),
        ("_buffers", dict::<&str>(&[])),
        ("_modules", [b"}".to_vec(), text("a"), b"h\0s".to_vec()].concat()),
    ]);
    let bytes = File::default().write(&[of_itself, state, b"b".to_vec()].concat());
    assert!(refused(&bytes).contains("its modules are nested without end"), "{}", refused(&bytes));
    let mut root = module("Leaf", dict::<&str>(&[]), dict::<&str>(&[]), dict::<&str>(&[]));
    for _ in 0..60 {
        let twice = [b"}(".to_vec(), text("a"), b"h\x01".to_vec(), text("b"), b"h\x01u".to_vec()].concat();
        root = [root, b"q\x01".to_vec(), module("Twice", dict::<&str>(&[]), dict::<&str>(&[]), twice)].concat();
    }
    assert!(refused(&File::default().write(&root)).contains("its modules are nested without end"));
}

#[test]
fn the_dict_that_fits_is_taken() {
    let mut zeros = ours();
    zeros.values_mut().for_each(|tensor| tensor.data.fill(0.0));
    let mut file = File::default();
    // A tensor at the top, an optimiser's and a teacher's under the same names as the weights but for shapes.
    let moments: Vec<(String, Vec<u8>)> = ours().keys().map(|name| (name.clone(), file.tensor(&[1], &[0.5]))).collect();
    let root = dict(&[
        ("best_acc1", file.tensor(&[], &[71.5])),
        ("optimizer", dict(&[("state", dict(&moments))])),
        ("teacher", dict(&moments)),
        ("weights", dict(&[("inner", state_dict(&mut file, &ours(), ""))])),
    ]);
    let bytes = file.write(&root);
    assert_eq!((fitted(&bytes).weights, fitted(&bytes).notes), (ours(), vec![]));
    // Without a network the largest is taken, and of the like the one that is called so.
    let mut file = File::default();
    let root = dict(&[
        ("extra", state_dict(&mut file, &zeros, "")),
        ("state_dict", state_dict(&mut file, &ours(), "")),
        ("step", file.tensor(&[1], &[1.0])),
    ]);
    assert_eq!(pth::read(&file.write(&root)), Ok(ours()));
}

#[test]
fn averaged_weights_come_first_and_are_named() {
    let mut raw = ours();
    raw.values_mut().for_each(|tensor| tensor.data.fill(0.25));
    for average in ["state_dict_ema", "model_ema", "ema", "swa_model"] {
        let mut file = File::default();
        let root = dict(&[
            ("state_dict", state_dict(&mut file, &raw, "")),
            (average, state_dict(&mut file, &ours(), "module.")),
            ("n_averaged", file.integers(&[], &[5])),
        ]);
        let fitted = fitted(&file.write(&root));
        assert_eq!(fitted.weights, ours(), "{average}");
        assert_eq!(
            fitted.notes,
            [
                format!("the averaged weights under `{average}` are taken, not those of `state_dict`"),
                "the prefix `module.` is taken off all names".into()
            ]
        );
    }
    // An average without the statistics of batch norms does not fit the network.
    let mut file = File::default();
    let learnt: Weights = ours().into_iter().filter(|(name, _)| !name.contains("running")).collect();
    let root = dict(&[("model", state_dict(&mut file, &raw, "")), ("model_ema", state_dict(&mut file, &learnt, ""))]);
    assert_eq!(fitted(&file.write(&root)).weights, raw);
}

#[test]
fn integers_are_never_weights() {
    for is_weight in [false, true] {
        let mut file = File::default();
        let mut items: Vec<(String, Vec<u8>)> = Vec::new();
        for (name, tensor) in &ours() {
            let is_bias = name == "classifier.bias";
            let integers = is_weight && is_bias;
            let value =
                if integers { file.integers(&[10], &[0; 10]) } else { file.tensor(&tensor.shape, &tensor.data) };
            items.push((name.clone(), value));
        }
        items.push(("position_ids".into(), file.integers(&[2, 2], &[0, 1, 2, 3])));
        let bytes = file.write(&dict(&items));
        if is_weight {
            let error = refused(&bytes);
            assert!(error.ends_with("  no weight: `classifier.bias` has elements of type int64"), "{error}");
        } else {
            assert_eq!(fitted(&bytes).weights, ours());
        }
    }
}

#[test]
fn an_expanded_tensor_is_read() {
    let mut file = File::default();
    let mut root = vec![("one", file.strided(&[2, 3], &[0, 0], &[1.5]))];
    root.push(("rows", file.strided(&[2, 3], &[0, 1], &[1.0, 2.0, 3.0])));
    let tensors = pth::read(&file.write(&dict(&root))).unwrap();
    assert_eq!(tensors["one"].data, [1.5; 6]);
    assert_eq!(tensors["rows"].data, [1.0, 2.0, 3.0, 1.0, 2.0, 3.0]);
    // As many as the file has bytes, and no more.
    let mut file = File::default();
    let root = dict(&[("much", file.strided(&[1 << 20, 1 << 10], &[0, 0], &[1.5]))]);
    let error = pth::read(&file.write(&root)).map(|_| ()).unwrap_err().to_string();
    assert_eq!(error, "tensor `much` has, with the others, more elements than the file has bytes");
}

#[test]
fn any_prefix_is_taken_off_and_named() {
    for prefix in ["module.", "_orig_mod.", "model.", "module._orig_mod.", "model.module.", "student.backbone.net."] {
        let mut file = File::default();
        let root = state_dict(&mut file, &ours(), prefix);
        let fitted = fitted(&file.write(&root));
        assert_eq!(fitted.weights, ours(), "{prefix}");
        assert_eq!(fitted.notes, [format!("the prefix `{prefix}` is taken off all names")]);
        assert_eq!(fitted.sources["classifier.bias"], format!("{prefix}classifier.bias"));
    }
    // What has not the prefix is of something else.
    let mut file = File::default();
    let mut items: Vec<(String, Vec<u8>)> = Vec::new();
    for (name, tensor) in &ours() {
        items.push((format!("model.{name}"), file.tensor(&tensor.shape, &tensor.data)));
    }
    items.push(("criterion.weight".into(), file.tensor(&[10], &[1.0; 10])));
    let fitted = fitted(&file.write(&dict(&items)));
    assert_eq!(fitted.weights, ours());
    assert_eq!(fitted.notes, ["the prefix `model.` is taken off all names, and 1 tensor without it is left out"]);
    // With a scheme of others; errors speak the file's names.
    let theirs = |name: &str| format!("net.{}", name.replace("stem.conv.bn", "bn1").replace("stem.conv", "conv_stem"));
    let mut stem: BTreeMap<String, WeightTensor> = BTreeMap::new();
    for (name, tensor) in ours() {
        stem.insert(theirs(&name), tensor);
    }
    stem.remove("net.classifier.weight");
    let mut file = File::default();
    let root = state_dict(&mut file, &stem, "");
    let error = refused(&file.write(&root));
    assert!(error.contains("missing: `net.classifier.weight` [10, 6]"), "{error}");
}
