//! `search` and `study`: real processes, killed and damaged.

use crate::folder::{Folder, Said};
use crate::space::SPACE;
use mnas_search::rng::Rng;
use mnas_search::study::{Access, Study, Trial};
use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// 24,576 members, some of which exceed the limit.
const LARGE: &str = "\
name: large
input: 8x8x1
stem: {op: conv, kernel: 3, filters: {choose: [8, 16]}}
blocks:
  - {op: {choose: [sepconv, mbconv e3]}, kernel: {choose: [3, 5]}, stride: 2, filters: {choose: [8, 12, 16, 24]}, layers: {choose: [1, 2, 3, 4]}}
  - {op: {choose: [sepconv, mbconv e3]}, kernel: {choose: [3, 5]}, se: {choose: [0, 0.25]}, filters: {choose: [16, 24, 32]}, layers: {choose: [1, 2, 3, 4]}, skip: {choose: [identity, none]}}
head: {classes: 10}
limits: {parameters: 20000}
";

pub(crate) fn folder(name: &str) -> Folder {
    let folder = Folder::new(name);
    folder.write("space.yaml", LARGE);
    folder
}

pub(crate) fn search(folder: &Folder, study: &str, more: &[&str]) -> Said {
    folder.mnasc(&[&["search", "space.yaml", "--study", study], more].concat())
}

/// Settings, state and trials, as text.
pub(crate) fn contents(folder: &Folder, study: &str) -> String {
    folder.mnasc(&["study", "list", study, "--json"]).done().out
}

#[test]
fn a_resumed_search_equals_an_uninterrupted_one() {
    let folder = folder("halves");
    let begin = ["--synthetic", "--target", "0.05ms", "--w", "auto", "--first", "20", "--seed", "5"];
    let said = search(&folder, "whole", &[&begin[..], &["--trials", "50"]].concat()).done();
    assert!(said.err.contains("w will be fitted to the first 20 trials"), "{}", said.err);
    assert!(said.err.contains("reward: ACC * (LAT / T)^w, T = 50 us (20000 fps), w = -0."), "{}", said.err);
    assert!(said.out.contains("50 of 50 trials, best ") && said.out.contains("on the front"), "{}", said.out);
    search(&folder, "halves", &[&begin[..], &["--trials", "25"]].concat()).done();
    search(&folder, "halves", &["--resume", "--trials", "50"]).done();
    assert!(contents(&folder, "whole") == contents(&folder, "halves"));
    search(&folder, "other", &["--synthetic", "--seed", "6", "--trials", "50"]).done();
    assert!(contents(&folder, "whole") != contents(&folder, "other"));
}

