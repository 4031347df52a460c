//! The values of a channel, so that the error of a scale follows without looking at each of them.

use crate::histogram::Histogram;

/// Values in order, with the sums of all powers up to the second that lie before each.
pub(crate) struct Spread {
    values: Vec<f64>,
    /// One more than there are values: count, sum, sum of squares.
    before: Vec<[f64; 3]>,
    /// The least value, at most 0.
    pub(crate) least: f64,
}

impl Spread {
    /// Of a histogram; its zeros have no error and are left out.
    pub(crate) fn new(histogram: &Histogram) -> Self {
        let mut spread = Spread { values: vec![], before: vec![[0.0; 3]], least: histogram.least };
        let mut sums = [0.0; 3];
        for (value, count) in histogram.values() {
            spread.values.push(value);
            [1.0, value, value * value].iter().zip(&mut sums).for_each(|(power, sum)| *sum += count * power);
            spread.before.push(sums);
        }
        spread
    }

    /// Sum of the squared errors that a scale and a zero point make: that of rounding, uniform in a step, within the
    /// range; that of clipping outside of it.
    pub(crate) fn squared_error(&self, scale: f64, zero: u8) -> f64 {
        let (low, high) = (-f64::from(zero) * scale, (255.0 - f64::from(zero)) * scale);
        let below = self.before[self.values.partition_point(|v| *v < low)];
        let within = self.before[self.values.partition_point(|v| *v <= high)];
        let all = self.before[self.values.len()];
        let above = [all[0] - within[0], all[1] - within[1], all[2] - within[2]];
        // The sum of (value - limit)^2.
        let clipped = |sums: [f64; 3], limit: f64| (sums[2] - 2.0 * limit * sums[1] + limit * limit * sums[0]).max(0.0);
        (within[0] - below[0]) * scale * scale / 12.0 + clipped(below, low) + clipped(above, high)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_those_of_the_values_one_by_one() {
        let mut histogram = Histogram::default();
        (0..3000).map(|i| (f64::from(i) * 0.7).sin() * f64::from(i % 100)).for_each(|v| histogram.add(v));
        let spread = Spread::new(&histogram);
        for (scale, zero) in [(0.1, 0), (0.1, 128), (0.5, 40), (1.0, 128), (0.3, 254)] {
            let (low, high) = (-f64::from(zero) * scale, (255.0 - f64::from(zero)) * scale);
            let error = |(value, count): (f64, f64)| {
                let limited = value.clamp(low, high);
                count * if limited == value { scale * scale / 12.0 } else { (value - limited).powi(2) }
            };
            let expected: f64 = histogram.values().map(error).sum();
            let found = spread.squared_error(scale, zero);
            assert!((found - expected).abs() <= 1e-9 * expected, "{scale} {zero}: {found} {expected}");
        }
    }
}
