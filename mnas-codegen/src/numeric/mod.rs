//! Number types: what a kernel reads, adds up and writes, and what a panel of packed weights holds. One file each.

mod f32;

pub use f32::F32;

use crate::element::Element;

/// A number type.
#[derive(Clone, Copy, Debug)]
pub struct Numeric {
    /// Its name.
    pub name: &'static str,
    /// What a kernel reads and writes.
    pub activation: Element,
    /// What it multiplies by.
    pub weight: Element,
    /// What it adds up in.
    pub accumulator: Element,
    /// Weights that a panel takes, in elements of `weight`, given the rows of its reduction and its output channels.
    pub panel: fn(rows: usize, channels: usize) -> usize,
}

impl PartialEq for Numeric {
    /// Number types are equal if their names are.
    fn eq(&self, other: &Numeric) -> bool {
        self.name == other.name
    }
}

impl Eq for Numeric {}