#[test]
fn defaults_come_from_the_space_and_the_best_is_written() {
    let folder = folder("defaults");
    folder.write("space.yaml", format!("{LARGE}search: {{data: nowhere, target: 3ms, trials: 6}}\n"));
    // The target of the space does not apply to another evaluator.
    let said = folder.mnasc(&["search", "space.yaml", "--synthetic"]).done();
    assert!(said.err.contains("reward: ACC\n") && said.err.contains("to `large_found`"), "{}", said.err);
    let study: Value = serde_json::from_str(&contents(&folder, "large.study")).unwrap();
    assert_eq!(study["trials"].as_array().unwrap().len(), 6);
    let text = |name: &str| String::from_utf8(folder.read(name)).unwrap();
    assert!(text("large_found/report.html").starts_with("<!DOCTYPE html>"));
    let best = folder.mnasc(&["study", "best", "large.study", "--json"]).done().json()["best"][0].clone();
    let spec = text("large_found/best.yaml");
    assert!(spec.starts_with(&format!("# Trial {} of large.study", best["number"])), "{spec}");
    folder.mnasc(&["large_found/best.yaml", "-o", "large_found/best.rs", "--check"]).done();
    folder.mnasc(&["search", "space.yaml", "--synthetic"]).failed(2, &["`large.study` exists already", "--resume"]);
    let said = folder.mnasc(&["search", "space.yaml", "--resume"]).done();
    assert!(said.out.contains("6 of 6 trials"), "{}", said.out);
    // Too few trials for a fit: the best is chosen by a provisional exponent, which is printed.
    std::fs::create_dir(folder.path("few_found")).unwrap();
    folder.write("few_found/best.yaml", "another network");
    folder.write("few_found/best.safetensors", "its weights");
    let few = ["search", "space.yaml", "--synthetic", "--target", "0.05ms", "--study", "few", "--to", "few_found"];
    let said = folder.mnasc(&few).done();
    for words in [
        "w is that of the MnasNet paper for now: it will be fitted to the first 50 trials, of which there are 6",
        "is `few_found/best.safetensors.old`",
    ] {
        assert!(said.err.contains(words), "{}", said.err);
    }
    assert_eq!(folder.read("few_found/best.safetensors.old"), b"its weights");
    assert!(!folder.path("few_found/best.safetensors").exists());
    // Weights beside the same network stay.
    let found = folder.mnasc(&["study", "best", "few", "--to", "few_best", "--json"]).done().json();
    let weights = found["paths"][0].as_str().unwrap().replace(".yaml", ".safetensors");
    folder.write(&weights, "its own");
    folder.mnasc(&["study", "best", "few", "--to", "few_best"]).done();
    assert_eq!(folder.read(&weights), b"its own");
    let study: Value = serde_json::from_str(&contents(&folder, "few")).unwrap();
    let w = said.out.split(", w = ").nth(1).and_then(|rest| rest.split(';').next()?.parse::<f64>().ok()).unwrap();
    let worth = |trial: &Value| {
        let ms = trial["latency"]["ms"].as_f64().unwrap();
        trial["accuracy"].as_f64().unwrap() * (ms / 0.05).powf(w)
    };
    let trials = study["trials"].as_array().unwrap();
    let best = trials.iter().max_by(|a, b| worth(a).total_cmp(&worth(b))).unwrap();
    let named = format!("the best is trial {}: ", best["number"]);
    assert!(said.out.contains(&named), "{named}\n{}", said.out);
    let spec = text("few_found/best.yaml");
    assert!(spec.starts_with(&format!("# Trial {} of few", best["number"])), "{spec}");
    let page = text("few_found/report.html");
    assert!(page.contains(&format!("The best is trial {}", best["number"])) && page.contains("for now"));
    // Without another evaluator mnasc trains on the space's data, or prints that it cannot train.
    let words = if cfg!(feature = "train") { "does not say how bytes become its input" } else { "--features train" };
    folder.mnasc(&["search", "space.yaml", "--study", "other.study"]).failed(2, &[words]);
    folder.write("space.yaml", format!("{LARGE}search: {{data: digits, target: soon}}\n"));
    folder
        .mnasc(&["search", "space.yaml", "--study", "other.study"])
        .failed(2, &["the `target` of the space `space.yaml` is `soon`", "25ms"]);
    assert!(!folder.path("other.study").exists());
}

#[test]
fn unwritable_outputs_are_reported_before_the_search() {
    let folder = folder("unwritable");
    let begin = ["--synthetic", "--trials", "4"];
    search(&folder, "none/study", &begin).failed(3, &["`none/study`", "`none` is not a folder", "--study"]);
    folder.write("file", "");
    search(&folder, "study", &[&begin[..], &["--to", "file"]].concat()).failed(3, &["cannot create the folder `file`"]);
    // The same command without the error succeeds.
    search(&folder, "study", &begin).done();
    // The number of trials is kept where it is not repeated, and there may be more already.
    let said = search(&folder, "study", &["--resume"]).done();
    assert!(said.out.contains("4 of 4 trials"), "{}", said.out);
    // Where the reward is repeated, T is that of the study, not of the space.
    folder.write("space.yaml", format!("{LARGE}search: {{data: digits, target: 50us, trials: 3}}\n"));
    search(&folder, "aimed", &[&begin[..], &["--target", "1ms", "--w", "auto"]].concat()).done();
    search(&folder, "aimed", &["--resume", "--w", "auto"]).done();
    search(&folder, "aimed", &["--resume", "--reward", "hard"]).failed(2, &["another reward"]);
    folder.write("space.yaml", LARGE);
    let said = search(&folder, "study", &["--resume", "--trials", "2"]).done();
    assert!(said.out.contains("4 of 4 trials"), "{}", said.out);
}

