//! Which pairs of values a set of rows has.

use crate::factors::{FACTORS, Row};
use crate::rules::impossible;

/// Two values of two factors: `(factor, value)` each, the lower factor first.
pub type Pair = ((usize, usize), (usize, usize));

/// The pairs that are still missing.
#[derive(Clone, Debug)]
pub struct Missing {
    /// Number of the first value of each factor, counted through all of them.
    starts: Vec<usize>,
    values: usize,
    is_missing: Vec<bool>,
    count: usize,
}

impl Missing {
    /// Every pair that is possible.
    pub fn all() -> Self {
        let mut starts = Vec::new();
        let mut values = 0;
        for factor in FACTORS {
            starts.push(values);
            values += factor.values.len();
        }
        let mut missing = Missing { starts, values, is_missing: vec![false; values * values], count: 0 };
        for (one, other) in pairs() {
            if impossible(one, other).is_none() {
                let at = missing.at(one, other);
                missing.is_missing[at] = true;
                missing.count += 1;
            }
        }
        missing
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// All of them.
    pub fn list(&self) -> Vec<Pair> {
        pairs().into_iter().filter(|(one, other)| self.is_missing[self.at(*one, *other)]).collect()
    }

    /// How many of the missing pairs these rows have.
    pub fn in_rows(&self, rows: &[Row]) -> usize {
        let mut found = Vec::new();
        self.each(rows, |at| found.push(at));
        found.sort_unstable();
        found.dedup();
        found.len()
    }

    /// Removes the pairs that these rows have.
    pub fn remove(&mut self, rows: &[Row]) {
        let mut found = Vec::new();
        self.each(rows, |at| found.push(at));
        for at in found {
            self.count -= usize::from(std::mem::take(&mut self.is_missing[at]));
        }
    }

    fn each(&self, rows: &[Row], mut see: impl FnMut(usize)) {
        for row in rows {
            for one in 0..row.len() {
                for other in one + 1..row.len() {
                    let at = self.at((one, row[one]), (other, row[other]));
                    if self.is_missing[at] {
                        see(at);
                    }
                }
            }
        }
    }

    fn at(&self, one: (usize, usize), other: (usize, usize)) -> usize {
        (self.starts[one.0] + one.1) * self.values + self.starts[other.0] + other.1
    }
}

/// Every pair, including impossible ones.
pub fn pairs() -> Vec<Pair> {
    let mut pairs = Vec::new();
    for (one, factor) in FACTORS.iter().enumerate() {
        for (other, second) in FACTORS.iter().enumerate().skip(one + 1) {
            let values = (0..factor.values.len()).flat_map(|a| (0..second.values.len()).map(move |b| (a, b)));
            pairs.extend(values.map(|(a, b)| ((one, a), (other, b))));
        }
    }
    pairs
}

/// A pair in words.
pub fn show((one, other): Pair) -> String {
    let side = |(factor, value): (usize, usize)| format!("{} {}", FACTORS[factor].name, FACTORS[factor].values[value]);
    format!("{}, {}", side(one), side(other))
}
