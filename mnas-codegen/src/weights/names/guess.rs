//! Which scheme a file's names look like, when there is no network to hold them against.

/// A scheme and the test whether a name is of it.
type Sign = (&'static str, fn(&str) -> bool);

/// Schemes, and how names look that only they have: first those that say most.
const SIGNS: [Sign; 14] = [
    ("mnas", |name| name == "stem.conv.weight"),
    ("timm", |name| name == "conv_stem.weight"),
    ("efficientnet-pytorch", |name| name == "_conv_stem.weight"),
    ("TensorFlow mnasnet", |name| has_parts(name, |scope, part| scope == "mnas_stem" && part.starts_with("conv2d"))),
    ("TensorFlow efficientnet", |name| has_parts(name, |scope, part| scope == "stem" && part.starts_with("conv2d"))),
    ("TF-Slim mobilenet", |name| name.ends_with("/expanded_conv/depthwise/depthwise_weights")),
    ("TF-Slim mobilenet_v1", |name| name.ends_with("/Conv2d_1_depthwise/depthwise_weights")),
    ("torchvision mnasnet", |name| name == "layers.8.0.layers.0.weight"),
    ("torchvision mobilenet_v2", |name| name == "features.1.conv.0.0.weight"),
    ("torchvision mobilenet_v3", |name| name == "features.1.block.0.0.weight"),
    ("torchvision efficientnet", |name| name == "features.1.0.block.0.0.weight"),
    ("transformers mobilenet_v1", |name| name.ends_with("conv_stem.convolution.weight")),
    ("transformers mobilenet_v2", |name| name.ends_with("conv_stem.first_conv.convolution.weight")),
    ("resnet", |name| name == "layer1.0.conv1.weight"),
];

/// The first scheme that one of `names` is a sign of.
pub(in crate::weights) fn guess<'a>(names: impl Iterator<Item = &'a str> + Clone) -> Option<&'static str> {
    SIGNS.iter().find(|(_, sign)| names.clone().any(|name| sign(bare(name)))).map(|(scheme, _)| *scheme)
}

/// A name without what frameworks and trainers put before all of them.
fn bare(name: &str) -> &str {
    let wrappers = ["module.", "_orig_mod.", "model.", "net.", "backbone."];
    let mut bare = name;
    while let Some(rest) = wrappers.iter().find_map(|wrapper| bare.strip_prefix(wrapper)) {
        bare = rest;
    }
    bare
}

/// Whether a part of a path and the part after it are as `test` wants them.
fn has_parts(name: &str, test: fn(&str, &str) -> bool) -> bool {
    name.split('/').zip(name.split('/').skip(1)).any(|(scope, part)| test(scope, part))
}