#[test]
fn every_trial_is_within_the_limits_and_its_spec_compiles() {
    let folder = folder("specs");
    search(
        &folder,
        "study",
        &["--synthetic", "--method", "nsga2", "--target", "0.05ms", "--reward", "hard", "--trials", "60"],
    )
    .done();
    let study: Value = serde_json::from_str(&contents(&folder, "study")).unwrap();
    let trials = study["trials"].as_array().unwrap();
    assert_eq!(trials.len(), 60);
    assert!(trials.iter().all(|trial| trial["parameters"].as_u64().unwrap() <= 20_000));
    assert!(trials.iter().any(|trial| trial["rejected"].as_u64().unwrap() > 0), "the limit limits nothing");

    let best = folder.mnasc(&["study", "best", "study", "--to", "found", "--top", "2", "--json"]).done().json();
    let rewards: Vec<f64> = trials.iter().filter_map(|trial| trial["reward"].as_f64()).collect();
    let most = rewards.iter().copied().fold(f64::MIN, f64::max);
    assert_eq!(best["best"][0]["reward"].as_f64(), Some(most));
    let path = best["paths"][0].as_str().unwrap();
    folder.mnasc(&["check", path]).done();
    folder.mnasc(&["space", "space.yaml", "--contains", path]).done();

    let front = folder.mnasc(&["study", "best", "study", "--pareto", "--json"]).done().json();
    let point = |trial: &Value| (trial["accuracy"].as_f64().unwrap(), trial["latency"]["ms"].as_f64().unwrap());
    let front: Vec<(f64, f64)> = front["best"].as_array().unwrap().iter().map(point).collect();
    assert!(front.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 < pair[1].1), "{front:?}");
    for other in trials.iter().map(point) {
        assert!(!front.iter().any(|it| other.0 > it.0 && other.1 < it.1), "{other:?} beats one of {front:?}");
    }
}

#[test]
fn mistakes_are_reported_before_any_evaluation() {
    let folder = folder("mistakes");
    search(&folder, "study", &[]).failed(2, &["no evaluator was given"]);
    search(&folder, "study", &["--synthetic", "--reward", "hard"]).failed(2, &["needs a target", "--target 25ms"]);
    let absolute = ["--synthetic", "--target", "1ms", "--reward", "absolute", "--beta"];
    search(&folder, "study", &[&absolute[..], &["0.1"]].concat()).failed(2, &["`--beta 0.1`", "below 0"]);
    search(&folder, "study", &["--synthetic", "--target", "1ms", "--reward", "soft", "--beta", "-1"])
        .failed(2, &["a reward that has its own exponents"]);
    search(&folder, "study", &["--synthetic", "--target", "1ms", "--beta", "-1"]).failed(2, &["--alpha"]);
    for (option, value) in [("--w", "0.07"), ("--w", "-99999")] {
        search(&folder, "study", &["--synthetic", "--target", "1ms", option, value])
            .failed(2, &[&format!("`{option} {value}`: expected an exponent from -20 to 0")]);
    }
    search(&folder, "study", &["--synthetic", "--target", "1ms", "--alpha", "5", "--beta", "-1"])
        .failed(2, &["`--alpha 5`: expected an exponent"]);
    for options in [&["--w", "-0.07"][..], &["--w", "auto"], &["--alpha", "0", "--beta", "-1"], &["--reward", "hard"]] {
        search(&folder, "study", &[&["--synthetic"], options].concat()).failed(2, &["needs a target", "--target 25ms"]);
    }
    search(&folder, "study", &["--synthetic", "--rungs", "2"])
        .failed(2, &["the number of epochs of the lowest rung", "--epochs 2"]);
    search(&folder, "study", &["--synthetic", "--target", "3 weeks"]).failed(2, &["such as 25ms, 50us or 40fps"]);
    assert!(!folder.names().contains(&"study".to_owned()));
    search(&folder, "steep", &[&absolute[..], &["-0.5", "--trials", "1"]].concat()).done();
    let steep: Value = serde_json::from_str(&contents(&folder, "steep")).unwrap();
    assert_eq!(steep["settings"]["reward"]["absolute"]["beta"], -0.5);
    search(&folder, "study", &["--synthetic", "--trials", "3"]).done();
    search(&folder, "study", &["--synthetic", "--trials", "3"]).failed(2, &["exists already", "--resume"]);
    for (options, words) in [
        (&["--method", "ppo"][..], "another method"),
        (&["--seed", "1"], "another seed"),
        (&["--epochs", "3"], "another number of epochs"),
        (&["--command", "true"], "another evaluator"),
        (&["--target", "1ms"], "another reward"),
    ] {
        search(&folder, "study", &[&["--resume"], options].concat()).failed(2, &[words]);
    }
    folder.write("space.yaml", LARGE.replace("[8, 16]", "[8, 12]"));
    search(&folder, "study", &["--resume"]).failed(2, &["the space has changed"]);
    folder.write("space.yaml", LARGE.replace("20000", "1"));
    search(&folder, "tight", &["--synthetic"]).failed(2, &["exceed the limits", "at most 1 are allowed"]);
    folder.mnasc(&["study", "list", "none"]).failed(3, &["cannot read `none`"]);
    folder.mnasc(&["study", "list", "tiny.yaml"]).failed(2, &["`tiny.yaml` is not a study"]);
    let bytes = folder.read("study");
    folder.write("cut", &bytes[..bytes.len() / 2]);
    for command in [&["study", "list", "cut"][..], &["search", "space.yaml", "--study", "cut", "--resume"]] {
        folder.mnasc(command).failed(2, &["`cut` is damaged"]);
    }
    folder.mnasc(&["study", "export", "study", "--optuna", "study"]).failed(2, &["would overwrite"]);
}

