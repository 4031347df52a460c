//! The names of TF-Slim's MobileNets: `MobilenetV2/expanded_conv_3/depthwise/depthwise_weights`.

use super::{FileTensors, Modules, blocks};
use mnas_dsl::network::{LayerOp, Network};

/// `MobilenetV2` and `MobilenetV3`: layers and single convolutions are counted apart, the first of each without a number.
pub(super) fn expanded_conv(network: &Network, tensors: &FileTensors) -> Option<Modules> {
    let root = root(tensors, "/expanded_conv/")?;
    let mut names = Slim { modules: Modules::new(), root };
    names.conv("stem.conv", "Conv");
    let (mut convs, mut layers) = (1, 0);
    let next = |count: &mut usize, base: &str| {
        *count += 1;
        if *count == 1 { base.to_owned() } else { format!("{base}_{}", *count - 1) }
    };
    for layer in blocks(network)? {
        let parts: &[&str] = match &layer.op {
            LayerOp::Conv { .. } => {
                names.conv(&format!("{}.conv", layer.name), &next(&mut convs, "Conv"));
                continue;
            }
            LayerOp::SepConv { .. } => &["depthwise", "project"],
            LayerOp::MbConv { .. } => &["expand", "depthwise", "project"],
            _ => return None,
        };
        let theirs = next(&mut layers, "expanded_conv");
        for part in parts {
            names.conv(&format!("{}.{part}", layer.name), &format!("{theirs}/{part}"));
        }
        names.module(&format!("{}.se.reduce", layer.name), &format!("{theirs}/squeeze_excite/Conv"));
        names.module(&format!("{}.se.expand", layer.name), &format!("{theirs}/squeeze_excite/Conv_1"));
    }
    let head = network.head.as_ref();
    if head.is_none_or(|head| head.conv.is_some()) {
        names.conv("head.conv", &next(&mut convs, "Conv"));
    }
    if head.is_none_or(|head| head.hidden.is_some()) {
        names.module("head.hidden", &next(&mut convs, "Conv"));
    }
    names.module("classifier", "Logits/Conv2d_1c_1x1");
    Some(names.modules)
}

/// `MobilenetV1`: `Conv2d_0` is the stem, `Conv2d_N_depthwise` and `Conv2d_N_pointwise` the N-th layer.
pub(super) fn mobilenet_v1(network: &Network, tensors: &FileTensors) -> Option<Modules> {
    let root = root(tensors, "/Conv2d_0/")?;
    let mut names = Slim { modules: Modules::new(), root };
    names.conv("stem.conv", "Conv2d_0");
    for (index, layer) in blocks(network)?.iter().enumerate() {
        if !matches!(layer.op, LayerOp::SepConv { se: None, .. }) {
            return None;
        }
        names.conv(&format!("{}.depthwise", layer.name), &format!("Conv2d_{}_depthwise", index + 1));
        names.conv(&format!("{}.project", layer.name), &format!("Conv2d_{}_pointwise", index + 1));
    }
    names.module("classifier", "Logits/Conv2d_1c_1x1");
    Some(names.modules)
}

struct Slim<'a> {
    modules: Modules,
    /// What stands before all names: `MobilenetV2`.
    root: &'a str,
}

impl Slim<'_> {
    fn module(&mut self, ours: &str, theirs: &str) {
        self.modules.insert(ours.to_owned(), format!("{}/{theirs}", self.root));
    }

    /// A convolution and its batch norm.
    fn conv(&mut self, ours: &str, theirs: &str) {
        self.module(ours, theirs);
        self.module(&format!("{ours}.bn"), &format!("{theirs}/BatchNorm"));
    }
}

/// What stands before `part` in the first name that has it.
fn root<'a>(tensors: &'a FileTensors, part: &str) -> Option<&'a str> {
    tensors.keys().find_map(|name| name.split_once(part)).map(|(root, _)| root)
}
