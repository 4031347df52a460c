//! Schedule files from measuring to compiling. What is faster is not looked at: a busy machine would decide it.

use crate::folder::{Folder, Said};
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Stdio;

const FILE: &str = "\
other:
  avx2:
    # Kept.
    linear 7 to 9: {tiles: 1x1/2}
";

/// The keys of `TINY`'s blocks.
const BLOCK: &str = "block 16x16x8 expand 48 depthwise k3 s2 se 2 to 8x8x16";

#[test]
fn measured_choices_compile_and_are_added_to_the_file() {
    let folder = Folder::new("tune");
    folder.write("s.yaml", FILE);
    let said = folder
        .mnasc(&["tune", "tiny.yaml", "-o", "s.yaml", "--isa", "scalar", "--budget", "1", "--cpu", "mine"])
        .done();
    assert!(said.err.contains("tiny scalar, 1 thread: ") && said.err.contains(" tried"), "{}", said.err);
    let text = String::from_utf8(folder.read("s.yaml")).unwrap();
    assert!(text.contains("other:\n  avx2:\n    # Kept.\n    linear 7 to 9: {tiles: 1x1/2}\n"), "{text}");
    // Whether anything is faster here is chance: a section that is there is compiled with.
    let is_written = text.contains("\nmine:\n");
    assert_eq!(is_written, !said.err.contains("no gain"), "{}", said.err);
    let last = if is_written { "`--schedule s.yaml --cpu mine` compiles with it" } else { "`s.yaml` is unchanged" };
    assert!(said.err.trim_end().ends_with(last), "{}", said.err);
    assert!(is_written || text == FILE);
    let cpu = if is_written { "mine" } else { "other" };
    folder.mnasc(&["tiny.yaml", "-o", "tiny.rs", "--schedule", "s.yaml", "--cpu", cpu]).done();
}

#[test]
fn who_measures_waits_for_another() {
    let folder = Folder::new("measuring");
    for arguments in [&["bench", "tiny.yaml", "--isa", "scalar", "--runs", "1"][..], &["tune", "tiny.yaml"]] {
        let lock = File::create(folder.path("mnas-measuring.lock")).unwrap();
        lock.lock().unwrap();
        let mut command = folder.command(arguments);
        let mut child =
            command.env("TMPDIR", folder.path(".")).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut err = BufReader::new(child.stderr.take().unwrap());
        let waits = format!("another mnasc is measuring on this machine; `mnasc {}` waits", arguments[0]);
        let mut said = String::new();
        while !said.contains(&waits) {
            assert!(err.read_line(&mut said).unwrap() > 0, "not said: {waits}\n{said}");
        }
        assert!(child.try_wait().unwrap().is_none());
        if arguments[0] == "tune" {
            // It would take a while.
            child.kill().unwrap();
        }
        lock.unlock().unwrap();
        err.read_to_string(&mut said).unwrap();
        let said = Said::of(child.wait_with_output().unwrap());
        if arguments[0] == "bench" {
            assert!(said.done().out.contains("median"));
        }
    }
}

#[test]
fn a_schedule_file_decides_and_the_output_agrees_with_the_reference() {
    let folder = Folder::new("schedule");
    let entry = |choices: &str| {
        format!(
            "a:\n  avx512:\n    {BLOCK}: {choices}\n  avx2:\n    {BLOCK}: {choices}\n  scalar:\n    block: {{row_block: all}}\n"
        )
    };
    folder.write("s.yaml", entry("{row_block: 2, gate: tensor, columns: 3, expand: 5x1/3 3x2/2, project: 3x1/1}"));
    let plan = folder.mnasc(&["tiny.yaml", "--emit", "plan", "--schedule", "s.yaml"]).done();
    assert!(plan.out.contains("tuned: row blocks of 2") && plan.out.contains("tuned: layer by layer"), "{}", plan.out);
    for out in ["a.rs", "b.rs"] {
        folder.mnasc(&["tiny.yaml", "-o", out, "--schedule", "s.yaml"]).done();
    }
    assert_eq!(folder.read("a.rs"), folder.read("b.rs"));
    folder.mnasc(&["tiny.yaml", "-o", "c.rs"]).done();
    assert_ne!(folder.read("a.rs"), folder.read("c.rs"));
    folder.mnasc(&["tiny.yaml", "-o", "c.rs", "--schedule", "s.yaml", "--check"]).failed(1, &["c.rs"]);
    folder.mnasc(&["verify", "tiny.yaml", "--schedule", "s.yaml", "--checked"]).done();
}