#[test]
fn tables_give_what_they_say() {
    let folder = folder("table");
    folder.write("space.yaml", SPACE.replace("limits: {parameters: 4000}\n", ""));
    let mut table = String::new();
    for number in 0..24 {
        table.push_str(&format!(
            "{} {} {} {} {}\n",
            number % 2,
            number / 2 % 2,
            number / 4 % 2,
            number / 8,
            50 + number
        ));
    }
    folder.write("table.txt", &table);
    search(&folder, "study", &["--table", "table.txt", "--trials", "60"]).done();
    let best = folder.mnasc(&["study", "best", "study", "--json"]).done().json();
    assert_eq!(best["best"][0]["accuracy"], 0.73);
    assert_eq!(best["best"][0]["choices"], serde_json::json!([1, 1, 1, 2]));
    folder.write("table.txt", table.replace(" 73", " 74"));
    search(&folder, "study", &["--table", "table.txt", "--resume"])
        .failed(2, &["another evaluator: a table with other results", "the same table by `--table`"]);
    folder.write("wrong.txt", "0 0 0 0 900 -1\n0 0 0 9 90 1\n0 0 0 1 90 0\n");
    search(&folder, "wrong", &["--table", "wrong.txt"]).failed(
        2,
        &[
            "`wrong.txt`: line 1: invalid accuracy",
            "line 2: invalid index 9 of choice 3: expected 0 to 2",
            "line 3: invalid latency",
        ],
    );
    folder.write("part.txt", "0 0 0 0 90\n");
    let said = search(&folder, "part", &["--table", "part.txt", "--method", "random", "--trials", "1"]);
    assert!(said.err.contains("`part.txt` has 1 of 24 combinations; trials of the others fail"), "{}", said.err);
    search(&folder, "timed", &["--table", "table.txt", "--target", "1ms"]).failed(2, &["the search needs latencies"]);
    // A Pareto front with a single objective would go unnoticed.
    search(&folder, "front", &["--table", "table.txt", "--method", "nsga2"]).failed(2, &["the search needs latencies"]);
}

