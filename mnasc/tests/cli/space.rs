//! `space`: sizes, samples, membership.

use crate::folder::Folder;
use std::path::{Path, PathBuf};

/// A space of 24 members with a limit.
pub(crate) const SPACE: &str = "\
name: small
input: 8x8x1
stem: {op: conv, kernel: 3, filters: {choose: [8, 16]}}
blocks:
  - {op: {choose: [sepconv, mbconv e3]}, kernel: 3, stride: 2, filters: {choose: {base: 16, times: [0.5, 1]}}, layers: {choose: [1, 2, 3]}}
head: {classes: 10}
limits: {parameters: 4000}
";

fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../specs").join(name)
}

#[test]
fn a_space_is_described_by_its_own_numbers() {
    let folder = Folder::new("space");
    folder.write("space.yaml", SPACE);
    let said = folder.mnasc(&["space", "space.yaml"]).done().out;
    for words in
        ["filters  8, 16", "op       sepconv, mbconv e3", "12 * 2 = 24", "4^2*3 * 2 = 96", "at most 4000 parameters"]
    {
        assert!(said.contains(words), "not said: {words}\n{said}");
    }
    let json = folder.mnasc(&["space", "space.yaml", "--json"]).done().json();
    assert_eq!(json["factorised"], 24.0);
    assert_eq!(json["choices"][1]["path"], "blocks.0.op");
    folder.write("bad.yaml", SPACE.replace("[8, 16]", "[8, x]"));
    folder.mnasc(&["space", "bad.yaml"]).failed(2, &["bad.yaml:3:", "a whole number"]);
    folder
        .mnasc(&["check", "space.yaml"])
        .failed(2, &["space.yaml:1:", "this is a search space, not a network", "has 4 choices", "`mnasc search`"]);
    folder.write("soon.yaml", format!("{SPACE}search: {{data: digits, target: soon}}\n"));
    folder.mnasc(&["space", "soon.yaml"]).failed(2, &["`soon.yaml` is `soon`", "25ms"]);
}

#[test]
fn samples_are_specs_within_the_limits_and_equal_for_equal_seeds() {
    let folder = Folder::new("sample");
    folder.write("space.yaml", SPACE);
    folder.mnasc(&["space", "space.yaml", "--sample", "6", "--seed", "3", "--to", "drawn"]).done();
    for number in 0..6 {
        let spec = format!("drawn/small_{number}.yaml");
        let summary = folder.mnasc(&["summary", &spec, "--json"]).done().json();
        assert!(summary["parameters"].as_u64().unwrap() <= 4000, "{summary}");
        folder.mnasc(&["space", "space.yaml", "--contains", &spec]).done();
    }
    let again = |seed| folder.mnasc(&["space", "space.yaml", "--sample", "6", "--seed", seed]).done().out;
    assert_eq!(again("3"), again("3"));
    assert_ne!(again("3"), again("4"));
    folder.write("tight.yaml", SPACE.replace("4000", "10"));
    folder.mnasc(&["space", "tight.yaml", "--sample", "1"]).failed(2, &["all exceed the limits"]);
}

#[test]
fn arena_and_weights_have_limits_too() {
    let folder = Folder::new("limits");
    let whole = |limits: &str| SPACE.replace("{parameters: 4000}", limits);
    for (limits, key) in [("{arena_bytes: 7000}", "arena_bytes"), ("{weight_bytes: 9000}", "weight_bytes")] {
        folder.write("space.yaml", whole(limits));
        folder.mnasc(&["space", "space.yaml", "--sample", "8", "--to", "drawn"]).done();
        let most: u64 = limits.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap();
        for number in 0..8 {
            let summary = folder.mnasc(&["summary", &format!("drawn/small_{number}.yaml"), "--json"]).done().json();
            assert!(summary[key].as_u64().unwrap() <= most, "{summary}");
        }
        // Without the limit some of the same samples exceed it.
        folder.write("free.yaml", whole("{parameters: 1000000}"));
        folder.mnasc(&["space", "free.yaml", "--sample", "8", "--to", "free"]).done();
        let mut over = 0;
        for spec in (0..8).map(|number| format!("free/small_{number}.yaml")) {
            let summary = folder.mnasc(&["summary", &spec, "--json"]).done().json();
            let said = folder.mnasc(&["space", "space.yaml", "--contains", &spec]);
            if summary[key].as_u64().unwrap() > most {
                over += 1;
                said.failed(1, &[&spec, "exceeds its limits"]);
            } else {
                said.done();
            }
        }
        assert!(over > 0, "{key} limits nothing");
    }
}

#[test]
fn members_are_recognised_and_the_first_other_block_is_named() {
    let folder = Folder::new("member");
    let space = shipped("spaces/mnasnet.yaml");
    let space = space.to_str().unwrap();
    let said = folder.mnasc(&["space", space, "--contains", shipped("mnasnet_b1.yaml").to_str().unwrap()]).done().out;
    assert!(said.starts_with("member ") && said.contains("blocks.5.filters: 192"), "{said}");
    assert!(said.contains("its padding differs from the space's"), "{said}");
    let wide = std::fs::read_to_string(shipped("mnasnet_a1.yaml")).unwrap().replace("filters: 112", "filters: 128");
    folder.write("wide.yaml", wide);
    let said = folder.mnasc(&["space", space, "--contains", "wide.yaml"]);
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("blocks.4: filters 128, in the space"), "{}", said.err);
}

#[test]
fn shipped_spaces_offer_what_they_say() {
    let folder = Folder::new("shipped");
    for (name, inside) in [
        ("digits", &|sample: &serde_json::Value| (7000..=27_000).contains(&sample["parameters"].as_u64().unwrap())),
        ("fashion", &|sample: &serde_json::Value| sample["macs"].as_u64().unwrap() <= 500_000),
    ] as [(&str, &dyn Fn(&serde_json::Value) -> bool); 2]
    {
        let space = shipped(&format!("spaces/{name}.yaml"));
        let json = folder.mnasc(&["space", space.to_str().unwrap(), "--sample", "100", "--json"]).done().json();
        for sample in json["members"].as_array().unwrap() {
            assert!(inside(sample), "{name}: {sample}");
        }
    }
}
