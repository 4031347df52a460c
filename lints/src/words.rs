//! Words that the project does not use, and how often they still occur.
//!
//! `scripts/words.txt` has a line for each: its count in the tree, the word, and what to write instead. A count may only
//! fall, so a word fails on new lines and old lines can be rewritten over time.

use crate::entries;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// A line of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// How often it may occur.
    pub count: usize,
    /// A word or several, in lower case.
    pub phrase: String,
    /// What to write instead.
    pub instead: String,
}

/// Parses the list; lines that begin with `#` are comments.
///
/// # Errors
///
/// The first line that is not `COUNT | PHRASE | INSTEAD`.
pub fn parse(text: &str) -> Result<Vec<Word>, String> {
    let is_entry = |line: &&str| !line.is_empty() && !line.starts_with('#');
    let word = |line: &str| {
        let fields: Vec<&str> = line.split('|').map(str::trim).collect();
        match fields[..] {
            [count, phrase, instead] if !phrase.is_empty() => Ok(Word {
                count: count.parse().map_err(|_| format!("`{line}`: `{count}` is not a count"))?,
                phrase: phrase.to_owned(),
                instead: instead.to_owned(),
            }),
            _ => Err(format!("`{line}`: expected `COUNT | PHRASE | INSTEAD`")),
        }
    };
    text.lines().filter(is_entry).map(word).collect()
}

/// The list with other counts; comments stay.
pub fn with_counts(text: &str, counts: &[usize]) -> String {
    let mut counts = counts.iter();
    let mut written = String::new();
    for line in text.lines() {
        match line.split_once('|') {
            Some((_, rest)) if !line.starts_with('#') => {
                let count = counts.next().expect("a count for each word");
                let _ = writeln!(written, "{count} |{rest}");
            }
            _ => {
                let _ = writeln!(written, "{line}");
            }
        }
    }
    written
}

/// A place where a word occurs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// Its text.
    pub text: String,
}

/// Where `phrase` occurs in a text: whole words, in upper or lower case, each occurrence on its own.
pub fn occurrences(text: &str, phrase: &str) -> Vec<usize> {
    let mut lines = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.to_lowercase();
        for (at, _) in line.match_indices(phrase) {
            let inside = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
            if !inside(line[..at].chars().next_back()) && !inside(line[at + phrase.len()..].chars().next()) {
                lines.push(number + 1);
            }
        }
    }
    lines
}

/// Every text of the tree that people write: sources, scripts, documents, specs.
pub fn texts(root: &Path) -> Vec<(PathBuf, String)> {
    let mut texts = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(folder) = open.pop() {
        for path in entries(&folder) {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if path.is_symlink() {
                continue;
            }
            if path.is_dir() {
                // Build outputs, and files whose text is foreign or broken on purpose.
                let skipped = ["target", "assets", "attacks", "seeds"].contains(&name);
                if !skipped && (!name.starts_with('.') || name == ".ci") {
                    open.push(path);
                }
            } else if is_text(name) {
                let text = fs::read_to_string(&path).unwrap_or_default();
                texts.push((path, text));
            }
        }
    }
    texts.sort();
    texts
}

fn is_text(name: &str) -> bool {
    let ends = [".rs", ".md", ".sh", ".py", ".toml", ".yaml", ".rs.txt"];
    name == "run" || ends.iter().any(|end| name.ends_with(end))
}

/// All places of a word in these texts.
pub fn places(texts: &[(PathBuf, String)], phrase: &str) -> Vec<Place> {
    let of = |(file, text): &(PathBuf, String)| {
        let lines: Vec<&str> = text.lines().collect();
        let place = |line: usize| Place { file: file.clone(), line, text: lines[line - 1].trim().to_owned() };
        occurrences(text, phrase).into_iter().map(place).collect::<Vec<_>>()
    };
    texts.iter().flat_map(of).collect()
}
