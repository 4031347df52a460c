//! How well the sum of its layers tells how long a network takes.

use mnas_search::findings::{Pair, Prediction};
use mnas_search::stats::kendall_tau;

/// A sum this near to the whole, as a part of it, is counted as right.
const NEAR: f64 = 0.1;

/// What pairs of figures show.
pub fn of(pairs: Vec<Pair>) -> Prediction {
    let near = pairs.iter().filter(|pair| off(pair).abs() <= NEAR).count();
    let [predicted, measured]: [Vec<f64>; 2] =
        [pairs.iter().map(|pair| pair.predicted.ms).collect(), pairs.iter().map(|pair| pair.measured.ms).collect()];
    let within_10_percent = near as f64 / pairs.len().max(1) as f64;
    Prediction { within_10_percent, tau: kendall_tau(&predicted, &measured), pairs }
}

/// How far a sum is from the whole, as a part of the whole.
pub fn off(pair: &Pair) -> f64 {
    pair.predicted.ms / pair.measured.ms - 1.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use mnas_search::job::Latency;

    #[test]
    fn shares_and_tau_by_hand() {
        let pair = |predicted: f64, measured: f64| Pair {
            spec: String::new(),
            predicted: Latency::exact(predicted),
            measured: Latency::exact(measured),
        };
        let prediction = of(vec![pair(1.05, 1.0), pair(1.85, 2.0), pair(3.4, 3.0), pair(3.3, 4.0)]);
        assert_eq!(prediction.within_10_percent, 0.5);
        // One of six pairs is turned round.
        assert!((prediction.tau - 4.0 / 6.0).abs() < 1e-12);
        assert_eq!(of(Vec::new()).within_10_percent, 0.0);
    }
}