/// The first training shows it, before the whole check whether accuracy ranks.
#[cfg(unix)]
#[test]
fn a_command_that_tells_no_latency_where_one_is_needed_is_found_out_at_once() {
    let folder = folder("no-latency");
    folder.write("judge.sh", "cat >> jobs; echo '{\"accuracy\": 0.5, \"latency_ms\": null}'");
    for more in [&["--target", "1ms"][..], &["--method", "nsga2"]] {
        let options = [&["--command", "sh judge.sh", "--jobs", "1"], more].concat();
        search(&folder, "study", &options).failed(2, &["`command sh judge.sh` gives none", "--measure", "latency_ms"]);
        assert_eq!(String::from_utf8(folder.read("jobs")).unwrap().lines().count(), 1);
        std::fs::remove_file(folder.path("jobs")).unwrap();
        std::fs::remove_file(folder.path("study")).unwrap();
    }
    // After one latency a missing one fails a trial only; a baseline without one stops nothing.
    folder.write(
        "now_and_then.sh",
        "read job; case $job in *'\"trial\":0,\"purpose\":\"trial\"'*) echo '{\"accuracy\": 0.5, \"latency_ms\": 1}';; \
         *) echo '{\"accuracy\": 0.5}';; esac",
    );
    folder.write("one.yaml", "name: one\ninput: 8x8x1\nstem: {op: conv, kernel: 3, filters: 8}\nblocks: [ds_r1_k3_s1_c8]\nhead: {classes: 10}\n");
    let options = ["--command", "sh now_and_then.sh", "--no-ranking", "--target", "1ms", "--reward", "soft"];
    let said = search(&folder, "some", &[&options[..], &["--trials", "3", "--baseline", "one.yaml"]].concat()).done();
    assert!(said.out.contains("2 of 3 trials failed; the last: the result has no latency"), "{}", said.out);
    assert!(said.err.contains("one: the result has no latency"), "{}", said.err);
    // The control: a search without a need for latency has no error.
    search(&folder, "study", &["--command", "sh judge.sh", "--trials", "2"]).done();
}

/// Baselines are evaluated once, like the best trials, also where the search is interrupted.
#[cfg(unix)]
#[test]
fn baselines_are_judged_as_trials_are_and_shown() {
    let folder = folder("baselines");
    let net = |name: &str, filters: u32| {
        format!(
            "name: {name}\ninput: 8x8x1\nstem: {{op: conv, kernel: 3, filters: {filters}}}\n\
             blocks: [{{op: sepconv, kernel: 3, filters: {filters}}}]\nhead: {{classes: 10}}\n"
        )
    };
    for (name, filters) in [("one", 40), ("two", 48)] {
        folder.write(&format!("{name}.yaml"), net(name, filters));
    }
    folder.write(
        "judge.sh",
        "read job; echo \"$job\" >> jobs
case $job in
  *'\"baseline\"'*'name: two'*) if [ -e broken ]; then exit 126; else echo 'too wide' >&2; exit 1; fi;;
  *'\"baseline\"'*) echo '{\"accuracy\": 0.875, \"latency_ms\": 0.5}';;
  *) echo '{\"accuracy\": 0.75, \"latency_ms\": 0.25}';;
