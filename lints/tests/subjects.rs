//! Subjects of commits are `area: change`, in the imperative, with at most 72 characters.

use mnas_lints::root;
use std::process::Command;

/// The last commit before the rule.
const BASE: &str = "22172ce";

const LONGEST: usize = 72;

/// Commits that are older than the lint.
const EXCEPTIONS: [&str; 1] = ["6c11c60"];

/// What is wrong with a subject.
fn fault(subject: &str) -> Option<&'static str> {
    if subject.chars().count() > LONGEST {
        return Some("it is longer than 72 characters");
    }
    let Some((area, change)) = subject.split_once(": ") else { return Some("expected `area: change`") };
    let in_area = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_/,. ".contains(c);
    if area.is_empty() || area.len() > 30 || !area.chars().all(in_area) {
        return Some("the area is one word or a few, in lower case");
    }
    let verb = change.split(' ').next().unwrap_or_default();
    if !verb.chars().all(|c| c.is_ascii_lowercase() || c == '-') || verb.is_empty() {
        return Some("the change begins with a verb in lower case");
    }
    let is_other_form =
        |end: &str| verb.ends_with(end) && !["embed", "need", "feed", "seed", "speed", "bring"].contains(&verb);
    if is_other_form("ed") || is_other_form("ing") {
        return Some("the verb is an imperative: `add`, not `added` or `adding`");
    }
    if change.ends_with('.') {
        return Some("a subject has no full stop");
    }
    None
}

#[test]
fn subjects_since_the_rule_follow_it() {
    let git = |arguments: &[&str]| Command::new("git").arg("-C").arg(root()).args(arguments).output();
    let range = format!("{BASE}..HEAD");
    let subjects = match git(&["log", "--no-merges", "--format=%h %s", &range]) {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).into_owned(),
        other => {
            assert!(std::env::var_os("CI").is_none(), "the history from {BASE} on is needed: {other:?}");
            println!("skipped: this tree has no history from {BASE} on");
            return;
        }
    };
    let message: String = subjects
        .lines()
        .filter_map(|line| {
            let (commit, subject) = line.split_once(' ')?;
            if EXCEPTIONS.iter().any(|exception| commit.starts_with(exception)) {
                return None;
            }
            Some(format!("\n{commit} \"{subject}\": {}", fault(subject)?))
        })
        .collect();
    println!("{} subjects", subjects.lines().count());
    assert!(message.is_empty(), "{message}");
}

#[test]
fn faults_of_subjects_are_found() {
    assert_eq!(fault("search: split the data set once"), None);
    assert_eq!(fault("mnas-codegen, tests: embed the runtime"), None);
    let long = format!("search: {}", "x".repeat(65));
    for wrong in [
        "A search's pictures are parted once, and trials have their names in one place",
        "no area",
        "Search: split the data set",
        "search: Split the data set",
        "search: splitting the data set",
        "search: added a data set",
        "search: split the data set.",
        ": split",
        &long,
    ] {
        assert!(fault(wrong).is_some(), "{wrong}");
    }
    assert_eq!(fault(&long[..72]), None);
}