#[test]
fn shares_of_a_thread_count_are_tuned_and_written_for_it() {
    let folder = Folder::new("tune-threads");
    // Far from what is best, and of another number of threads: it stays whatever is found.
    folder.write("s.yaml", format!("a:\n  scalar:\n    {BLOCK}: {{threads: row_blocks 1, threads 4: panels}}\n"));
    let tune =
        ["tune", "tiny.yaml", "-o", "s.yaml", "--threads", "2", "--isa", "scalar", "--budget", "1", "--cpu", "a"];
    let said = folder.mnasc(&[&tune[..], &["--force"]].concat()).done();
    assert!(said.err.contains("tiny scalar, 2 threads: "), "{}", said.err);
    let text = String::from_utf8(folder.read("s.yaml")).unwrap();
    assert!(text.contains("threads: row_blocks 1, ") && text.contains("threads 4: panels"), "{text}");
    assert!(!text.contains("expand: ") && !text.contains("columns: "), "what one thread does was not tuned: {text}");
    folder.write(
        "s.yaml",
        format!("a:\n  scalar:\n    {BLOCK}: {{threads: row_blocks 1, threads 2: panels, threads 3: row_blocks 4}}\n"),
    );
    let plan = folder.mnasc(&["tiny.yaml", "--emit", "plan", "--threaded", "--schedule", "s.yaml"]).done().out;
    assert!(plan.contains("tuned: 2 threads: each") && plan.contains("tuned: 3 threads: each"), "{plan}");
    for threads in ["2", "3", "5"] {
        folder
            .mnasc(&[
                "verify",
                "tiny.yaml",
                "--schedule",
                "s.yaml",
                "--isa",
                "scalar",
                "--checked",
                "--threads",
                threads,
            ])
            .done();
    }
}

#[test]
fn schedule_files_that_do_not_fit_are_refused() {
    let folder = Folder::new("bad-schedule");
    let compile =
        |arguments: &[&str]| folder.mnasc(&[&["tiny.yaml", "-o", "x.rs", "--schedule", "s.yaml"], arguments].concat());
    folder.write("s.yaml", format!("a:\n  avx2:\n    {BLOCK}: {{row_block: 3, expand: 9x2/2}}\n"));
    compile(&[]).failed(2, &["s.yaml:3:", "invalid height of a row block", "does not fit the registers", "^"]);
    folder.write("s.yaml", format!("{FILE}a:\n"));
    compile(&[]).failed(2, &["several processors", "`--cpu`", "`a`, `other`"]);
    compile(&["--cpu", "b"]).failed(2, &["no section `b`"]);
    folder.write("s.yaml", b"\xff");
    compile(&[]).failed(2, &["not UTF-8"]);
    folder.mnasc(&["tiny.yaml", "-o", "x.rs", "--cpu", "a"]).failed(2, &["--schedule"]);
    folder.mnasc(&["tiny.yaml", "-o", "x.rs", "--schedule", "none.yaml"]).failed(3, &["none.yaml"]);
    folder.mnasc(&["tune", "tiny.yaml", "--cpu", "a b"]).failed(2, &["is not a name of a section"]);
    folder.mnasc(&["tune", "tiny.yaml", "-o", "tiny.yaml"]).failed(2, &["tiny.yaml:1:"]);
    assert!(!folder.path("x.rs").exists());
}
