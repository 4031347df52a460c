//! The same spec gives the same bytes: 20 processes in two folders, two languages and two time zones, each of which gives
//! hash tables other keys; every shipped spec, those of other widths too, for one thread in eight of them, for several in
//! eight, as a formatted file in four, and as ONNX in all.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

const RUNS: usize = 20;

/// Processes at once.
const WORKERS: usize = 2;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Shipped specs by their paths from the folder of specs, in order.
fn shipped() -> Vec<String> {
    let of = |folder: &str| -> Vec<String> {
        let entries = fs::read_dir(root().join("specs").join(folder)).expect("a folder of specs");
        let names = entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
        let mut names: Vec<String> = names.filter(|name| name.ends_with(".yaml")).collect();
        names.sort();
        names.iter().map(|name| format!("{folder}{name}")).collect()
    };
    [of(""), of("widths/")].concat()
}

/// Two folders with these specs, one with a name that is hard to type.
fn folders(test: &str, names: &[String]) -> [PathBuf; 2] {
    ["identical", "identical with spaces/and \u{e9}/below"].map(|name| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test).join(name);
        fs::create_dir_all(folder.join("widths")).expect("a folder to write to");
        for name in names {
            fs::copy(root().join("specs").join(name), folder.join(name)).expect("a copy");
        }
        folder
    })
}

/// What is said of specs in round `round`: four that follow each other differ in folder, language and time zone.
fn run(folders: &[PathBuf; 2], round: usize, form: &str, names: &[String]) -> String {
    let folder = &folders[round % 2];
    let (language, zone) =
        if (round / 2).is_multiple_of(2) { ("C", "UTC") } else { ("de_DE.UTF-8", "Pacific/Kiritimati") };
    let mut command = Command::new(env!("CARGO_BIN_EXE_mnas-hostile"));
    command.args(["bytes", form]).args(names).current_dir(folder);
    command.env("LANG", language).env("LC_ALL", language).env("TZ", zone).env("HOME", folder);
    let output = command.output().expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn every_run_gives_the_same_bytes() {
    let names = shipped();
    let table = fs::read_to_string(root().join("README.md")).expect("a README");
    let rows: Vec<&str> =
        table.lines().filter_map(|line| line.strip_prefix("| [`")?.split(['(', ')']).nth(1)).collect();
    assert!(rows.len() >= 24, "{rows:?}");
    for row in rows {
        assert!(names.iter().any(|name| row == format!("specs/{name}")), "{row} of the README's table");
    }
    let folders = folders("every_run", &names);
    let forms = ["alone", "threaded", "alone", "threaded", "text"];
    let rounds = |worker: usize| (worker..RUNS).step_by(WORKERS);
    let mut found: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    thread::scope(|scope| {
        let (folders, names) = (&folders, &names);
        let form = |round: usize| forms[round % forms.len()];
        let work = move |worker| -> Vec<_> {
            rounds(worker).map(|round| (form(round), run(folders, round, form(round), names))).collect()
        };
        let workers: Vec<_> = (0..WORKERS).map(|worker| scope.spawn(move || work(worker))).collect();
        for (form, hashes) in workers.into_iter().flat_map(|worker| worker.join().expect("no panic")) {
            found.entry(form).or_default().push(hashes);
        }
    });
    assert_eq!(found.values().map(Vec::len).sum::<usize>(), RUNS);
    for (form, runs) in &found {
        assert!(runs.len() >= 4 && runs.iter().all(|hashes| *hashes == runs[0]), "{form}: {runs:#?}");
    }
    // No two networks are the same, nor two forms of one, or a hash would be none; ONNX has no forms.
    let lines: Vec<&str> = found.values().flat_map(|runs| runs[0].lines()).collect();
    let column = |index| lines.iter().filter_map(|line| line.split(' ').nth(index)).collect::<BTreeSet<&str>>().len();
    assert_eq!((column(0), column(1)), (3 * names.len(), names.len()), "{lines:#?}");
    // A spec that differs in one number, of the first and of another width.
    for name in [&names[0], &names[names.len() - 1]] {
        let path = folders[0].join(name);
        let changed = fs::read_to_string(&path).expect("a spec").replacen("stride: 2", "stride: 1", 1);
        fs::write(&path, changed).expect("a folder to write to");
        let other = run(&folders, 0, "alone", std::slice::from_ref(name));
        assert!(other.ends_with(&format!(" {name}\n")) && !found["alone"][0].contains(&other), "{other}");
    }
}

/// Code that says where or when it was made is found out by these runs.
#[test]
fn planted_differences_are_found() {
    let names = ["mnasnet_small.yaml".to_owned()];
    let folders = folders("planted", &names);
    let hashes =
        |form: &str| (0..4).map(|round| run(&folders, round, form, &names)).collect::<BTreeSet<String>>().len();
    for (form, expected) in
        [("planted-keys", 4), ("planted-folder", 2), ("planted-language", 2), ("planted-zone", 2), ("alone", 1)]
    {
        assert_eq!(hashes(form), expected, "{form}");
    }
}