esac
",
    );
    folder.write("broken", "");
    let judged = || {
        let jobs = String::from_utf8(folder.read("jobs")).unwrap();
        let jobs: Vec<Value> = jobs.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        jobs.into_iter().filter(|job| job["purpose"] == "baseline").collect::<Vec<Value>>()
    };
    let baselines = ["--baseline", "one.yaml", "two.yaml"];
    let options = ["--command", "sh judge.sh", "--no-ranking", "--epochs", "2", "--rungs", "2", "--trials", "3"];
    let said = search(&folder, "study", &[&options[..], &["--target", "1ms", "--reward", "soft"], &baselines].concat());
    assert!(said.code == Some(3) && said.err.contains("`sh judge.sh` failed"), "{said:?}");
    std::fs::remove_file(folder.path("broken")).unwrap();
    let said = search(&folder, "study", &[&["--resume", "--trials", "3"], &baselines[..]].concat()).done();
    assert!(said.err.contains("one: accuracy 0.8750, latency 0.5000 ms") && said.err.contains("two: `sh judge.sh`"));
    let jobs = judged();
    assert_eq!(jobs.iter().filter(|job| job["spec"].as_str().unwrap().contains("name: one")).count(), 1);
    let ids: std::collections::BTreeSet<&str> = jobs.iter().map(|job| job["id"].as_str().unwrap()).collect();
    assert!(ids.len() == 2 && ids.iter().all(|id| id.starts_with("baseline-")), "{ids:?}");
    // With the epochs of the highest rung, and with the need for a latency.
    assert!(jobs.iter().all(|job| job["budget"]["epochs"] == 6 && job["needs"]["latency"] == true), "{jobs:?}");
    let page = folder.mnasc(&["report", "study", "-o", "-"]).done().out;
    let row = |name: &str| {
        let row = page.split("<tr class=\"baseline-row\">").find(|row| row.starts_with(&format!("<td>{name}<")));
        row.unwrap_or_else(|| panic!("no row of {name}")).split("</tr>").next().unwrap().to_owned()
    };
    assert!(row("one").contains(">87.50 %<") && row("one").contains(">500 µs<"), "{}", row("one"));
    assert!(row("one").contains("trained and timed as its trials"), "{}", row("one"));
    assert!(row("two").contains(">–<"), "{}", row("two"));
    // An evaluated baseline is not shown a second time.
    let both = folder.mnasc(&["report", "study", "-o", "-", "--baseline", "one.yaml"]).done().out;
    assert_eq!(both.matches("<td>one<").count(), 1);

    let wrong = |baseline: &str, words: &[&str]| {
        search(&folder, "other", &[&options[..], &["--baseline", baseline]].concat()).failed(2, words);
    };
    folder.write("large.yaml", net("large", 8).replace("8x8x1", "16x16x1"));
    wrong("large.yaml", &["cannot be evaluated like members of the space", "16x16x1 and 10 classes, they have 8x8x1"]);
    folder.write("same.yaml", net("one", 8));
    search(&folder, "other", &[&options[..], &["--baseline", "one.yaml", "same.yaml"]].concat())
        .failed(2, &["two baselines are called `one`"]);
}

#[test]
fn where_no_exponent_can_be_fitted_that_is_said_everywhere() {
    let folder = folder("unfitted");
    // T is far from all networks, and near some of them.
    for (study, target, words) in
        [("far", "500ms", "nothing could be fitted"), ("near", "0.05ms", "w was fitted to the first 10 trials")]
    {
        let options = ["--synthetic", "--target", target, "--first", "10", "--trials", "12"];
        let said = search(&folder, study, &options).done().err;
        assert!(said.contains(words), "{said}");
        assert!(folder.mnasc(&["study", "list", study]).done().out.contains(words), "{study}");
        assert!(folder.mnasc(&["report", study, "-o", "-"]).done().out.contains(words), "{study}");
        folder.mnasc(&["study", "export", study, "--optuna", "out.log"]).done();
        let journal = String::from_utf8(folder.read("out.log")).unwrap();
        let w = said.split("w = ").nth(1).unwrap().split(';').next().unwrap();
        assert!(journal.contains(words) && journal.contains(&format!("w = {w};")), "{w}: {journal}");
    }
}

/// A shell script that returns a result, fails, or prints nonsense.
#[cfg(unix)]
#[test]
fn a_command_evaluates_networks_and_its_failures_are_stored() {
    let folder = folder("command");
    folder.write(
        "judge.sh",
        "read job
case $job in
  *'\"trial\":2,'*) echo 'out of memory' >&2; exit 1;;
  *'\"trial\":3,'*) echo 'hello';;
  *'\"trial\":4,'*) echo '{\"accuracy\": 3}';;
  *'\"epochs\":7'*'\"latency\":true'*)
    echo 'training ...'; echo '{\"accuracy\": 0.5, \"epochs\": [0.25, 0.5], \"latency_ms\": 2, \"latency_interval\": [1.5, 2.5]}';;
  *) exit 9;;
