//! ResNet's names, which torchvision and timm share: `conv1`, `layer1.0.conv1`, `layer1.0.downsample.0`, `fc`.

use super::{FileTensors, Modules, blocks, rename};
use mnas_dsl::network::{LayerOp, Network};

pub(super) fn modules(network: &Network, _: &FileTensors) -> Option<Modules> {
    let mut modules = Modules::new();
    rename(&mut modules, "stem", "", &[("conv", "conv1"), ("conv.bn", "bn1")]);
    // Stages are counted from 1; the pool before them is not a stage.
    let mut stage = 0;
    for layer in blocks(network)? {
        match layer.op {
            LayerOp::MaxPool => continue,
            LayerOp::Bottleneck { .. } => {}
            _ => return None,
        }
        let (_, repeat) = layer.name.strip_prefix("blocks.")?.split_once('.')?;
        stage += usize::from(repeat == "0");
        let table = [
            ("reduce", "conv1"),
            ("reduce.bn", "bn1"),
            ("conv", "conv2"),
            ("conv.bn", "bn2"),
            ("project", "conv3"),
            ("project.bn", "bn3"),
            ("shortcut", "downsample.0"),
            ("shortcut.bn", "downsample.1"),
        ];
        rename(&mut modules, &layer.name, &format!("layer{stage}.{repeat}"), &table);
    }
    rename(&mut modules, "", "", &[("classifier", "fc")]);
    Some(modules)
}
