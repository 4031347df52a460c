//! How far accuracies differ by chance.

use crate::findings::{Ranking, RungNoise};

/// Differences of accuracy on one rung that say nothing, as far as it was found out.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Noise {
    lowest: f64,
    highest: Option<(u32, f64)>,
}

impl Noise {
    /// What a search found out. The rungs between the lowest and the highest have no figure of their own: they go by that of
    /// the lowest, which is the larger.
    pub fn of(ranking: Option<&Ranking>, highest: Option<&RungNoise>) -> Self {
        Self {
            lowest: ranking.map_or(0.0, Ranking::noise),
            highest: highest.and_then(|it| Some((it.rung, it.noise()?))),
        }
    }

    /// Of this rung.
    pub fn at(&self, rung: u32) -> f64 {
        self.highest.filter(|&(highest, _)| highest == rung).map_or(self.lowest, |(_, noise)| noise)
    }
}
