//! Known results, for comparing searchers: one line for each candidate.

use super::Evaluator;
use crate::job::{Evaluation, Failure, Job, Latency};
use mnas_codegen::fnv;
use std::collections::BTreeMap;

/// Known results of candidates: accuracy from 0 to 1 and, where the table has it, milliseconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    sizes: Vec<usize>,
    rows: BTreeMap<Vec<usize>, (f64, Option<f64>)>,
}

impl Table {
    /// Parses lines of `choices` indices from 0, an accuracy in percent and, in all lines or none, a latency in
    /// milliseconds. Empty lines and lines that begin with `#` are ignored.
    ///
    /// # Errors
    ///
    /// The lines that are wrong, with their numbers.
    pub fn parse(text: &str, choices: usize) -> Result<Self, String> {
        Self::parse_of(text, &vec![usize::MAX; choices])
    }

    /// As [`Self::parse`], for a space whose choices have these numbers of alternatives: other indices are errors.
    ///
    /// # Errors
    ///
    /// Those of [`Self::parse`], and lines of candidates outside the space.
    pub fn parse_of(text: &str, sizes: &[usize]) -> Result<Self, String> {
        let mut table = Self { sizes: vec![0; sizes.len()], rows: BTreeMap::new() };
        let mut mistakes = Vec::new();
        let mut columns = None;
        for (number, line) in text.lines().enumerate() {
            let words: Vec<&str> = line.split_whitespace().collect();
            if words.is_empty() || line.starts_with('#') {
                continue;
            }
            match row(&words, sizes, &mut columns) {
                Ok((indices, ..)) if table.rows.contains_key(&indices) => {
                    mistakes.push(format!("line {}: this candidate already has a line", number + 1));
                }
                Ok((indices, accuracy, latency)) => {
                    for (size, &index) in table.sizes.iter_mut().zip(&indices) {
                        *size = (*size).max(index.saturating_add(1));
                    }
                    table.rows.insert(indices, (accuracy, latency));
                }
                Err(what) => mistakes.push(format!("line {}: {what}", number + 1)),
            }
        }
        if table.rows.is_empty() && mistakes.is_empty() {
            mistakes.push("the table is empty".to_owned());
        }
        if mistakes.is_empty() {
            return Ok(table);
        }
        let more = mistakes.len().saturating_sub(SHOWN);
        mistakes.truncate(SHOWN);
        if more > 0 {
            mistakes.push(format!("{more} more are not shown"));
        }
        Err(mistakes.join("\n"))
    }

    /// The number of alternatives of each choice: one more than its largest index.
    pub fn sizes(&self) -> &[usize] {
        &self.sizes
    }

    /// Accuracy and latency of a candidate, if it has a line.
    pub fn get(&self, candidate: &[usize]) -> Option<(f64, Option<f64>)> {
        self.rows.get(candidate).copied()
    }

    /// The number of lines.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are no lines: never for a table that was parsed.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// All candidates in order, each with accuracy and latency.
    pub fn rows(&self) -> impl Iterator<Item = (&[usize], f64, Option<f64>)> {
        self.rows.iter().map(|(candidate, &(accuracy, latency))| (candidate.as_slice(), accuracy, latency))
    }
}

/// The largest number of errors that are listed.
const SHOWN: usize = 20;

