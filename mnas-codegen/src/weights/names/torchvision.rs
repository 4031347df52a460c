//! torchvision's names, which count the modules of a `Sequential`.

use super::{FileTensors, Modules, blocks, rename};
use mnas_dsl::network::{Layer, LayerOp, Network};

/// `MNASNet`: `layers.0` and `layers.1` are the stem, 3 to 7 the separable convolution, then a stack each block.
pub(super) fn mnasnet(network: &Network, _: &FileTensors) -> Option<Modules> {
    let blocks = blocks(network)?;
    let (separable, rest) = blocks.split_first()?;
    if !matches!(separable.op, LayerOp::SepConv { se: None, .. }) {
        return None;
    }
    let mut modules = Modules::new();
    rename(&mut modules, "stem", "layers", &[("conv", "0"), ("conv.bn", "1")]);
    let table = [("depthwise", "3"), ("depthwise.bn", "4"), ("project", "6"), ("project.bn", "7")];
    rename(&mut modules, &separable.name, "layers", &table);
    let mut head = 8;
    for layer in rest {
        if !matches!(layer.op, LayerOp::MbConv { se: None, .. }) {
            return None;
        }
        let mut place = layer.name.strip_prefix("blocks.")?.split('.');
        let stack = place.next()?.parse::<usize>().ok()?.checked_add(7)?;
        let theirs = format!("layers.{stack}.{}.layers", place.next()?);
        let table = [
            ("expand", "0"),
            ("expand.bn", "1"),
            ("depthwise", "3"),
            ("depthwise.bn", "4"),
            ("project", "6"),
            ("project.bn", "7"),
        ];
        rename(&mut modules, &layer.name, &theirs, &table);
        head = stack + 1;
    }
    let (conv, bn) = (format!("layers.{head}"), format!("layers.{}", head + 1));
    rename(&mut modules, "", "", &[("head.conv", &conv), ("head.conv.bn", &bn), ("classifier", "classifier.1")]);
    Some(modules)
}

/// `MobileNetV2`: `features.0` is the stem, `features.N` the N-th layer, the last one the head's convolution.
pub(super) fn mobilenet_v2(network: &Network, _: &FileTensors) -> Option<Modules> {
    let blocks = blocks(network)?;
    let mut modules = Modules::new();
    rename(&mut modules, "stem", "features.0", &[("conv", "0"), ("conv.bn", "1")]);
    for (index, layer) in blocks.iter().enumerate() {
        let table: &[(&str, &str)] = match &layer.op {
            LayerOp::SepConv { se: None, .. } => {
                &[("depthwise", "0.0"), ("depthwise.bn", "0.1"), ("project", "1"), ("project.bn", "2")]
            }
            LayerOp::MbConv { se: None, .. } => &[
                ("expand", "0.0"),
                ("expand.bn", "0.1"),
                ("depthwise", "1.0"),
                ("depthwise.bn", "1.1"),
                ("project", "2"),
                ("project.bn", "3"),
            ],
            _ => return None,
        };
        rename(&mut modules, &layer.name, &format!("features.{}.conv", index + 1), table);
    }
    let head = format!("features.{}", blocks.len() + 1);
    rename(&mut modules, "head", &head, &[("conv", "0"), ("conv.bn", "1")]);
    rename(&mut modules, "", "", &[("classifier", "classifier.1")]);
    Some(modules)
}

/// `MobileNetV3`: `features.0` is the stem, `features.N` the N-th layer, convolutions among them.
pub(super) fn mobilenet_v3(network: &Network, _: &FileTensors) -> Option<Modules> {
    let blocks = blocks(network)?;
    let mut modules = Modules::new();
    rename(&mut modules, "stem", "features.0", &[("conv", "0"), ("conv.bn", "1")]);
    for (index, layer) in blocks.iter().enumerate() {
        inverted_residual(&mut modules, layer, &format!("features.{}", index + 1))?;
    }
    rename(&mut modules, "head", &format!("features.{}", blocks.len() + 1), &[("conv", "0"), ("conv.bn", "1")]);
    rename(&mut modules, "", "", &[("head.hidden", "classifier.0"), ("classifier", "classifier.3")]);
    Some(modules)
}

/// `EfficientNet`: `features.0` is the stem, `features.B.R` a layer, the last of `features` the head's convolution.
pub(super) fn efficientnet(network: &Network, _: &FileTensors) -> Option<Modules> {
    let mut modules = Modules::new();
    rename(&mut modules, "stem", "features.0", &[("conv", "0"), ("conv.bn", "1")]);
    let mut head = 1;
    for layer in blocks(network)? {
        let (block, repeat) = layer.name.strip_prefix("blocks.")?.split_once('.')?;
        let stage = block.parse::<usize>().ok()?.checked_add(1)?;
        inverted_residual(&mut modules, layer, &format!("features.{stage}.{repeat}"))?;
        head = stage + 1;
    }
    rename(&mut modules, "head", &format!("features.{head}"), &[("conv", "0"), ("conv.bn", "1")]);
    rename(&mut modules, "", "", &[("classifier", "classifier.1")]);
    Some(modules)
}

/// A layer whose parts are counted under `block`, squeeze-excite among them; of a convolution, the two modules.
fn inverted_residual(modules: &mut Modules, layer: &Layer, theirs: &str) -> Option<()> {
    let (parts, se): (&[&str], _) = match &layer.op {
        LayerOp::Conv { .. } => {
            rename(modules, &layer.name, theirs, &[("conv", "0"), ("conv.bn", "1")]);
            return Some(());
        }
        LayerOp::SepConv { se, .. } => (&["depthwise", "project"], se),
        LayerOp::MbConv { se, .. } => (&["expand", "depthwise", "project"], se),
        LayerOp::FusedMbConv { se, .. } => (&["expand", "project"], se),
        _ => return None,
    };
    let mut place = 0;
    for part in parts {
        if let (&"project", Some(_)) = (part, se) {
            let (reduce, expand) = (format!("block.{place}.fc1"), format!("block.{place}.fc2"));
            rename(modules, &layer.name, theirs, &[("se.reduce", &reduce), ("se.expand", &expand)]);
            place += 1;
        }
        let (conv, bn) = (format!("block.{place}.0"), format!("block.{place}.1"));
        rename(modules, &layer.name, theirs, &[(part, &conv), (&format!("{part}.bn"), &bn)]);
        place += 1;
    }
    Some(())
}
