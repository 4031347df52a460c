//! From times of runs to a figure with an interval.

use super::answer::Times;
use crate::quantile::{median, quantile};
use mnas_search::rng::Rng;
use serde::{Deserialize, Serialize};

/// Resamples of a bootstrap.
const RESAMPLES: usize = 500;
/// The halves of a measurement that settled differ by no more, as a part.
const SETTLED: f64 = 0.02;
/// Nanoseconds that a clock may be off: of the shortest layers more than `SETTLED`.
const TICK: f64 = 10.0;

/// How long something takes, in units of the reference network's time just before: what slows down both is not in it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Figure {
    /// The median.
    pub(super) ratio: f64,
    /// Lower end of its interval of 95 %, by bootstrap.
    pub(super) low: f64,
    /// Upper end.
    pub(super) high: f64,
    /// What nine of ten runs do not exceed.
    pub(super) p90: f64,
    /// Median of the nanoseconds as they were.
    pub(super) ns: f64,
    /// Median of the reference network's.
    pub(super) reference_ns: f64,
    /// Runs.
    pub(super) runs: usize,
    /// Whether it settled.
    pub(super) is_stable: bool,
}

impl Figure {
    /// Of runs in passes of `pass` runs, after a warm-up that `settled` or not.
    pub(super) fn of(times: &Times, pass: usize, settled: bool) -> Self {
        let parts = times.ns.chunks(pass.max(1)).zip(times.reference_ns.chunks(pass.max(1)));
        // One run of the reference is as uncertain as one of what is measured; a pass is too short to drift.
        let ratios: Vec<f64> = parts
            .flat_map(|(ns, reference)| {
                let reference = median(reference);
                ns.iter().map(move |ns| ns / reference)
            })
            .collect();
        let (low, high) = bootstrap(&ratios);
        let ratio = median(&ratios);
        let halves = ratios.split_at(ratios.len() / 2);
        let [first, second] = [halves.0, halves.1].map(median);
        let (ns, reference_ns) = (median(&times.ns), median(&times.reference_ns));
        let allowed = (SETTLED * ratio).max(TICK / reference_ns);
        Figure {
            ratio,
            low,
            high,
            p90: quantile(&ratios, 0.9),
            ns,
            reference_ns,
            runs: ratios.len(),
            is_stable: settled && (first - second).abs() <= allowed && high - low <= 2.0 * allowed,
        }
    }

    /// Whether its numbers can be those of a measurement.
    pub(super) fn is_possible(&self) -> bool {
        let Figure { ratio, low, high, p90, ns, reference_ns, runs, .. } = *self;
        let finite = [ratio, low, high, p90, ns, reference_ns].iter().all(|value| value.is_finite() && *value > 0.0);
        finite && low <= ratio && ratio <= high && runs > 0
    }
}

/// The interval in which 95 % of the medians of resamples lie; equal values give equal intervals.
fn bootstrap(values: &[f64]) -> (f64, f64) {
    if values.is_empty() {
        return (0.0, 0.0);
    }
    let mut rng = Rng::new(1);
    let mut resample = || {
        let values: Vec<f64> = (0..values.len()).map(|_| values[rng.below(values.len())]).collect();
        median(&values)
    };
    let medians: Vec<f64> = (0..RESAMPLES).map(|_| resample()).collect();
    (quantile(&medians, 0.025), quantile(&medians, 0.975))
}

/// A sum of figures, each as often as it is said, and half its interval: figures err independently of each other, equal
/// ones equally.
pub(super) fn sum(figures: impl Iterator<Item = (Figure, usize)>) -> (f64, f64, f64, bool) {
    let (mut all, mut below, mut above, mut unstable) = (0.0, 0.0, 0.0, 0.0);
    for (figure, count) in figures {
        let count = count as f64;
        all += count * figure.ratio;
        below += (count * (figure.ratio - figure.low)).powi(2);
        above += (count * (figure.high - figure.ratio)).powi(2);
        if !figure.is_stable {
            unstable += count * figure.ratio;
        }
    }
    // What did not settle is a twentieth of it at most: that leaves the sum within the bound on stable ones.
    (all, all - below.sqrt(), all + above.sqrt(), unstable <= all * 0.05)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(ns: Vec<f64>, reference_ns: Vec<f64>) -> Times {
        Times { ns, reference_ns }
    }

    #[test]
    fn drift_is_not_in_a_figure() {
        // The clock falls to a half after the first pass.
        let figure = Figure::of(
            &times(vec![300.0, 300.0, 300.0, 600.0, 600.0, 600.0], vec![100.0, 100.0, 100.0, 200.0, 200.0, 200.0]),
            3,
            true,
        );
        assert_eq!((figure.ratio, figure.low, figure.high, figure.p90, figure.runs), (3.0, 3.0, 3.0, 3.0, 6));
        assert_eq!((figure.ns, figure.reference_ns), (450.0, 150.0));
        assert!(figure.is_stable && figure.is_possible());
    }

    #[test]
    fn unsettled_measurements_are_unstable() {
        let constant = vec![1000.0; 40];
        let slower: Vec<f64> = (0..40).map(|i| if i < 20 { 1000.0 } else { 1030.0 }).collect();
        assert!(Figure::of(&times(constant.clone(), constant.clone()), 4, true).is_stable);
        assert!(!Figure::of(&times(slower, constant.clone()), 4, true).is_stable);
        assert!(!Figure::of(&times(constant.clone(), constant), 4, false).is_stable);
        // Of two modes the median is anywhere between.
        let modes: Vec<f64> = (0..40).map(|i| if i % 2 == 0 { 1000.0 } else { 1200.0 }).collect();
        assert!(!Figure::of(&times(modes, vec![1000.0; 40]), 4, true).is_stable);
    }

    #[test]
    fn intervals_hold_the_median_and_grow_with_the_spread() {
        let spread = |by: f64| {
            let ns: Vec<f64> = (0..41).map(|i| 1000.0 + by * f64::from((i * 17) % 41 - 20)).collect();
            Figure::of(&times(ns, vec![1000.0; 41]), 1, true)
        };
        let (narrow, wide) = (spread(1.0), spread(10.0));
        for figure in [narrow, wide] {
            assert!(figure.low < 1.0 && figure.high > 1.0 && (figure.ratio - 1.0).abs() < 1e-12);
        }
        assert!(wide.high - wide.low > 5.0 * (narrow.high - narrow.low));
        assert_eq!(spread(10.0), wide);
    }

    #[test]
    fn sums_add_squares_of_what_is_independent() {
        let figure = |ratio: f64, by: f64, is_stable| Figure {
            ratio,
            low: ratio - by,
            high: ratio + by,
            p90: ratio,
            ns: 1.0,
            reference_ns: 1.0,
            runs: 9,
            is_stable,
        };
        let (all, low, high, stable) = sum([(figure(10.0, 3.0, true), 1), (figure(5.0, 2.0, true), 2)].into_iter());
        assert_eq!((all, low, high, stable), (20.0, 15.0, 25.0, true));
        let small = [(figure(19.0, 0.0, true), 1), (figure(1.0, 0.0, false), 1)];
        assert!(sum(small.into_iter()).3);
        let large = [(figure(18.0, 0.0, true), 1), (figure(1.0, 0.0, false), 2)];
        assert!(!sum(large.into_iter()).3);
    }
}
