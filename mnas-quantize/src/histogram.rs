//! A histogram whose range grows with what it sees, in constant memory.

/// Bins on each side of zero.
const BINS: usize = 512;

/// Counts of values in `-limit..limit`; zeros and bounds apart.
#[derive(Clone, Debug)]
pub(crate) struct Histogram {
    /// A power of two; 0 until a value other than 0 was seen.
    limit: f64,
    /// From `-limit` to `limit`.
    bins: Vec<u32>,
    /// Values that are exactly 0, which have no rounding error.
    pub(crate) zeros: u64,
    /// The least value.
    pub(crate) least: f64,
    /// The largest value.
    pub(crate) most: f64,
}

impl Default for Histogram {
    fn default() -> Self {
        Histogram { limit: 0.0, bins: Vec::new(), zeros: 0, least: 0.0, most: 0.0 }
    }
}

impl Histogram {
    /// Counts a value; NaN and infinity are not counted.
    pub(crate) fn add(&mut self, value: f64) {
        if value == 0.0 {
            self.zeros += 1;
            return;
        }
        if !value.is_finite() {
            return;
        }
        self.least = self.least.min(value);
        self.most = self.most.max(value);
        if self.limit == 0.0 {
            self.limit = 2f64.powi(value.abs().log2().floor() as i32 + 1);
            self.bins = vec![0; 2 * BINS];
        }
        while value.abs() >= self.limit {
            self.widen();
        }
        let at = ((value / self.limit + 1.0) * BINS as f64) as usize;
        self.bins[at.min(2 * BINS - 1)] += 1;
    }

    /// Doubles the range: two bins become one.
    fn widen(&mut self) {
        let mut wide = vec![0; 2 * BINS];
        for (at, count) in self.bins.iter().enumerate() {
            wide[BINS / 2 + at / 2] += count;
        }
        self.bins = wide;
        self.limit *= 2.0;
    }

    /// Adds the counts of another histogram.
    pub(crate) fn merge(&mut self, other: &Histogram) {
        self.zeros += other.zeros;
        self.least = self.least.min(other.least);
        self.most = self.most.max(other.most);
        if other.limit == 0.0 {
            return;
        }
        if self.limit == 0.0 {
            (self.limit, self.bins) = (other.limit, other.bins.clone());
            return;
        }
        let mut other = other.clone();
        while self.limit < other.limit {
            self.widen();
        }
        while other.limit < self.limit {
            other.widen();
        }
        self.bins.iter_mut().zip(other.bins).for_each(|(sum, count)| *sum += count);
    }

    /// The middle and the count of every bin that is not empty, zeros left out.
    pub(crate) fn values(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        let width = self.limit / BINS as f64;
        let counted = self.bins.iter().enumerate().filter(|(_, count)| **count > 0);
        counted.map(move |(at, &count)| ((at as f64 + 0.5) * width - self.limit, f64::from(count)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widening_keeps_counts_and_places() {
        let mut histogram = Histogram::default();
        let values: Vec<f64> = (1..2000).map(|i| (f64::from(i) * 0.37).sin() * f64::from(i) / 20.0).collect();
        values.iter().for_each(|&v| histogram.add(v));
        assert_eq!(histogram.values().map(|(_, count)| count as usize).sum::<usize>(), values.len());
        for bound in [-40.0, -10.0, 0.0, 25.0, 80.0] {
            let below = values.iter().filter(|&&v| v < bound).count() as f64;
            let counted: f64 = histogram.values().filter(|(v, _)| *v < bound).map(|(_, count)| count).sum();
            assert!((below - counted).abs() <= 12.0, "{bound}: {below} {counted}");
        }
        // Halves that are merged are the whole, however far each was widened.
        let mut halves = [Histogram::default(), Histogram::default()];
        values.iter().enumerate().for_each(|(i, &v)| halves[usize::from(i > 300)].add(v));
        for (mut a, b) in [(halves[0].clone(), &halves[1]), (halves[1].clone(), &halves[0])] {
            a.merge(b);
            assert_eq!(
                (a.limit, &a.bins, a.least, a.most),
                (histogram.limit, &histogram.bins, histogram.least, histogram.most)
            );
        }
        assert_eq!(histogram.most, values.iter().copied().fold(0.0, f64::max));
        assert_eq!(histogram.least, values.iter().copied().fold(0.0, f64::min));
    }
}