esac
",
    );
    let options = [
        "--no-ranking",
        "--command",
        "sh judge.sh",
        "--epochs",
        "7",
        "--target",
        "2ms",
        "--reward",
        "soft",
        "--trials",
        "6",
    ];
    search(&folder, "study", &options).done();
    let study: Value = serde_json::from_str(&contents(&folder, "study")).unwrap();
    let trials = study["trials"].as_array().unwrap();
    assert_eq!(trials[0]["accuracy"], 0.5);
    assert_eq!(trials[0]["reward"], 0.5);
    assert_eq!(trials[0]["epochs"], serde_json::json!([0.25, 0.5]));
    assert_eq!(trials[0]["latency"]["high"], 2.5);
    for (number, words) in
        [(2, "out of memory"), (3, "invalid result in the last line"), (4, "invalid accuracy, expected 0 to 1")]
    {
        assert_eq!(trials[number]["state"], "failed");
        assert!(trials[number]["message"].as_str().unwrap().contains(words), "{}", trials[number]);
    }
    // It continues with the command of the study.
    search(&folder, "study", &["--resume", "--trials", "8"]).done();
    search(&folder, "absent", &["--command", "no-such-program", "--trials", "3"]).failed(3, &["no-such-program"]);
}

#[cfg(unix)]
#[test]
fn one_process_searches_and_others_look() {
    let folder = folder("two");
    let slow = "read job; while [ ! -e go ]; do sleep 0.02; done; echo '{\"accuracy\": 0.5}'";
    let begin = ["search", "space.yaml", "--study", "study", "--command", slow, "--no-ranking", "--trials", "1"];
    let first = folder.command(&begin).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while !folder.path("study").exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
    search(&folder, "study", &["--resume", "--trials", "5"]).failed(3, &["another process searches with `study`"]);
    let listed: Value = serde_json::from_str(&contents(&folder, "study")).unwrap();
    assert_eq!(listed["trials"], serde_json::json!([]));
    folder.write("go", "");
    Said::of(first.wait_with_output().unwrap()).done();
    let listed: Value = serde_json::from_str(&contents(&folder, "study")).unwrap();
    assert_eq!(listed["trials"][0]["accuracy"], 0.5);
}

/// Two hundred times a process is killed at some moment, and another one resumes.
#[test]
fn two_hundred_kills_lose_no_finished_trial() {
    let folder = folder("kills");
    let mut rng = Rng::new(1);
    let plain = &["--resume", "--synthetic", "--target", "0.05ms", "--w", "auto", "--first", "30"][..];
    let halved = [plain, &["--epochs", "2", "--rungs", "3", "--eta", "3", "--bracket", "30", "--jobs", "3"]].concat();
    for (method, kills, options) in [("evolution", 70, plain), ("nsga2", 90, &halved), ("ppo", 40, plain)] {
        let options = [options, &["--method", method]].concat();
        let path = folder.path(method);
        let mut before: Vec<Trial> = Vec::new();
        let mut killed = 0;
        while killed < kills {
            let all =
                [&["search", "space.yaml", "--study", method, "--json", "--trials", "1000000"], &options[..]].concat();
            let mut child = folder.command(&all).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
            let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
            // Sometimes before the first output, sometimes after a few trials.
            let mut last = None;
            for _ in 0..rng.below(4) {
                last = lines.next();
            }
            std::thread::sleep(Duration::from_micros(rng.below(12_000) as u64));
            child.kill().unwrap();
            killed += 1;
            // The output before the kill is in the pipe.
            last = lines.last().or(last);
            child.wait().unwrap();
            let said = last.and_then(Result::ok).and_then(|line| serde_json::from_str::<Value>(&line).ok());
            if !path.exists() {
                assert!(said.is_none() && before.is_empty());
                continue;
            }
            let trials = Study::open(&path, Access::Read).unwrap().trials().unwrap();
            if let Some(said) = said {
                assert!(trials.len() as u64 > said["number"].as_u64().unwrap(), "a trial that was said is lost");
            }
            assert!(trials.len() >= before.len(), "trials are lost");
            for (now, then) in trials.iter().zip(&before) {
                // The rewards of the first trials are known when the exponent is.
                assert_eq!(Trial { reward: then.reward.and(now.reward), ..now.clone() }, *then);
            }
            before = trials;
        }
        let count = (before.len() + 10).to_string();
        assert!(before.len() > 30, "only {} trials", before.len());
        let rungs = before.iter().map(|trial| trial.rung).max();
        assert_eq!(rungs, Some(if method == "nsga2" { 2 } else { 0 }), "{method}");
        search(&folder, method, &[&options[..], &["--trials", &count]].concat()).done();
        let whole = format!("whole-{method}");
        search(&folder, &whole, &[&options[..], &["--trials", &count]].concat()).done();
        assert!(contents(&folder, method) == contents(&folder, &whole), "{method}: not what it would have been");
        let large = |name: &str| Study::open(&folder.path(name), Access::Read).unwrap().large().unwrap();
        assert!(large(method) == large(&whole), "{method}");
    }
}

