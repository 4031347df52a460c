//! Latency from generated code: what is measured, kept and refused. How fast anything is, is not looked at: a busy machine
//! would decide it.

use crate::folder::Folder;
use mnas_search::evaluator::{Command, Evaluator as _, Synthetic, Table};
use mnas_search::findings::{MACHINE, Machine, PREDICTION, Prediction};
use mnas_search::study::{Access, Study};
use serde_json::Value;
use std::fs;

/// Two networks that differ in the classifier alone.
const SPACE: &str = "\
name: two
input: 8x8x1
stem: {op: conv, kernel: 3, stride: 2, filters: 8}
blocks:
  - {op: mbconv, expand: 2, kernel: 3, filters: 8, layers: 2}
head: {filters: {choose: [16, 24]}, classes: 4}
";

/// Accuracy, and no latency.
#[cfg(unix)]
const SAME: [&str; 2] = ["--command", "echo '{\"accuracy\": 0.5}'"];

/// A runner that hands the program over by its standard input, as to a device without files of this machine.
#[cfg(unix)]
const HAND_OVER: &str = "sh -c 'cat > copy.$$ && chmod +x copy.$$ && echo Welcome. && ./copy.$$; rm copy.$$'";

fn folder(name: &str) -> Folder {
    let folder = Folder::new(name);
    folder.write("space.yaml", SPACE);
    folder
}

/// Entries of a cache: what was measured, by file.
fn entries(folder: &Folder, cache: &str) -> Vec<(std::path::PathBuf, String)> {
    let mut entries: Vec<_> = fs::read_dir(folder.path(cache))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            let json: Value = serde_json::from_str(text.lines().nth(1).unwrap()).unwrap();
            (path, json["what"].as_str().unwrap().to_owned())
        })
        .collect();
    entries.sort();
    entries
}

#[cfg(unix)]
#[test]
fn a_search_measures_layers_once_and_is_resumed_only_with_the_same_stopwatch() {
    let folder = folder("measure");
    let run = |more: &[&str]| {
        let begin = ["search", "space.yaml", "--study", "s", "--isa", "scalar", "--cache", "c"];
        folder.mnasc(&[&begin[..], more].concat())
    };
    let device = ["--runner", HAND_OVER, "--emulated"];
    let begin = [&SAME[..], &device, &["--measure", "--target", "1ms", "--reward", "soft", "--trials", "9"]].concat();
    let said = run(&begin).done();
    assert!(said.err.contains("generated code, scalar, 1 thread, "), "{}", said.err);
    assert!(said.err.contains("say nothing about any machine"), "{}", said.err);

    let study = Study::open(&folder.path("s"), Access::Read).unwrap();
    let name = study.settings().stopwatch.clone().unwrap();
    assert!(name.contains("scalar, 1 thread") && name.contains(HAND_OVER), "{name}");
    for trial in study.trials().unwrap() {
        let latency = trial.latency.unwrap();
        assert!(0.0 < latency.low && latency.low <= latency.ms && latency.ms <= latency.high, "{latency:?}");
    }
    let machine: Machine = study.finding(MACHINE).unwrap().unwrap();
    assert_eq!((machine.isa.as_str(), machine.threads, machine.is_meaningful), ("scalar", 1, false));
    assert_eq!(machine.runner.as_deref(), Some(HAND_OVER));
    assert!(machine.compiler.starts_with("rustc ") && !machine.cpu.is_empty());
    let prediction: Prediction = study.finding(PREDICTION).unwrap().unwrap();
    assert_eq!(prediction.pairs.len(), 2, "both members");
    drop(study);

    // The members share the stem, and a block whose two layers are alike; of each there are head and classifier.
    let known = entries(&folder, "c");
    let layers: Vec<&String> = known.iter().map(|(_, what)| what).collect();
    let count = |word: &str| layers.iter().filter(|what| what.contains(word)).count();
    assert_eq!((count("block"), count("linear"), count("pool"), count("reference")), (1, 2, 2, 1), "{layers:?}");
    assert_eq!(known.len(), 2 + 2 + 2 + 1 + 2, "{layers:?}");

    // Another stopwatch is refused; and a study begun without one stays without.
    run(&["--resume", "--trials", "10"]).failed(2, &["begun with the stopwatch", HAND_OVER]);
    run(&["--resume", "--trials", "10", "--runner", "{} ", "--emulated"]).failed(2, &["begun with the stopwatch"]);
    folder.mnasc(&["search", "space.yaml", "--study", "t", "--synthetic", "--trials", "2"]).done();
    let without = ["search", "space.yaml", "--study", "t", "--resume", "--trials", "3"];
    folder
        .mnasc(&[&without[..], &["--measure"]].concat())
        .failed(2, &["was created without measuring", "start another study"]);
    folder.mnasc(&without).done();

    // What is damaged is measured again, and what is whole is not; but for what did not settle, as on a busy machine.
    let known = entries(&folder, "c");
    let at = known.iter().position(|(_, what)| what == "linear 16 to 4").unwrap();
    let damaged = &known[at].0;
    let before: Vec<Vec<u8>> = known.iter().map(|(path, _)| fs::read(path).unwrap()).collect();
    let mut bytes = before[at].clone();
    let digit = bytes.iter().rposition(u8::is_ascii_digit).unwrap();
    bytes[digit] ^= 1;
    fs::write(damaged, &bytes).unwrap();
    let again = [&["search", "space.yaml", "--study", "u", "--isa", "scalar", "--cache", "c"], &begin[..]].concat();
    folder.mnasc(&again).done();
    assert_eq!(entries(&folder, "c"), known);
    for ((path, what), before) in known.iter().zip(&before).filter(|((path, _), _)| path != damaged) {
        let settled = String::from_utf8_lossy(before).contains("\"is_stable\":true");
        assert!(!settled || fs::read(path).unwrap() == *before, "{what}");
    }
    let text = fs::read(damaged).unwrap();
    assert!(text != bytes, "what was damaged is trusted");
    assert!(folder.names().iter().all(|name| !name.starts_with("copy")), "{:?}", folder.names());
}

