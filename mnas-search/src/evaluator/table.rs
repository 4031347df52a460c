//! Results that are known already, for judging searchers: a line for each candidate.

use super::Evaluator;
use crate::job::{Evaluation, Failure, Job, Latency};
use mnas_codegen::fnv;
use std::collections::BTreeMap;

/// What is known of candidates: accuracy as a part of 1 and, where the table has it, milliseconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    sizes: Vec<usize>,
    rows: BTreeMap<Vec<usize>, (f64, Option<f64>)>,
}

impl Table {
    /// Reads lines of `choices` indices from 0, an accuracy in percent and, in all lines or none, a latency in
    /// milliseconds. Empty lines and those that begin with `#` do not count.
    ///
    /// # Errors
    ///
    /// The first line that is not so, with its number.
    pub fn parse(text: &str, choices: usize) -> Result<Self, String> {
        let mut table = Self { sizes: vec![0; choices], rows: BTreeMap::new() };
        let mut columns = None;
        for (number, line) in text.lines().enumerate() {
            let words: Vec<&str> = line.split_whitespace().collect();
            if words.is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong = |what: &str| Err(format!("line {} of the table: {what}", number + 1));
            if words.len() != choices + 1 && words.len() != choices + 2 {
                return wrong(&format!("{choices} indices, an accuracy and perhaps a latency are expected"));
            }
            if *columns.get_or_insert(words.len()) != words.len() {
                return wrong("all lines have a latency, or none");
            }
            let indices: Result<Vec<usize>, _> = words[..choices].iter().map(|word| word.parse()).collect();
            let Ok(indices) = indices else { return wrong("an index is a whole number from 0") };
            let number =
                |at: usize| words.get(at).map(|word| word.parse::<f64>().ok().filter(|value| value.is_finite()));
            let (Some(Some(accuracy)), latency) = (number(choices), number(choices + 1)) else {
                return wrong("the accuracy is no number");
            };
            if latency == Some(None) {
                return wrong("the latency is no number");
            }
            for (size, &index) in table.sizes.iter_mut().zip(&indices) {
                *size = (*size).max(index.saturating_add(1));
            }
            if table.rows.insert(indices, (accuracy / 100.0, latency.flatten())).is_some() {
                return wrong("this candidate has a line already");
            }
        }
        if table.rows.is_empty() {
            return Err("the table is empty".to_owned());
        }
        Ok(table)
    }

    /// How many alternatives each choice has: one more than its largest index.
    pub fn sizes(&self) -> &[usize] {
        &self.sizes
    }

    /// Accuracy and latency of a candidate, if it has a line.
    pub fn get(&self, candidate: &[usize]) -> Option<(f64, Option<f64>)> {
        self.rows.get(candidate).copied()
    }

    /// All candidates in order, each with accuracy and latency.
    pub fn rows(&self) -> impl Iterator<Item = (&[usize], f64, Option<f64>)> {
        self.rows.iter().map(|(candidate, &(accuracy, latency))| (candidate.as_slice(), accuracy, latency))
    }
}

impl Evaluator for Table {
    fn name(&self) -> String {
        // A table of other results is another table.
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
            ("0 0 nan", "no number"),
            ("0 0 1 x", "the latency"),
            ("0 0 1\n0 1 1 1", "or none"),
            ("0 0 1\n0 0 2", "already"),
        ] {
            let said = Table::parse(text, 2).unwrap_err();
            assert!(said.contains(words), "{text}: {said}");
        }
    }
}
