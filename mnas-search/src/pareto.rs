//! Two objectives: accuracy, more is better, and latency, less is better.

/// Whether `a` is at least as good as `b` in both objectives and better in one; each is `(accuracy, latency)`.
pub fn dominates(a: (f64, f64), b: (f64, f64)) -> bool {
    a.0 >= b.0 && a.1 <= b.1 && (a.0 > b.0 || a.1 < b.1)
}

/// The indices of the points that no other point dominates, by rising latency; of equal points the first.
pub fn front(points: &[(f64, f64)]) -> Vec<usize> {
    let mut order: Vec<usize> =
        (0..points.len()).filter(|&at| !points[at].0.is_nan() && !points[at].1.is_nan()).collect();
    order.sort_by(|&a, &b| {
        points[a].1.total_cmp(&points[b].1).then(points[b].0.total_cmp(&points[a].0)).then(a.cmp(&b))
    });
    let mut best = f64::NEG_INFINITY;
    order.retain(|&at| {
        let is_better = points[at].0 > best;
        best = best.max(points[at].0);
        is_better
    });
    order
}

/// The area that the points dominate, bounded by `reference`, a point `(accuracy, latency)` that is worse than all
/// points that count.
pub fn hypervolume(points: &[(f64, f64)], reference: (f64, f64)) -> f64 {
    let front = front(points);
    let mut area = 0.0;
    let mut floor = reference.0;
    for at in front {
        let (accuracy, latency) = points[at];
        if accuracy > floor && latency < reference.1 {
            area += (accuracy - floor) * (reference.1 - latency);
            floor = accuracy;
        }
    }
    area
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn areas_are_those_counted_on_squared_paper() {
        let reference = (0.0, 10.0);
        assert_eq!(hypervolume(&[], reference), 0.0);
        assert_eq!(hypervolume(&[(2.0, 7.0)], reference), 6.0);
        // A step of 2 by 3, then one of 3 by 1; the third point is dominated, the fourth too slow to count.
        let points = [(2.0, 7.0), (5.0, 9.0), (1.0, 8.0), (9.0, 10.0)];
        assert_eq!(hypervolume(&points, reference), 6.0 + 3.0);
        assert_eq!(front(&points), [0, 1, 3]);
    }

    #[test]
    fn a_front_has_the_points_that_no_other_dominates() {
        let mut rng = crate::rng::Rng::new(5);
        let points: Vec<_> = (0..300).map(|_| (rng.below(20) as f64, rng.below(20) as f64)).collect();
        let front = front(&points);
        for at in 0..points.len() {
            let is_beaten = points.iter().any(|&other| dominates(other, points[at]));
            let is_first = !points[..at].contains(&points[at]);
            assert_eq!(front.contains(&at), !is_beaten && is_first, "{at}");
        }
    }
}
