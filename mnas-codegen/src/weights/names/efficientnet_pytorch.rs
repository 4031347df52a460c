//! The names of the packages `efficientnet-pytorch` and `efficientnet-lite-pytorch`: `_conv_stem`,
//! `_blocks.N._expand_conv`, `_fc`.

use super::{FileTensors, Modules, blocks, rename};
use mnas_dsl::network::{LayerOp, Network};

pub(super) fn modules(network: &Network, _: &FileTensors) -> Option<Modules> {
    let mut modules = Modules::new();
    rename(&mut modules, "stem", "", &[("conv", "_conv_stem"), ("conv.bn", "_bn0")]);
    for (index, layer) in blocks(network)?.iter().enumerate() {
        // A block without expansion has no `_expand_conv` and no `_bn0`; the others keep their numbers.
        if !matches!(layer.op, LayerOp::SepConv { .. } | LayerOp::MbConv { .. }) {
            return None;
        }
        let table = [
            ("expand", "_expand_conv"),
            ("expand.bn", "_bn0"),
            ("depthwise", "_depthwise_conv"),
            ("depthwise.bn", "_bn1"),
            ("se.reduce", "_se_reduce"),
            ("se.expand", "_se_expand"),
            ("project", "_project_conv"),
            ("project.bn", "_bn2"),
        ];
        rename(&mut modules, &layer.name, &format!("_blocks.{index}"), &table);
    }
    rename(&mut modules, "", "", &[("head.conv", "_conv_head"), ("head.conv.bn", "_bn1"), ("classifier", "_fc")]);
    Some(modules)
}
