//! How well two lists agree, with a confidence interval.

use crate::rng::Rng;

/// Resamples of a bootstrap.
const RESAMPLES: usize = 2000;

/// Kendall's tau of two lists, with ties (tau-b): 1 where all pairs have the same order in both lists, -1 where they
/// have the opposite order, 0 where one of the lists has no order.
///
/// # Panics
///
/// If the lists have different lengths.
pub fn kendall_tau(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len(), "the lists have different lengths");
    let (mut same, mut opposite, mut only_a, mut only_b) = (0_u64, 0_u64, 0_u64, 0_u64);
    for i in 0..a.len() {
        for j in 0..i {
            match (a[i].total_cmp(&a[j]) as i32, b[i].total_cmp(&b[j]) as i32) {
                (0, 0) => {}
                (0, _) => only_b += 1,
                (_, 0) => only_a += 1,
                (one, other) if one == other => same += 1,
                _ => opposite += 1,
            }
        }
    }
    let ordered = same + opposite;
    let all = ((ordered + only_a) as f64 * (ordered + only_b) as f64).sqrt();
    if all == 0.0 { 0.0 } else { (same as f64 - opposite as f64) / all }
}

/// The 95 % interval of [`kendall_tau`], by bootstrap over pairs. The generator has a fixed seed: equal lists have
/// equal intervals.
///
/// # Panics
///
/// If the lists are empty or have different lengths.
pub fn kendall_tau_interval(a: &[f64], b: &[f64]) -> (f64, f64) {
    let mut rng = Rng::new(a.len() as u64);
    let mut taus: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            let drawn: Vec<usize> = (0..a.len()).map(|_| rng.below(a.len())).collect();
            let of = |list: &[f64]| -> Vec<f64> { drawn.iter().map(|&at| list[at]).collect() };
            kendall_tau(&of(a), &of(b))
        })
        .collect();
    taus.sort_by(f64::total_cmp);
    (taus[RESAMPLES * 25 / 1000], taus[RESAMPLES * 975 / 1000 - 1])
}

/// The mean.
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The unbiased estimate of the variance; 0 for a single value.
pub fn variance(values: &[f64]) -> f64 {
    let mean = mean(values);
    let sum: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
    if values.len() > 1 { sum / (values.len() - 1) as f64 } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tau_is_what_pairs_counted_by_hand_give() {
        let up = [1.0, 2.0, 3.0, 4.0];
        assert_eq!(kendall_tau(&up, &up), 1.0);
        assert_eq!(kendall_tau(&up, &[4.0, 3.0, 2.0, 1.0]), -1.0);
        // Of six pairs, 2 and 3 are the wrong way round: (5 - 1) / 6.
        assert!((kendall_tau(&up, &[1.0, 3.0, 2.0, 4.0]) - 4.0 / 6.0).abs() < 1e-15);
        // One tie in the second: (5 - 0) / sqrt(6 * 5).
        assert!((kendall_tau(&up, &[1.0, 2.0, 2.0, 4.0]) - 5.0 / 30.0_f64.sqrt()).abs() < 1e-15);
        // 0 and -0 are not equal to total_cmp; accuracies are never -0.
        assert_eq!(kendall_tau(&up, &[1.0; 4]), 0.0);
        assert_eq!(kendall_tau(&[], &[]), 0.0);
        assert_eq!(kendall_tau(&[1.0, 1.0], &[1.0, 2.0]), 0.0);
        // One tie in the first.
        assert!((kendall_tau(&[1.0, 1.0, 2.0, 3.0], &up) - 5.0 / 30.0_f64.sqrt()).abs() < 1e-12);
        assert_eq!(kendall_tau(&up, &[10.0, 20.0, 30.0, 40.0]), 1.0);
    }

    #[test]
    fn intervals_cover_the_true_value_at_their_rate() {
        assert_eq!(kendall_tau_interval(&[1.0, 2.0, 3.0], &[1.0, 2.0, 3.0]).1, 1.0);
        // Two noisy views of one order, whose tau is known for many: 2 / pi * asin(rho), rho = 1 / (1 + 1).
        let truth = 2.0 / std::f64::consts::PI * 0.5_f64.asin();
        let mut rng = Rng::new(3);
        let mut normal = || (0..12).map(|_| rng.unit()).sum::<f64>() - 6.0;
        let (mut holds, mut width) = (0, 0.0);
        for _ in 0..100 {
            let (mut a, mut b) = (Vec::new(), Vec::new());
            for _ in 0..25 {
                let common = normal();
                a.push(common + normal());
                b.push(common + normal());
            }
            let (low, high) = kendall_tau_interval(&a, &b);
            assert!(low <= kendall_tau(&a, &b) && kendall_tau(&a, &b) <= high);
            holds += u32::from(low <= truth && truth <= high);
            width += (high - low) / 100.0;
        }
        // 95 of 100 with a deviation of 2.2; an interval that is always everything would hold too.
        assert!((87..=100).contains(&holds) && width < 0.7, "{holds} of 100, {width} wide");
    }

    #[test]
    fn variances_are_those_worked_out_by_hand() {
        assert_eq!(mean(&[1.0, 2.0, 6.0]), 3.0);
        assert_eq!(variance(&[1.0, 2.0, 6.0]), (4.0 + 1.0 + 9.0) / 2.0);
        assert_eq!(variance(&[5.0]), 0.0);
    }
}
