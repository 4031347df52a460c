//! `check`, `summary`, `--help`.

use crate::folder::{Folder, TINY};

#[test]
fn check_names_good_specs_and_shows_every_mistake_of_bad_ones() {
    let folder = Folder::new("check");
    folder.mnasc(&["check", "tiny.yaml"]).done();
    folder.write("bad.yaml", TINY.replace("kernel: 5", "kernel: 4").replace("filters: 32", "filter: 32"));
    let said = folder.mnasc(&["check", "bad.yaml", "tiny.yaml", "none.yaml"]);
    assert_eq!(said.code, Some(3), "the gravest error decides");
    assert!(said.out.starts_with("ok tiny.yaml: tiny, 4 layers, 6316 parameters"), "{}", said.out);
    for words in ["bad.yaml:9:", "bad.yaml:10:", "^", "cannot read `none.yaml`"] {
        assert!(said.err.contains(words), "not said: {words}\n{}", said.err);
    }
    assert_eq!(folder.mnasc(&["check", "bad.yaml", "tiny.yaml"]).code, Some(2));
}

#[test]
fn colours_are_for_terminals() {
    let folder = Folder::new("colours");
    folder.write("bad.yaml", "name: 3");
    let said = folder.mnasc(&["check", "tiny.yaml", "bad.yaml"]);
    assert!(!said.out.contains('\x1b') && !said.err.contains('\x1b'), "{said:?}");
}

#[test]
fn a_summary_has_a_row_for_each_layer_and_totals() {
    let folder = Folder::new("summary");
    let table = folder.mnasc(&["summary", "tiny.yaml"]).done().out;
    assert!(table.contains("blocks.2.0/depthwise  depthwise 5x5 relu"), "{table}");
    assert!(table.contains("arena: "), "{table}");

    let summary = folder.mnasc(&["summary", "tiny.yaml", "--json"]).done().json();
    assert_eq!(summary["name"], "tiny");
    assert_eq!(summary["parameters"], 6316);
    assert_eq!(summary["macs"], 473_600);
    let layers = summary["layers"].as_array().unwrap();
    let total = |key: &str| layers.iter().map(|layer| layer[key].as_u64().unwrap()).sum::<u64>();
    for key in ["parameters", "macs", "weight_bytes"] {
        assert_eq!(summary[key], total(key), "{key}");
    }
    assert_eq!(layers[0]["output"], serde_json::json!([16, 16, 8]));
    // At least the largest feature map, the expansion of block 1, is not kept whole; the input of 12 kB is.
    assert!(summary["arena_bytes"].as_u64().unwrap() >= 32 * 32 * 3 * 4);
}

#[test]
fn every_command_has_help_with_examples() {
    let folder = Folder::new("help");
    let help = folder.mnasc(&["--help"]).done().out;
    let listed =
        help.split("Commands:\n").nth(1).and_then(|rest| rest.split("\n\n").next()).expect("a list of commands");
    let names: Vec<&str> = listed.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next()).collect();
    let names: Vec<&str> = names.into_iter().filter(|name| !name.is_empty() && *name != "help").collect();
    assert!(names.len() >= 15 && ["check", "search", "train"].iter().all(|name| names.contains(name)), "{names:?}");
    for command in [vec!["--help"]].into_iter().chain(names.into_iter().map(|name| vec![name, "--help"])) {
        let said = folder.mnasc(&command).done();
        assert!(said.out.contains("Examples:\n  mnasc "), "{command:?}: {}", said.out);
    }
    folder.mnasc(&["--version"]).done();
}
