//! The same spec gives the same bytes: 20 processes in two folders, two languages and two time zones, each of which gives
//! hash tables other keys; every shipped spec, for one thread in eight of them, for several in eight, as a formatted file
//! in four, and as ONNX in all. The specs of other widths: for one thread and as ONNX, in two processes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const RUNS: usize = 20;

/// Shipped specs by their paths from the folder of specs, in order.
fn specs_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder of specs").map(|entry| entry.expect("an entry").path());
    let mut specs: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|extension| extension == "yaml")).collect();
    specs.sort();
    specs
}

fn run(folder: &Path, round: usize, what: &str, names: &[String]) -> String {
    let (language, zone) = if round.is_multiple_of(2) { ("C", "UTC") } else { ("de_DE.UTF-8", "Pacific/Kiritimati") };
    let mut command = Command::new(env!("CARGO_BIN_EXE_mnas-hostile"));
    command.args(["bytes", what]).args(names).current_dir(folder);
    command.env("LANG", language).env("LC_ALL", language).env("TZ", zone).env("HOME", folder);
    let output = command.output().expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn every_run_gives_the_same_bytes() {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../specs");
    let folders = ["identical", "identical with spaces/and \u{e9}/below"]
        .map(|name| Path::new(env!("CARGO_TARGET_TMPDIR")).join(name));
    let specs = specs_in(&shipped);
    assert!(specs.len() >= 15, "{} specs", specs.len());
    let name = |path: &PathBuf| path.file_name().expect("a file").to_string_lossy().into_owned();
    let names: Vec<String> = specs.iter().map(name).collect();
    for folder in &folders {
        fs::create_dir_all(folder).expect("a folder to write to");
        for spec in &specs {
            fs::copy(spec, folder.join(name(spec))).expect("a copy");
        }
    }
    let forms = ["alone", "threaded", "alone", "threaded", "text"];
    let mut found: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for round in 0..RUNS {
        let form = forms[round % forms.len()];
        let hashes = run(&folders[round % 2], round / 2, form, &names);
        found.entry(form).or_default().insert(hashes);
    }
    assert!(found.values().all(|hashes| hashes.len() == 1), "{found:#?}");
    // No two networks are the same, nor two forms of one, or a hash would be none; ONNX has no forms.
    let lines: Vec<&str> = found.values().flatten().flat_map(|text| text.lines()).collect();
    let column = |index| lines.iter().filter_map(|line| line.split(' ').nth(index)).collect::<BTreeSet<&str>>().len();
    assert_eq!((column(0), column(1)), (3 * specs.len(), specs.len()), "{lines:#?}");
    // Of other widths, two processes that differ in everything.
    let widths = specs_in(&shipped.join("widths"));
    assert!(widths.len() >= 8, "{} specs", widths.len());
    let names_of_widths: Vec<String> = widths.iter().map(name).collect();
    let [one, other] = [0, 1].map(|round| {
        for spec in &widths {
            fs::copy(spec, folders[round].join(name(spec))).expect("a copy");
        }
        run(&folders[round], round, "alone", &names_of_widths)
    });
    assert_eq!(one, other);
    assert_eq!(one.lines().collect::<BTreeSet<&str>>().len(), widths.len(), "{one}");
    // The control: a spec that differs in one number.
    let changed = fs::read_to_string(&specs[0]).expect("a spec").replacen("stride: 2", "stride: 1", 1);
    fs::write(folders[0].join(&names[0]), changed).expect("a folder to write to");
    let other = run(&folders[0], 0, "alone", &names[..1]);
    assert!(!found["alone"].iter().any(|text| text.starts_with(&other)), "{other}");
}
