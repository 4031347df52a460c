//! What several tests share.
#![allow(dead_code, reason = "each test file uses a part")]

use std::path::{Path, PathBuf};

use mnas_dsl::Network;

pub(crate) const SHIPPED: [&str; 16] = [
    "efficientnet_b0",
    "efficientnet_es",
    "efficientnet_lite0",
    "mini_xception",
    "mini_xception_se",
    "mnasnet_a1",
    "mnasnet_b1",
    "mnasnet_d1",
    "mnasnet_d1_tf",
    "mnasnet_small",
    "mnasnet_small_tf",
    "mobilenet_v1",
    "mobilenet_v2",
    "mobilenet_v3_large",
    "mobilenet_v3_small",
    "resnet50",
];

/// The text of a shipped spec.
pub(crate) fn load(name: &str) -> String {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "..", "specs", &format!("{name}.yaml")].iter().collect();
    read(&path)
}

pub(crate) fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub(crate) fn resolve(text: &str) -> Network {
    match mnas_dsl::load_yaml(text, "spec.yaml") {
        Ok((_, network)) => network,
        Err(mistakes) => panic!("{mistakes}"),
    }
}
