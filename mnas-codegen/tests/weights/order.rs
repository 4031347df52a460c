//! Files whose names no scheme has: matched by order and shape, or refused.

use crate::nets;
use crate::pickle::{File, dict};
use mnas_codegen::weights::{self, Fitted, ParameterKind, WeightTensor, Weights, load_for, parameters, safetensors};

/// The modules of `nets::tiny` in the order of the network.
const MODULES: [&str; 14] = [
    "stem.conv",
    "stem.conv.bn",
    "blocks.0.0.depthwise",
    "blocks.0.0.depthwise.bn",
    "blocks.0.0.project",
    "blocks.0.0.project.bn",
    "blocks.1.0.expand",
    "blocks.1.0.expand.bn",
    "blocks.1.0.depthwise",
    "blocks.1.0.depthwise.bn",
    "blocks.1.0.se.reduce",
    "blocks.1.0.se.expand",
    "blocks.1.0.project",
    "blocks.1.0.project.bn",
];

/// As tonylins and d-li14 count modules.
const FLAT: [&str; 14] = [
    "features.0.0",
    "features.0.1",
    "features.1.conv.0",
    "features.1.conv.1",
    "features.1.conv.3",
    "features.1.conv.4",
    "features.2.conv.0",
    "features.2.conv.1",
    "features.2.conv.3",
    "features.2.conv.4",
    "features.2.conv.5.fc.0",
    "features.2.conv.5.fc.2",
    "features.2.conv.7",
    "features.2.conv.8",
];

/// As Keras counts layers.
const KERAS: [&str; 14] = [
    "layer_with_weights-0",
    "layer_with_weights-1",
    "layer_with_weights-2",
    "layer_with_weights-3",
    "layer_with_weights-4",
    "layer_with_weights-5",
    "layer_with_weights-6",
    "layer_with_weights-7",
    "layer_with_weights-8",
    "layer_with_weights-9",
    "layer_with_weights-10",
    "layer_with_weights-11",
    "layer_with_weights-12",
    "layer_with_weights-13",
];

fn ours() -> Weights {
    weights::random(&nets::tiny(), 1)
}

/// The network's tensors in order, their modules under other names, the head's and the classifier's behind them.
fn renamed(modules: [&str; 14], rest: [&str; 3]) -> Vec<(String, WeightTensor, ParameterKind)> {
    let ours = ours();
    let theirs = |name: &str| {
        let (module, leaf) = name.rsplit_once('.').unwrap();
        let tail = ["head.conv", "head.conv.bn", "classifier"].iter().position(|it| *it == module);
        let module = match tail {
            Some(at) => rest[at],
            None => modules[MODULES.iter().position(|it| *it == module).unwrap()],
        };
        format!("{module}.{leaf}")
    };
    let all = parameters(&nets::tiny()).into_iter();
    all.map(|parameter| (theirs(&parameter.name), ours[&parameter.name].clone(), parameter.kind)).collect()
}

fn pth(tensors: &[(String, WeightTensor)]) -> Vec<u8> {
    let mut file = File::default();
    let items: Vec<(&str, Vec<u8>)> =
        tensors.iter().map(|(name, tensor)| (name.as_str(), file.tensor(&tensor.shape, &tensor.data))).collect();
    let root = dict(&items);
    file.write(&root)
}

fn fitted(bytes: &[u8]) -> Fitted {
    load_for(bytes, "x", &nets::tiny()).unwrap_or_else(|error| panic!("{error}"))
}

fn flat() -> Vec<(String, WeightTensor)> {
    let tensors = renamed(FLAT, ["conv.0", "conv.1", "classifier"]).into_iter();
    tensors.map(|(name, tensor, _)| (name, tensor)).collect()
}

#[test]
fn the_order_of_a_file_is_that_of_the_network() {
    let fitted = fitted(&pth(&flat()));
    assert_eq!((fitted.weights, fitted.scheme), (ours(), "order and shape"));
    let note = "no naming scheme fits: tensors are matched by order and shape, `features.0.0.weight` for `stem.conv.weight` first";
    assert_eq!(fitted.notes, [note]);
    assert_eq!(fitted.sources["blocks.1.0.se.expand.bias"], "features.2.conv.5.fc.2.bias");
}

