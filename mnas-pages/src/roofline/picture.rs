//! What a roofline shows.

use mnas_measure::roofline::Limit;

/// What is drawn.
#[derive(Clone, Debug)]
pub struct Picture {
    /// First line.
    pub title: String,
    /// Second line.
    pub subtitle: String,
    /// What a dot and its label are.
    pub note: String,
    /// Floating-point operations a second at most.
    pub flops: f64,
    /// Nearest first.
    pub roofs: Vec<Roof>,
    /// One for each block.
    pub dots: Vec<Dot>,
}

/// What a place that is read from allows.
#[derive(Clone, Debug)]
pub struct Roof {
    /// `L2`, ..., `DRAM`.
    pub name: String,
    /// Bytes a second.
    pub bandwidth: f64,
}

/// A block.
#[derive(Clone, Debug)]
pub struct Dot {
    /// Its label.
    pub name: String,
    /// Operations a byte.
    pub intensity: f64,
    /// Operations a second.
    pub rate: f64,
    /// Operations a second at most.
    pub bound: f64,
    /// Of the network's time; the dot's area.
    pub share: f64,
    /// What bounds it; the dot's colour.
    pub limit: Limit,
}
