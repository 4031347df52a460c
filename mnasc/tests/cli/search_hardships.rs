//! `search` under hardship: noisy, hanging and failing commands, full disks, concurrent processes.
#![cfg(unix)]

use crate::folder::{Folder, Said};
use crate::search::{contents, folder, search};
use mnas_search::rng::Rng;
use serde_json::Value;
use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Accuracy from the seed alone, so that it ranks nothing; or, with `steady`, from the sum of the choices alone. Each job is
/// noted in `log`.
const NOISY: &str = r#"
read job
echo "$job" | cut -c1-60 >> log
seed=${job##*\"seed\":}; seed=${seed%%,*}
choices=${job##*\"choices\":[}; choices=${choices%%]*}
sum=0; IFS=,; for choice in $choices; do sum=$((sum * 4 + choice)); done
if [ -e steady ]; then value=$((sum % 9000)); else value=$((seed % 9000)); fi
echo "{\"accuracy\": 0.$((value + 1000)), \"epochs\": [0.1, 0.$((value + 1000))]}"
"#;

fn lines(folder: &Folder, words: &str) -> usize {
    let log = String::from_utf8(folder.read("log")).unwrap();
    log.lines().filter(|line| line.contains(words)).count()
}

#[test]
fn the_first_line_says_whether_accuracy_ranks() {
    let folder = folder("ranks");
    folder.write("judge.sh", NOISY);
    folder.write("steady", "");
    let options = ["--command", "sh judge.sh", "--epochs", "2", "--trials", "3"];
    let said = search(&folder, "steady.study", &options).done();
    assert!(said.out.starts_with("accuracy ranks these networks after 2 epochs: tau 1.00 ("), "{}", said.out);
    assert!(said.out.contains(") between two seeds of 8 networks, "), "{}", said.out);
    assert_eq!((lines(&folder, "\"ranking\""), lines(&folder, "\"trial\",")), (16, 3));
    // Numbers occur twice, and ids do not: artefacts of a job are named after the id.
    let log = String::from_utf8(folder.read("log")).unwrap();
    let different = |key: &str| {
        let values = log.lines().map(|job| job.split(key).nth(1).unwrap().split(',').next().unwrap());
        values.collect::<BTreeSet<&str>>().len()
    };
    assert_eq!((different("\"id\":"), different("\"trial\":")), (19, 16));
    std::fs::remove_file(folder.path("steady")).unwrap();

    let options = [&options[..], &["--ranking", "20"]].concat();
    let said = search(&folder, "study", &options).done();
    let first = said.out.lines().next().unwrap();
    assert!(first.starts_with("accuracy does not separate these networks after 2 epochs: tau "), "{first}");
    assert!(first.contains(" epochs more") && first.contains("are ranked by latency"), "{first}");
    assert_eq!(said.out.matches(first).count() + said.err.matches(first).count(), 1, "{}{}", said.out, said.err);
    let listed: Value = serde_json::from_str(&contents(&folder, "study")).unwrap();
    let ranking = &listed["findings"]["ranking"];
    assert_eq!(ranking["networks"].as_array().unwrap().len(), 20);
    let macs = |network: &Value| {
        folder.write("network.yaml", network["spec"].as_str().unwrap());
        let summary = folder.mnasc(&["summary", "network.yaml", "--json"]).done().json();
        summary["macs"].as_u64().unwrap()
    };
    let sizes: Vec<u64> = ranking["networks"].as_array().unwrap().iter().map(macs).collect();
    assert!(sizes.is_sorted() && sizes[19] > 3 * sizes[0], "{sizes:?}");
    // A known result is not measured again, and an unwanted one never.
    let count = lines(&folder, "\"ranking\"");
    search(&folder, "study", &["--resume", "--trials", "5"]).done();
    search(&folder, "without", &["--command", "sh judge.sh", "--no-ranking", "--trials", "2"]).done();
    assert_eq!(lines(&folder, "\"ranking\""), count);
    search(&folder, "study", &["--resume", "--ranking", "9"]).failed(2, &["another check of the ranking"]);
    search(&folder, "study", &["--resume", "--no-ranking"]).failed(2, &["another check of the ranking"]);
}

/// A training from before the kill is not repeated, and the results are those of an uninterrupted search.
#[test]
fn a_check_of_the_ranking_and_its_batches_survive_being_killed() {
    let folder = folder("killed-check");
    folder.write("judge.sh", NOISY);
    let begin = ["--command", "sh judge.sh", "--epochs", "2", "--jobs", "2", "--trials", "6", "--resume"];
    let mut rng = Rng::new(4);
    let mut kills = 0;
    for _ in 0..200 {
        let all = [&["search", "space.yaml", "--study", "study"], &begin[..]].concat();
        let mut child = folder.command(&all).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(10 + rng.below(60) as u64));
        let is_over = child.try_wait().unwrap().is_some();
        child.kill().unwrap();
        child.wait().unwrap();
        if is_over {
            break;
        }
        kills += 1;
    }
    assert!(kills > 1, "it was killed {kills} times");
    search(&folder, "study", &["--resume", "--trials", "6"]).done();
    // Only the two jobs that were in progress at the kill are repeated.
    let (ranking, trials) = (lines(&folder, "\"ranking\""), lines(&folder, "\"trial\","));
    assert!(
        (16..=16 + 2 * kills).contains(&ranking) && (1..=6 + 2 * kills).contains(&trials),
        "{ranking} {trials} {kills}"
    );
    search(&folder, "whole", &begin).done();
    assert!(contents(&folder, "study") == contents(&folder, "whole"));
}

#[test]
fn rungs_and_jobs_are_options_that_stay() {
    let folder = folder("rungs");
    let options = ["--synthetic", "--epochs", "2", "--rungs", "3", "--eta", "2", "--jobs", "3", "--trials", "20"];
    let said = search(&folder, "study", &options).done();
    assert!(said.out.contains("20 of 20 trials, ") && said.out.contains(" on rung 2, best "), "{}", said.out);
    assert!(!said.out.contains(" s left"), "{}", said.out);
    let listed: Value = serde_json::from_str(&contents(&folder, "study")).unwrap();
    let trials = listed["trials"].as_array().unwrap();
    let of_rung = |rung: u64| trials.iter().filter(|trial| trial["rung"] == rung).count();
    let different = trials.iter().filter(|trial| trial["rung"] == 0 && trial["same_as"].is_null()).count();
    assert_eq!((of_rung(0), of_rung(1), of_rung(2)), (20, different / 2, different / 4));
    assert!(trials.iter().all(|it| it["budget"]["epochs"].as_u64() == Some(2 << it["rung"].as_u64().unwrap())));
    // The best trial is on the highest rung.
    let best = folder.mnasc(&["study", "best", "study", "--json", "--top", "100"]).done().json();
    assert_eq!(best["best"].as_array().unwrap().len(), different);
    assert_eq!(best["best"][0]["rung"], 2);
    for (option, value, words) in [
        ("--jobs", "2", "another number of jobs"),
        ("--rungs", "2", "another successive halving"),
        ("--bracket", "5", "another successive halving"),
    ] {
        let more = [&["--resume", "--epochs", "2", "--rungs", "3"][..], &[option, value]].concat();
        let more: Vec<&str> = if option == "--rungs" { vec!["--resume", "--epochs", "2", option, value] } else { more };
        search(&folder, "study", &more).failed(2, &[words]);
    }
    search(&folder, "none", &["--synthetic", "--rungs", "3"]).failed(2, &["--epochs"]);
}

#[test]
fn commands_that_hang_or_always_fail_lose_nothing() {
    let folder = folder("hang");
    folder.write(
        "judge.sh",
        "read job\ncase $job in *'\"trial\":1,'*) sleep 100;; *) echo '{\"accuracy\": 0.5}';; esac\n",
    );
    let options = ["--command", "sh judge.sh", "--no-ranking", "--trials", "3", "--timeout", "2s"];
    search(&folder, "study", &options).done();
    let listed: Value = serde_json::from_str(&contents(&folder, "study")).unwrap();
    let states: Vec<&str> = (0..3).map(|at| listed["trials"][at]["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["done", "failed", "done"]);
    let message = listed["trials"][1]["message"].as_str().unwrap();
    assert!(message.contains("took longer than 2 s and was killed"), "{message}");
    assert_eq!(listed["settings"]["timeout"], 2);
    search(&folder, "study", &["--resume", "--timeout", "soon"]).failed(2, &["such as 90s, 30m or 2h"]);

    folder.write("judge.sh", "echo 'out of memory' >&2; kill -9 $$\n");
    search(&folder, "failing", &["--command", "sh judge.sh", "--no-ranking", "--trials", "9"])
        .failed(3, &["5 failures in a row", "out of memory", "--resume"]);
    let listed: Value = serde_json::from_str(&contents(&folder, "failing")).unwrap();
    assert_eq!(listed["trials"].as_array().unwrap().len(), 5);
    // The check of the ranking fails in the same way.
    search(&folder, "check", &["--command", "sh judge.sh"]).failed(3, &["5 failures in a row", "out of memory"]);
    folder.write("judge.sh", "echo '{\"accuracy\": 0.5}'\n");
    search(&folder, "failing", &["--resume", "--trials", "9"]).done();
    let listed: Value = serde_json::from_str(&contents(&folder, "failing")).unwrap();
    assert_eq!(listed["trials"][8]["accuracy"], 0.5);
}

const LONG: [&str; 5] = ["--synthetic", "--target", "0.05ms", "--w", "-0.05"];

/// The system limits the size of files: its error is not that of a full disk, but it is real.
#[test]
fn a_file_that_may_not_grow_stops_the_search_and_loses_nothing() {
    let folder = folder("limited");
    let script = "trap '' XFSZ; ulimit -f 200; exec \"$@\"";
    let options = [&["search", "space.yaml", "--study", "study", "--trials", "400", "--json"], &LONG[..]].concat();
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh", env!("CARGO_BIN_EXE_mnasc")]).args(options).current_dir(folder.path(""));
    let output = command.stdin(Stdio::null()).output().unwrap();
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{err}");
    assert!(err.contains("cannot write to `study`") && err.contains("every finished trial is in"), "{err}");
    let said = String::from_utf8_lossy(&output.stdout).lines().count();
    let listed: Value = serde_json::from_str(&contents(&folder, "study")).unwrap();
    let kept = listed["trials"].as_array().unwrap().len();
    assert!(kept == said && (10..400).contains(&kept), "{kept} of {said}");
    search(&folder, "study", &["--resume", "--trials", "400"]).done();
    search(&folder, "whole", &[&LONG[..], &["--trials", "400"]].concat()).done();
    assert!(contents(&folder, "study") == contents(&folder, "whole"));
}

/// The error of a full disk, injected into the calls that write the journal, from the 300th on. It only needs the right to
/// trace (strace).
#[test]
fn calls_on_a_full_disk_stop_the_search_until_there_is_space() {
    let strace = ["-f", "-qq", "-o", "/dev/null"];
    let probe = Command::new("strace").args(strace).arg("true").output();
    if !probe.is_ok_and(|output| output.status.success()) {
        assert!(std::env::var_os("CI").is_none(), "strace is missing, or may not trace");
        eprintln!("skipped: strace is missing, or may not trace");
        return;
    }
    let folder = folder("enospc");
    let journal = std::fs::canonicalize(folder.path("")).unwrap().join("study-journal");
    let options = [&["search", "space.yaml", "--study", "study", "--trials", "150", "--json"], &LONG[..]].concat();
    let mut command = Command::new("strace");
    command.args(strace).args(["-e", "inject=write,pwrite64:error=ENOSPC:when=300+", "-P"]).arg(journal);
    command.arg(env!("CARGO_BIN_EXE_mnasc")).args(&options).current_dir(folder.path("")).stdin(Stdio::null());
    let said = Said::of(command.output().unwrap());
    let count = said.out.lines().count();
    assert_eq!(said.code, Some(3), "{}", said.err);
    assert!(said.err.contains("the disk of `study` is full; every finished trial is in it"), "{}", said.err);
    let list = || serde_json::from_str::<Value>(&contents(&folder, "study")).unwrap();
    let kept = list();
    search(&folder, "study", &["--resume", "--trials", "150"]).done();
    holds_what_it_would_have(&folder, &kept, count, &list());
}

/// A full disk, where a process may mount one; elsewhere the test before this one has to do.
#[test]
fn a_full_disk_stops_the_search_until_there_is_space() {
    let folder = folder("disk");
    std::fs::create_dir(folder.path("disk")).unwrap();
    let script = "\
set -e
mount -t tmpfs -o size=300k tmpfs disk
head -c 200000 /dev/zero > disk/other
code=0; \"$@\" > said || code=$?
echo $code > code
\"$1\" study list disk/study --json > kept
rm disk/other
if \"$1\" search space.yaml --study disk/study --resume --trials 150; then :; fi
\"$1\" study list disk/study --json > after
";
    let options = [&["search", "space.yaml", "--study", "disk/study", "--trials", "150", "--json"], &LONG[..]].concat();
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh", env!("CARGO_BIN_EXE_mnasc")]);
    let output = command.args(options).current_dir(folder.path("")).stdin(Stdio::null()).output();
    if !folder.names().contains(&"code".to_owned()) {
        eprintln!("skipped: no disk of its own, only calls that say so: {output:?}");
        return;
    }
    let said = Said::of(output.unwrap()).done();
    assert_eq!(folder.read("code"), b"3\n", "{}", said.err);
    assert!(said.err.contains("the disk of `disk/study` is full; every finished trial is in it"), "{}", said.err);
    let list = |name: &str| serde_json::from_slice::<Value>(&folder.read(name)).unwrap();
    let count = String::from_utf8(folder.read("said")).unwrap().lines().count();
    holds_what_it_would_have(&folder, &list("kept"), count, &list("after"));
}

/// Of 150 trials all that were reported are kept, and the final results are those of an uninterrupted search.
fn holds_what_it_would_have(folder: &Folder, kept: &Value, said: usize, after: &Value) {
    let kept = kept["trials"].as_array().unwrap();
    assert!(kept.len() == said && (10..150).contains(&said), "{} of {said}", kept.len());
    search(folder, "whole", &[&LONG[..], &["--trials", "150"]].concat()).done();
    let whole: Value = serde_json::from_str(&contents(folder, "whole")).unwrap();
    assert!(whole == *after, "not what it would have been");
    assert_eq!(whole["trials"].as_array().unwrap()[..said], kept[..]);
}

/// Many processes create the same study at once: one succeeds, the others report that, and the study has one search.
#[test]
fn processes_that_begin_at_once_do_not_mix() {
    let folder = folder("at-once");
    let options = [&["search", "space.yaml", "--study", "study", "--resume", "--trials", "60"], &LONG[..]].concat();
    let children: Vec<_> = (0..6)
        .map(|_| folder.command(&options).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
        .collect();
    let mut done = 0;
    for child in children {
        let said = Said::of(child.wait_with_output().unwrap());
        if said.code == Some(0) {
            done += 1;
        } else {
            said.failed(3, &["another process searches with `study`"]);
        }
    }
    assert!(done > 0);
    search(&folder, "whole", &[&LONG[..], &["--trials", "60"]].concat()).done();
    assert!(contents(&folder, "study") == contents(&folder, "whole"));
}

/// A study may come from anyone: what a terminal would obey is escaped wherever a part of it is shown.
#[test]
fn a_study_does_not_hide_the_command_that_it_runs() {
    let folder = folder("hidden-command");
    let line = "cat > job; printf 'no \\033[2K\\rresult' >&2; touch RAN; exit 1 #\r\x1b[2Kharmless \u{202e}";
    let shown = "#\\r\\u{1b}[2Kharmless \\u{202e}";
    search(&folder, "study", &["--command", line, "--trials", "1", "--no-ranking", "--reward", "accuracy"]);
    let is_clean = |text: &str| !text.contains(['\r', '\x1b', '\u{202e}']);
    let list = folder.mnasc(&["study", "list", "study"]).done();
    assert!(list.out.contains(shown) && is_clean(&list.out), "{:?}", list.out);
    assert!(list.out.contains("no \\u{1b}[2K\\rresult"), "{:?}", list.out);
    std::fs::remove_file(folder.path("RAN")).unwrap();
    let resumed = search(&folder, "study", &["--resume", "--trials", "2"]);
    assert!(folder.path("RAN").is_file());
    assert!(resumed.err.contains(&format!("each trial runs the command of the study: `{}", &line[..8])));
    assert!(resumed.err.contains(shown) && is_clean(&resumed.err) && is_clean(&resumed.out), "{resumed:?}");
    // The control: a command that is given again is known to the user.
    let again = search(&folder, "study", &["--resume", "--trials", "3", "--command", line]);
    assert!(!again.err.contains("each trial runs"), "{again:?}");
}