#[test]
fn numbers_in_names_are_an_order_too() {
    // Safetensors sorts names as letters, 10 before 2.
    let tensors: Weights =
        renamed(KERAS.map(|name| name), ["layer_with_weights-14", "layer_with_weights-15", "layer_with_weights-16"])
            .into_iter()
            .map(|(name, tensor, _)| (name, tensor))
            .collect();
    let fitted = fitted(&safetensors::write(&tensors).unwrap());
    assert_eq!(fitted.weights, ours());
}

/// Values with their axes moved, by plain loops.
fn moved(tensor: &WeightTensor, order: &[usize]) -> WeightTensor {
    let shape: Vec<usize> = order.iter().map(|&axis| tensor.shape[axis]).collect();
    let mut data = Vec::new();
    for index in 0..tensor.data.len() {
        let mut place = vec![0; order.len()];
        let mut rest = index;
        for axis in (0..order.len()).rev() {
            place[order[axis]] = rest % shape[axis];
            rest /= shape[axis];
        }
        data.push(tensor.data[place.iter().zip(&tensor.shape).fold(0, |at, (i, size)| at * size + i)]);
    }
    WeightTensor { shape, data }
}

#[test]
fn keras_and_paddle_lay_axes_out_otherwise() {
    let keras = renamed(KERAS, ["layer_with_weights-14", "layer_with_weights-15", "layer_with_weights-16"]);
    let keras: Vec<(String, WeightTensor)> = keras
        .into_iter()
        .map(|(name, tensor, kind)| {
            let module = name.rsplit_once('.').unwrap().0;
            let is_depthwise = ["layer_with_weights-2", "layer_with_weights-8"].contains(&module);
            let (leaf, tensor) = match kind {
                ParameterKind::ConvWeight if is_depthwise => ("depthwise_kernel", moved(&tensor, &[2, 3, 0, 1])),
                ParameterKind::ConvWeight => ("kernel", moved(&tensor, &[2, 3, 1, 0])),
                ParameterKind::LinearWeight => ("kernel", moved(&tensor, &[1, 0])),
                ParameterKind::Bias => ("bias", tensor),
                ParameterKind::BnWeight => ("gamma", tensor),
                ParameterKind::BnBias => ("beta", tensor),
                ParameterKind::BnMean => ("moving_mean", tensor),
                ParameterKind::BnVar => ("moving_variance", tensor),
            };
            (format!("{module}/{leaf}/.ATTRIBUTES/VARIABLE_VALUE"), tensor)
        })
        .collect();
    assert_eq!(fitted(&pth(&keras)).weights, ours());
    let paddle: Vec<(String, WeightTensor)> = renamed(FLAT, ["conv.0", "conv.1", "fc"])
        .into_iter()
        .map(|(name, tensor, kind)| match kind {
            ParameterKind::LinearWeight => (name, moved(&tensor, &[1, 0])),
            ParameterKind::BnMean => (name.replace("running_mean", "_mean"), tensor),
            ParameterKind::BnVar => (name.replace("running_var", "_variance"), tensor),
            _ => (name, tensor),
        })
        .collect();
    assert_eq!(fitted(&pth(&paddle)).weights, ours());
}

#[test]
fn tensors_in_another_order_are_refused() {
    let refused = |tensors: &[(String, WeightTensor)]| load_for(&pth(tensors), "x", &nets::tiny()).is_err();
    assert!(!refused(&flat()));
    let mut swapped = flat();
    let at = |tensors: &[(String, WeightTensor)], name: &str| tensors.iter().position(|(it, _)| it == name).unwrap();
    // Two modules that have changed places, in the file and by number.
    let (a, b) = (at(&swapped, "features.1.conv.0.weight"), at(&swapped, "features.1.conv.3.weight"));
    let (one, other) = (swapped[a].1.clone(), swapped[b].1.clone());
    (swapped[a].1, swapped[b].1) = (other, one);
    assert!(refused(&swapped));
    let mut shorter = flat();
    shorter.remove(b);
    assert!(refused(&shorter));
    let mut longer = flat();
    longer.push(("features.9.weight".into(), WeightTensor { shape: vec![4], data: vec![0.0; 4] }));
    assert!(refused(&longer));
    // A name that does not say what the tensor is to its module.
    let mut unnamed = flat();
    let b = at(&unnamed, "features.1.conv.1.bias");
    unnamed[b].0 = "features.1.conv.1.second".into();
    assert!(refused(&unnamed));
}
