//! Schedule files from measuring to compiling. What is faster is not looked at: a busy machine would decide it.

use crate::folder::Folder;

const FILE: &str = "\
other:
  avx2:
    # Kept.
    linear 7 to 9: {tiles: 1x1/2}
";

/// The keys of `TINY`'s blocks.
const BLOCK: &str = "block 16x16x8 expand 48 depthwise k3 s2 se 2 to 8x8x16";

#[test]
fn what_is_measured_can_be_compiled_and_is_added_to_the_file() {
    let folder = Folder::new("tune");
    folder.write("s.yaml", FILE);
    let said = folder
        .mnasc(&["tune", "tiny.yaml", "-o", "s.yaml", "--isa", "scalar", "--budget", "1", "--cpu", "mine"])
        .done();
    assert!(said.err.contains("tiny scalar: ") && said.err.contains("choices tried"), "{}", said.err);
    let text = String::from_utf8(folder.read("s.yaml")).unwrap();
    assert!(text.contains("\nother:\n  avx2:\n    # Kept.\n    linear 7 to 9: {tiles: 1x1/2}\n"), "{text}");
    // Whether anything is faster here is chance: a section that is there is compiled with.
    let cpu = if text.contains("\nmine:\n") { "mine" } else { "other" };
    folder.mnasc(&["tiny.yaml", "-o", "tiny.rs", "--schedule", "s.yaml", "--cpu", cpu]).done();
}

#[test]
fn a_schedule_file_decides_and_the_output_agrees_with_the_reference() {
    let folder = Folder::new("schedule");
    let entry = |choices: &str| {
        format!(
            "a:\n  avx512:\n    {BLOCK}: {choices}\n  avx2:\n    {BLOCK}: {choices}\n  scalar:\n    block: {{strip: all}}\n"
        )
    };
    folder.write("s.yaml", entry("{strip: 2, gate: tensor, columns: 3, expand: 5x1/3 3x2/2, project: 3x1/1}"));
    let plan = folder.mnasc(&["tiny.yaml", "--emit", "plan", "--schedule", "s.yaml"]).done();
    assert!(plan.out.contains("tuned: strips of 2") && plan.out.contains("tuned: layer by layer"), "{}", plan.out);
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
fn schedule_files_that_do_not_fit_are_refused() {
    let folder = Folder::new("bad-schedule");
    let compile =
        |arguments: &[&str]| folder.mnasc(&[&["tiny.yaml", "-o", "x.rs", "--schedule", "s.yaml"], arguments].concat());
    folder.write("s.yaml", format!("a:\n  avx2:\n    {BLOCK}: {{strip: 3, expand: 9x2/2}}\n"));
    compile(&[]).failed(2, &["s.yaml:3:", "no height of a strip", "does not fit the registers", "^"]);
    folder.write("s.yaml", format!("{FILE}a:\n"));
    compile(&[]).failed(2, &["several processors", "`--cpu`", "`a`, `other`"]);
    compile(&["--cpu", "b"]).failed(2, &["no section `b`"]);
    folder.write("s.yaml", b"\xff");
    compile(&[]).failed(2, &["not UTF-8"]);
    folder.mnasc(&["tiny.yaml", "-o", "x.rs", "--cpu", "a"]).failed(2, &["--schedule"]);
    folder.mnasc(&["tiny.yaml", "-o", "x.rs", "--schedule", "none.yaml"]).failed(3, &["none.yaml"]);
    folder.mnasc(&["tune", "tiny.yaml", "--cpu", "a b"]).failed(2, &["cannot name a section"]);
    folder.mnasc(&["tune", "tiny.yaml", "-o", "tiny.yaml"]).failed(2, &["tiny.yaml:1:"]);
    assert!(!folder.path("x.rs").exists());
}