#[cfg(unix)]
#[test]
fn invalid_answers_are_refused() {
    let folder = folder("answers");
    let measure = |runner: &str| {
        let line = ["space", "space.yaml", "--latency", "2", "--isa", "scalar", "--cache", "c", "--runner", runner];
        folder.mnasc(&line)
    };
    for (runner, words) in [
        ("sh -c '\"$0\" | sed \"s/\\\"ns\\\": .[0-9]*/\\\"ns\\\": [-7/\"' {}", "-7 ns is out of range"),
        ("sh -c '\"$0\" | sed \"s/\\\"ns\\\": .[0-9]*/\\\"ns\\\": [NaN/\"' {}", "not what a measuring program writes"),
        ("sh -c 'echo {}; echo no' {}", "not what a measuring program writes"),
        ("sh -c 'echo broken >&2; exit 7' {}", "broken"),
        ("true {}", "it is empty"),
        ("/nowhere/ssh board {}", "cannot start `/nowhere/ssh board {}`"),
    ] {
        measure(runner).failed(3, &[words]);
        assert!(!folder.path("c").exists(), "{runner}");
    }
    measure("ssh 'board").failed(2, &["no second '"]);
    folder.mnasc(&["space", "space.yaml", "--latency", "2", "--triple", "x"]).failed(2, &["--runner"]);
    let unknown = ["--isa", "scalar", "--triple", "none-such-os", "--runner", "true"];
    folder
        .mnasc(&[&["space", "space.yaml", "--latency", "2"], &unknown[..]].concat())
        .failed(3, &["rustc failed", "none-such-os"]);
    let other = ["--isa", "avx2", "--triple", "aarch64-unknown-linux-gnu", "--runner", "true"];
    folder.mnasc(&[&["space", "space.yaml", "--latency", "2"], &other[..]].concat()).failed(2, &["aarch64"]);
}

#[cfg(unix)]
#[test]
fn sums_and_wholes_are_compared() {
    let folder = folder("compared");
    // Built and started as for another device; but it is this one.
    let version = std::process::Command::new("rustc").arg("-vV").output().unwrap();
    let version = String::from_utf8(version.stdout).unwrap();
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let line = ["space", "space.yaml", "--latency", "2", "--isa", "scalar", "--cache", "c", "--json"];
    let device = ["--triple", host, "--linker", "cc", "--runner", "env A=b {}"];
    let said = folder.mnasc(&[&line[..], &device].concat()).done().json();
    assert_eq!(said["machine"]["runner"], "env A=b {}");
    assert_eq!(said["prediction"]["pairs"].as_array().unwrap().len(), 2);
    assert_eq!(said["machine"]["is_meaningful"], true);
    assert_eq!(said["same_pairs"], 40);
    for pair in said["prediction"]["pairs"].as_array().unwrap() {
        for side in ["predicted", "measured"] {
            let [low, ms, high] = ["low", "ms", "high"].map(|key| pair[side][key].as_f64().unwrap());
            assert!(0.0 < low && low <= ms && ms <= high, "{pair}");
        }
    }
}

#[test]
fn without_rustc_the_message_says_so() {
    let folder = folder("no-rustc");
    let mut command = folder.command(&["space", "space.yaml", "--latency", "2"]);
    let said = crate::folder::Said::of(command.env("RUSTC", "/nowhere/rustc").output().unwrap());
    said.failed(3, &["cannot start rustc", "install Rust"]);
}

/// A network is not measured if its evaluator gives a latency, unless the options request it.
#[test]
fn evaluators_say_whether_they_give_a_latency() {
    assert!(Synthetic.gives_latency() && Command::new("x").gives_latency());
    assert!(Table::parse("0 91.5 2.5\n1 92 3\n", 1).unwrap().gives_latency());
    assert!(!Table::parse("0 91.5\n1 92\n", 1).unwrap().gives_latency());
}
