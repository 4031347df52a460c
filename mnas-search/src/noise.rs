//! How far accuracies differ by chance.

use crate::findings::{Ranking, RungNoise};

/// Differences of accuracy that are noise, by rung, as far as they were measured.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Noise {
    lowest: f64,
    highest: Option<(u32, f64)>,
}

impl Noise {
    /// The noise that a search measured. Rungs between the lowest and the highest have no figure and use that of the lowest,
    /// which is larger.
    pub fn of(ranking: Option<&Ranking>, highest: Option<&RungNoise>) -> Self {
        Self {
            lowest: ranking.map_or(0.0, Ranking::noise),
            highest: highest.and_then(|it| Some((it.rung, it.noise()?))),
        }
    }

    /// The noise of this rung.
    pub fn at(&self, rung: u32) -> f64 {
        self.highest.filter(|&(highest, _)| highest == rung).map_or(self.lowest, |(_, noise)| noise)
    }
}
