//! timm's names: `conv_stem`, `blocks.S.I.conv_pw`, `conv_head`, `classifier`.

use super::{FileTensors, Modules, blocks, rename};
use mnas_dsl::network::{LayerOp, Network};
use std::collections::BTreeSet;

pub(super) fn modules(network: &Network, tensors: &FileTensors) -> Option<Modules> {
    let blocks = blocks(network)?;
    let mut modules = Modules::new();
    rename(&mut modules, "stem", "", &[("conv", "conv_stem"), ("conv.bn", "bn1")]);
    // A stage of timm may hold what a spec writes as several blocks (MobileNetV3 changes the expansion within one).
    // The order is the same, so when the file has as many blocks as the network has layers, they go by position.
    let places = places(tensors);
    for (index, layer) in blocks.iter().enumerate() {
        let table: &[(&str, &str)] = match &layer.op {
            LayerOp::Conv { .. } => &[("conv", "conv"), ("conv.bn", "bn1")],
            LayerOp::SepConv { .. } => &[
                ("depthwise", "conv_dw"),
                ("depthwise.bn", "bn1"),
                ("se.reduce", "se.conv_reduce"),
                ("se.expand", "se.conv_expand"),
                ("project", "conv_pw"),
                ("project.bn", "bn2"),
            ],
            LayerOp::MbConv { .. } => &[
                ("expand", "conv_pw"),
                ("expand.bn", "bn1"),
                ("depthwise", "conv_dw"),
                ("depthwise.bn", "bn2"),
                ("se.reduce", "se.conv_reduce"),
                ("se.expand", "se.conv_expand"),
                ("project", "conv_pwl"),
                ("project.bn", "bn3"),
            ],
            LayerOp::FusedMbConv { .. } => &[
                ("expand", "conv_exp"),
                ("expand.bn", "bn1"),
                ("se.reduce", "se.conv_reduce"),
                ("se.expand", "se.conv_expand"),
                ("project", "conv_pwl"),
                ("project.bn", "bn2"),
            ],
            // timm's ResNet has torchvision's names.
            _ => return None,
        };
        let theirs = match places.get(index) {
            Some((stage, block)) if places.len() == blocks.len() => format!("blocks.{stage}.{block}"),
            _ => layer.name.clone(),
        };
        rename(&mut modules, &layer.name, &theirs, table);
    }
    // What timm calls `conv_head` stands behind the pool in MobileNetV3, and before it elsewhere.
    let has_hidden = network.head.as_ref().is_some_and(|head| head.hidden.is_some());
    let head: &[_] = if has_hidden {
        &[("head.hidden", "conv_head")]
    } else {
        &[("head.conv", "conv_head"), ("head.conv.bn", "bn2")]
    };
    rename(&mut modules, "", "", head);
    rename(&mut modules, "", "", &[("classifier", "classifier")]);
    Some(modules)
}

/// Stage and index of every block that the file has, in order.
fn places(tensors: &FileTensors) -> Vec<(usize, usize)> {
    let place = |name: &String| {
        let mut parts = name.strip_prefix("blocks.")?.split('.');
        Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
    };
    tensors.keys().filter_map(place).collect::<BTreeSet<_>>().into_iter().collect()
}
