//! Finds the roundest ratio that gives the widths of a file.

use mnas_dsl::rounding::{round_channels, se_channels};
use mnas_dsl::spec::SeRounding;

/// Input channels and the width that the ratio has to give.
pub(crate) type Widths = [(usize, usize)];

/// `expand` of a block with these layers; `None` where no ratio gives all widths.
pub(crate) fn expand(widths: &Widths) -> Option<f64> {
    const LARGEST: f64 = 64.0;
    find(widths, &[1.0, 2.0, 10.0, 100.0, 1000.0], LARGEST, |channels, ratio| round_channels(channels as f64 * ratio))
}

/// `reduce` of a block with these filters, each with the channels between; `None` where no ratio gives all widths.
pub(crate) fn reduce(widths: &Widths) -> Option<f64> {
    let denominators = [4.0, 1.0, 2.0, 8.0, 16.0, 10.0, 100.0, 1000.0, 10000.0];
    find(widths, &denominators, 1.0, |filters, ratio| ((filters as f64 * ratio).round_ties_even() as usize).max(1))
}

/// `se` of a block with these layers; `None` where no ratio gives all widths.
pub(crate) fn squeeze_excite(widths: &Widths, rounding: SeRounding) -> Option<f64> {
    const QUARTER: f64 = 0.25;
    // Every family has this ratio, so it is preferred to others that give the same width.
    if widths.iter().all(|&(channels, made)| se_channels(channels, QUARTER, rounding) == made) {
        return Some(QUARTER);
    }
    let denominators = [1.0, 2.0, 4.0, 8.0, 16.0, 10.0, 12.0, 100.0, 1000.0, 10000.0];
    find(widths, &denominators, 1.0, |channels, ratio| se_channels(channels, ratio, rounding))
}

/// The first of the fractions with these denominators, then the exact quotients, that gives all widths.
fn find(widths: &Widths, denominators: &[f64], largest: f64, width: impl Fn(usize, f64) -> usize) -> Option<f64> {
    let exact = || widths.iter().map(|&(channels, made)| made as f64 / channels as f64);
    let rounded = denominators.iter().flat_map(|&denominator| {
        exact().flat_map(move |ratio| {
            let scaled = ratio * denominator;
            [scaled.round(), scaled.floor(), scaled.ceil()].map(|it| it / denominator)
        })
    });
    rounded.chain(exact()).find(|&ratio| {
        ratio > 0.0 && ratio <= largest && widths.iter().all(|&(channels, made)| width(channels, ratio) == made)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_those_that_people_write() {
        assert_eq!(expand(&[(16, 96)]), Some(6.0));
        assert_eq!(expand(&[(16, 72), (24, 88)]), None);
        assert_eq!(expand(&[(80, 200)]), Some(2.5));
        assert_eq!(expand(&[(80, 184)]), Some(2.3));
        assert_eq!(expand(&[(24, 72), (40, 120), (40, 120)]), Some(3.0));
        // Expansions are multiples of 8.
        assert_eq!(expand(&[(24, 100)]), None);
        let nearest = |widths: &Widths| squeeze_excite(widths, SeRounding::Nearest);
        assert_eq!(nearest(&[(24, 6), (40, 10)]), Some(0.25));
        assert_eq!(nearest(&[(8, 1), (16, 1)]), Some(0.0625));
        assert_eq!(nearest(&[(24, 7)]), Some(0.3));
        assert_eq!(nearest(&[(8, 16)]), None);
        assert_eq!(nearest(&[(22, 5)]), Some(0.23));
        assert_eq!(squeeze_excite(&[(22, 5)], SeRounding::Floor), Some(0.25));
        assert_eq!(squeeze_excite(&[(16, 8)], SeRounding::Channels), Some(0.25));
        assert_eq!(squeeze_excite(&[(72, 24), (120, 32)], SeRounding::Channels), Some(0.25));
    }
}
