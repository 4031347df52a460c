//! The names of the package `transformers`: `mobilenet_v2.layer.3.expand_1x1.convolution`, `mobilenet_v1.layer.3`.

use super::{FileTensors, Modules, blocks};
use mnas_dsl::network::{LayerOp, Network};

/// `MobileNetV2`: the stem holds the first separable convolution, `layer.N` the inverted residual behind it.
pub(super) fn mobilenet_v2(network: &Network, tensors: &FileTensors) -> Option<Modules> {
    let (separable, rest) = blocks(network)?.split_first()?;
    if !matches!(separable.op, LayerOp::SepConv { se: None, .. }) {
        return None;
    }
    let mut names = Names { modules: Modules::new(), root: root(tensors, "mobilenet_v2.") };
    names.conv("stem.conv", "conv_stem.first_conv");
    names.conv(&format!("{}.depthwise", separable.name), "conv_stem.conv_3x3");
    names.conv(&format!("{}.project", separable.name), "conv_stem.reduce_1x1");
    for (index, layer) in rest.iter().enumerate() {
        if !matches!(layer.op, LayerOp::MbConv { se: None, .. }) {
            return None;
        }
        for (ours, theirs) in [("expand", "expand_1x1"), ("depthwise", "conv_3x3"), ("project", "reduce_1x1")] {
            names.conv(&format!("{}.{ours}", layer.name), &format!("layer.{index}.{theirs}"));
        }
    }
    names.conv("head.conv", "conv_1x1");
    Some(names.classified())
}

/// `MobileNetV1`: depthwise and pointwise convolutions are counted together.
pub(super) fn mobilenet_v1(network: &Network, tensors: &FileTensors) -> Option<Modules> {
    let mut names = Names { modules: Modules::new(), root: root(tensors, "mobilenet_v1.") };
    names.conv("stem.conv", "conv_stem");
    for (index, layer) in blocks(network)?.iter().enumerate() {
        if !matches!(layer.op, LayerOp::SepConv { se: None, .. }) {
            return None;
        }
        names.conv(&format!("{}.depthwise", layer.name), &format!("layer.{}", 2 * index));
        names.conv(&format!("{}.project", layer.name), &format!("layer.{}", 2 * index + 1));
    }
    Some(names.classified())
}

struct Names {
    modules: Modules,
    root: &'static str,
}

impl Names {
    /// A convolution and its batch norm.
    fn conv(&mut self, ours: &str, theirs: &str) {
        self.modules.insert(ours.to_owned(), format!("{}{theirs}.convolution", self.root));
        self.modules.insert(format!("{ours}.bn"), format!("{}{theirs}.normalization", self.root));
    }

    fn classified(mut self) -> Modules {
        self.modules.insert("classifier".into(), "classifier".into());
        self.modules
    }
}

/// What stands before the names of all but the classifier; a model without one has nothing there.
fn root(tensors: &FileTensors, root: &'static str) -> &'static str {
    if tensors.keys().any(|name| name.starts_with(root)) { root } else { "" }
}
