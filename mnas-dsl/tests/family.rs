//! The table of networks in the README, and the specs of the family's other widths, both made from the shipped specs.
//!
//! `MNAS_BLESS=1` writes them.

mod common;

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use common::{SHIPPED, load, read, resolve};

/// Spec, width, published top-1, and where each number comes from.
const NETWORKS: [(&str, Option<&str>, &str, &str); 24] = [
    ("mnasnet_a1", Some("0.35"), "64.1", TENSORFLOW),
    ("mnasnet_a1", Some("0.5"), "68.9", TENSORFLOW),
    ("mnasnet_a1", Some("0.75"), "73.3", TENSORFLOW),
    ("mnasnet_a1", None, "75.2", "paper, table 1"),
    ("mnasnet_a1", Some("1.4"), "77.2", TENSORFLOW),
    ("mnasnet_b1", Some("0.5"), "67.7", "torchvision `mnasnet0_5`"),
    ("mnasnet_b1", Some("0.75"), "71.2", "torchvision `mnasnet0_75`"),
    ("mnasnet_b1", None, "73.5", "torchvision `mnasnet1_0`; 74.5 in the paper"),
    ("mnasnet_b1", Some("1.3"), "76.5", "torchvision `mnasnet1_3`"),
    ("mnasnet_b1", Some("1.4"), "-", "timm `mnasnet_140`"),
    ("mnasnet_small", None, "66.2", "timm `mnasnet_small`"),
    ("mnasnet_small_tf", None, "66.0", "paper, table 4"),
    ("mnasnet_d1", None, "-", "counted; TensorFlow's blocks, all widths multiples of 8"),
    ("mnasnet_d1_tf", None, "-", "TensorFlow's code (tpu, mnasnet), run"),
    ("mobilenet_v1", None, "75.4", "timm `mobilenetv1_100`"),
    ("mobilenet_v2", None, "71.9", "torchvision `mobilenet_v2`; 72.2 with its second weights"),
    ("mobilenet_v3_large", None, "74.0", "torchvision `mobilenet_v3_large`; 75.3 with its second weights"),
    ("mobilenet_v3_small", None, "67.7", "torchvision `mobilenet_v3_small`"),
    ("efficientnet_b0", None, "77.7", "torchvision `efficientnet_b0`"),
    ("efficientnet_lite0", None, "75.5", "package efficientnet-lite-pytorch"),
    ("efficientnet_es", None, "-", "timm `efficientnet_es`"),
    ("resnet50", None, "76.1", "torchvision `resnet50`; 80.9 with its second weights"),
    ("mini_xception", None, "-", "Keras, without running statistics; faces, not ImageNet"),
    ("mini_xception_se", None, "-", "counted here; faces, not ImageNet"),
];

const TENSORFLOW: &str = "TensorFlow's repository (tpu, mnasnet)";

const BEGIN: &str = "<!-- The table of networks: written by MNAS_BLESS=1 cargo test -p mnas-dsl --test family. -->\n";
const END: &str = "<!-- The end of the table. -->\n";

#[test]
fn the_readmes_table_is_what_the_specs_cost() {
    let path = root().join("README.md");
    let readme = read(&path);
    let (before, rest) = readme.split_once(BEGIN).unwrap_or_else(|| panic!("the table's beginning is not marked"));
    let (_, after) = rest.split_once(END).unwrap_or_else(|| panic!("the table's end is not marked"));
    check(&path, &format!("{before}{BEGIN}\n{}\n{END}{after}", table()));
}

/// A row for each network, and none is forgotten.
fn table() -> String {
    let mut table = "\
| spec | parameters | multiply-accumulates | top-1, % | source |
|---|--:|--:|--:|---|
"
    .to_owned();
    for (name, width, top_1, source) in NETWORKS {
        let (path, network) = match width {
            None => (format!("specs/{name}.yaml"), resolve(&load(name))),
            Some(width) => (format!("specs/widths/{}.yaml", narrow(name, width)), resolve(&scaled(name, width))),
        };
        let (parameters, macs) = (grouped(network.parameters()), grouped(network.macs()));
        let _ = writeln!(table, "| [`{}`]({path}) | {parameters} | {macs} | {top_1} | {source} |", network.name);
    }
    for name in SHIPPED {
        assert!(NETWORKS.iter().any(|(it, width, ..)| *it == name && width.is_none()), "{name} has no row");
    }
    table
}

#[test]
fn specs_of_other_widths_are_the_networks_scaled() {
    let folder = root().join("specs/widths");
    let mut names = Vec::new();
    for (name, width, ..) in NETWORKS {
        let Some(width) = width else { continue };
        let file = format!("{}.yaml", narrow(name, width));
        check(&folder.join(&file), &scaled(name, width));
        names.push(file);
    }
    let mut found: Vec<String> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    names.sort();
    found.sort();
    assert_eq!(found, names);
}

/// `mnasnet_a1_050`, as libraries number widths.
fn narrow(name: &str, width: &str) -> String {
    let percent = width.parse::<f64>().map_or(0, |width| (width * 100.0).round() as usize);
    format!("{name}_{percent:03}")
}

/// The text of a spec, with another name and a width.
fn scaled(name: &str, width: &str) -> String {
    let narrow = narrow(name, width);
    let text = load(name);
    let (_, body) = text.split_once(&format!("name: {name}\n")).unwrap_or_else(|| panic!("{name} has no name"));
    let base = format!("# {name}.yaml with a width of {width}: filters times that, rounded to multiples of 8.\n");
    format!("{base}name: {narrow}\n{body}scale: {{width: {width}}}\n")
}

fn check(path: &std::path::Path, expected: &str) {
    if std::env::var_os("MNAS_BLESS").is_some() {
        fs::write(path, expected).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
    assert_eq!(read(path), expected, "{} is out of date; MNAS_BLESS=1 writes it", path.display());
}

fn root() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), ".."].iter().collect()
}

/// `3887038` as `3,887,038`.
fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let groups = digits.as_bytes().rchunks(3).rev().map(|group| String::from_utf8_lossy(group).into_owned());
    groups.collect::<Vec<_>>().join(",")
}