/// The real Optuna reads the journal: trials, values, directions, best trials.
#[test]
fn optuna_opens_an_exported_study() {
    let python = std::env::var("MNAS_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let has = Command::new(&python).args(["-c", "import optuna"]).output();
    if !has.is_ok_and(|it| it.status.success()) {
        assert!(std::env::var_os("CI").is_none(), "`{python}` has no optuna");
        eprintln!("skipped: `{python}` has no optuna");
        return;
    }
    let folder = folder("optuna");
    let options = ["--synthetic", "--target", "0.05ms", "--w", "-0.05", "--trials", "40"];
    search(&folder, "study", &options).done();
    folder.mnasc(&["study", "export", "study", "--optuna", "out.log"]).done();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/read_optuna.py");
    let output = Command::new(&python).arg(script).arg(folder.path("out.log")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let read: Value = serde_json::from_slice(&output.stdout).unwrap();
    let study: Value = serde_json::from_str(&contents(&folder, "study")).unwrap();
    let trials = study["trials"].as_array().unwrap();
    let (one, two) = (&read["study"], &read["study: accuracy and latency"]);
    assert_eq!(one["directions"], serde_json::json!(["MAXIMIZE"]));
    assert_eq!(two["directions"], serde_json::json!(["MAXIMIZE", "MINIMIZE"]));
    for (number, trial) in trials.iter().enumerate() {
        let (a, b) = (&one["trials"][number], &two["trials"][number]);
        assert_eq!(a["state"], "COMPLETE");
        assert_eq!(a["values"], serde_json::json!([trial["reward"]]));
        assert_eq!(b["values"], serde_json::json!([trial["accuracy"], trial["latency"]["ms"]]));
        assert_eq!(a["params"]["stem.filters"], ["8", "16"][trial["choices"][0].as_u64().unwrap() as usize]);
        assert_eq!(a["params"].as_object().unwrap().len(), trial["choices"].as_array().unwrap().len());
        assert_eq!(a["intermediate"]["2"], trial["accuracy"]);
        assert_eq!(a["user_attrs"]["spec"], trial["spec"]);
    }
    let numbers =
        |best: &Value| -> Vec<u64> { best.as_array().unwrap().iter().map(|it| it.as_u64().unwrap()).collect() };
    let best = folder.mnasc(&["study", "best", "study", "--json"]).done().json();
    assert!(numbers(&one["best"]).contains(&best["best"][0]["number"].as_u64().unwrap()), "{}", one["best"]);
    let front = folder.mnasc(&["study", "best", "study", "--pareto", "--json"]).done().json();
    for trial in front["best"].as_array().unwrap() {
        assert!(numbers(&two["best"]).contains(&trial["number"].as_u64().unwrap()), "{} {trial}", two["best"]);
    }
    // Equal networks are equally good for Optuna; mnasc names the first.
    let firsts =
        trials.iter().filter(|trial| trial["same_as"].is_null()).map(|trial| trial["number"].as_u64().unwrap());
    let firsts: Vec<u64> = firsts.filter(|number| numbers(&two["best"]).contains(number)).collect();
    assert_eq!(firsts.len(), front["best"].as_array().unwrap().len());
}