/// Parses a line: indices below `sizes`, accuracy from 0 to 1, milliseconds. All lines have as many words as the first.
fn row(words: &[&str], sizes: &[usize], columns: &mut Option<usize>) -> Result<(Vec<usize>, f64, Option<f64>), String> {
    let choices = sizes.len();
    if words.len() != choices + 1 && words.len() != choices + 2 {
        return Err(format!("expected {choices} indices, an accuracy and optionally a latency"));
    }
    if *columns.get_or_insert(words.len()) != words.len() {
        return Err("either all lines have a latency, or none".to_owned());
    }
    let mut indices = Vec::with_capacity(choices);
    for (at, (word, &size)) in words.iter().zip(sizes).enumerate() {
        let index = word.parse().map_err(|_| format!("invalid index `{word}`: expected a whole number from 0"))?;
        if index >= size {
            return Err(format!("invalid index {index} of choice {at}: expected 0 to {}", size.saturating_sub(1)));
        }
        indices.push(index);
    }
    let number = |at: usize| words.get(at).map(|word| word.parse::<f64>().unwrap_or(f64::NAN));
    let accuracy = number(choices).filter(|it| (0.0..=100.0).contains(it));
    let accuracy =
        accuracy.ok_or_else(|| format!("invalid accuracy `{}`: expected a number from 0 to 100", words[choices]))?;
    match number(choices + 1) {
        Some(latency) if !(latency > 0.0 && latency.is_finite()) => {
            Err(format!("invalid latency `{}`: expected a number above 0", words[choices + 1]))
        }
        latency => Ok((indices, accuracy / 100.0, latency)),
    }
}

impl Evaluator for Table {
    fn name(&self) -> String {
        // The hash of the results is part of the name.
        let hash = self.rows().fold(fnv::EMPTY, |hash, (candidate, accuracy, latency)| {
            fnv::continued(hash, format!("{candidate:?}{accuracy}{latency:?}").as_bytes())
        });
        format!("table {hash:016x}")
    }

    fn is_noisy(&self) -> bool {
        false
    }

    fn gives_latency(&self) -> bool {
        self.rows.values().all(|(_, latency)| latency.is_some())
    }

    fn evaluate(&self, job: &Job) -> Result<Evaluation, Failure> {
        let (accuracy, latency) = self
            .get(&job.choices)
            .ok_or_else(|| Failure::Trial(format!("the table has no line for {:?}", job.choices)))?;
        Ok(Evaluation { accuracy, epochs: Vec::new(), latency: latency.map(Latency::exact) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_read_or_refused_with_the_line() {
        let table = Table::parse("# a comment\n0 0 50 2.5\n\n1 2 75.5 3\n", 2).unwrap();
        assert_eq!(table.sizes(), [2, 3]);
        assert_eq!(table.get(&[1, 2]), Some((0.755, Some(3.0))));
        assert_eq!(table.get(&[1, 1]), None);
        for (text, words) in [
            ("", "empty"),
            ("0 0 1\n0 1", "line 2"),
            ("0 x 1", "whole number"),
            ("0 0 nan", "`nan`: expected a number from 0 to 100"),
            ("0 0 -1", "from 0 to 100"),
            ("0 0 100.5", "from 0 to 100"),
            ("0 0 1 x", "invalid latency"),
            ("0 0 1 0", "`0`: expected a number above 0"),
            ("0 0 1 -2", "above 0"),
            ("0 0 1 inf", "above 0"),
            ("0 0 1\n0 1 1 1", "or none"),
            ("0 0 1\n0 0 2", "already"),
            // All errors at once.
            ("0 0 101 1\n0 1 1 0\n", "line 1: invalid accuracy"),
            ("0 0 101 1\n0 1 1 0\n", "\nline 2: invalid latency"),
        ] {
            let said = Table::parse(text, 2).unwrap_err();
            assert!(said.contains(words), "{text}: {said}");
        }
    }

    #[test]
    fn lines_of_no_member_are_refused_and_messages_end() {
        assert!(Table::parse_of("0 2 50\n1 0 50\n", &[2, 3]).is_ok());
        let said = Table::parse_of("0 3 50\n2 0 50\n", &[2, 3]).unwrap_err();
        assert_eq!(
            said,
            "line 1: invalid index 3 of choice 1: expected 0 to 2\n\
             line 2: invalid index 2 of choice 0: expected 0 to 1"
        );
        let said = Table::parse_of(&"0 0 200\n".repeat(1000), &[2, 3]).unwrap_err();
        assert_eq!((said.lines().count(), said.lines().last()), (SHOWN + 1, Some("980 more are not shown")));
    }
}
