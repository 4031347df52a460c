//! An axis: from values to pixels, with ticks at round values.

/// The approximate number of ticks.
const TICKS: f64 = 6.0;

/// From values to pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Axis {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
    is_log: bool,
    /// Whether only whole numbers have a tick.
    is_whole: bool,
}

impl Axis {
    /// Equal differences are equal distances. Ends that are no range become one.
    pub(super) fn linear((low, high): (f64, f64), (from, to): (f64, f64)) -> Self {
        let (low, high) = if low.is_finite() && high.is_finite() { (low, high) } else { (0.0, 1.0) };
        // One value stands in the middle of a range of its own size.
        let around = if low == high { (low.abs() / 2.0).max(f64::MIN_POSITIVE.sqrt()) } else { 0.0 };
        let (low, high) = (low - around, high + around);
        Axis { low, high, from, to, is_log: false, is_whole: false }
    }

    /// Equal factors are equal distances; ends are above 0.
    fn logarithmic((low, high): (f64, f64), (from, to): (f64, f64)) -> Self {
        Axis { low, high, from, to, is_log: true, is_whole: false }
    }

    /// Around values: logarithmic where they are above 0 and differ by a factor of eight, with some room at both ends.
    pub(super) fn around(values: impl Iterator<Item = f64>, pixels: (f64, f64)) -> Self {
        let (low, high) = span(values);
        if low > 0.0 && high >= 8.0 * low {
            let room = (high / low).powf(0.04);
            return Axis::logarithmic((low / room, high * room), pixels);
        }
        let room = (high - low) * 0.05;
        // Nothing that cannot be negative seems to be.
        let below = if low >= 0.0 { (low - room).max(0.0) } else { low - room };
        Axis::linear((below, high + room), pixels)
    }

    /// Of what is counted: ticks are whole numbers.
    pub(super) fn whole(self) -> Self {
        Axis { is_whole: true, ..self }
    }

    /// Where a value is.
    pub(super) fn at(&self, value: f64) -> f64 {
        let part = match self.is_log {
            true => (value / self.low).ln() / (self.high / self.low).ln(),
            false => (value - self.low) / (self.high - self.low),
        };
        // Values are clamped to the surroundings of the plot; NaN is not drawn.
        self.from + part.clamp(-100.0, 100.0) * (self.to - self.from)
    }

    /// What is at a pixel.
    pub(super) fn value(&self, pixel: f64) -> f64 {
        let part = (pixel - self.from) / (self.to - self.from);
        match self.is_log {
            true => self.low * (self.high / self.low).powf(part),
            false => self.low + (self.high - self.low) * part,
        }
    }

    pub(super) fn low(&self) -> f64 {
        self.low
    }

    pub(super) fn high(&self) -> f64 {
        self.high
    }

    /// `count` values from end to end, equally spaced.
    pub(super) fn samples(&self, count: usize) -> Vec<f64> {
        let last = count.max(2) - 1;
        let pixel = |at: usize| self.from + (self.to - self.from) * at as f64 / last as f64;
        (0..=last).map(|at| self.value(pixel(at))).collect()
    }

    /// `log` or `linear`.
    pub(super) fn kind(&self) -> &'static str {
        if self.is_log { "log" } else { "linear" }
    }

    /// Round values between the ends.
    pub(super) fn ticks(&self) -> Vec<f64> {
        if self.is_log {
            let decades = (self.high / self.low).log10();
            let digits: &[f64] = match decades {
                d if d > 4.0 => &[1.0],
                d if d > 2.0 => &[1.0, 3.0],
                _ => &[1.0, 2.0, 5.0],
            };
            let powers = self.low.log10().floor() as i32..=self.high.log10().ceil() as i32;
            // A power below 0 is no exact number; what is divided by one is as near as can be.
            let power = |power: i32| if power < 0 { 1.0 / 10_f64.powi(-power) } else { 10_f64.powi(power) };
            let all = powers.flat_map(|p| digits.iter().map(move |digit| digit * power(p)));
            return all.filter(|value| (self.low..=self.high).contains(value)).collect();
        }
        let step = self.step();
        let first = (self.low / step - 1e-9).ceil() as i64;
        let last = (self.high / step + 1e-9).floor() as i64;
        (first..=last).map(|at| at as f64 * step).collect()
    }

    /// A tick in words, all of an axis with as many digits behind the point.
    pub(super) fn words(&self, tick: f64) -> String {
        if self.is_log {
            let text = format!("{tick:.6}");
            return grouped(text.trim_end_matches('0').trim_end_matches('.'));
        }
        let digits = (-(self.step() * 1.0001).log10().floor()).clamp(0.0, 9.0) as usize;
        let text = format!("{:.digits$}", if tick.abs() < self.step() / 2.0 { 0.0 } else { tick });
        grouped(&text)
    }

    /// 1, 2 or 5 times a power of ten.
    fn step(&self) -> f64 {
        let rough = (self.high - self.low).abs() / TICKS;
        let power = 10_f64.powf(rough.log10().floor());
        let digit = [1.0, 2.0, 5.0, 10.0].into_iter().find(|digit| digit * power >= rough * 0.9).unwrap_or(10.0);
        if self.is_whole { (digit * power).max(1.0) } else { digit * power }
    }
}

/// The smallest and the largest value; `None` without values.
pub(super) fn span(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let values = values.filter(|value| value.is_finite());
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)))
}

/// Commas between thousands.
fn grouped(text: &str) -> String {
    let (sign, rest) = text.strip_prefix('-').map_or(("", text), |rest| ("−", rest));
    let (whole, part) = rest.split_once('.').map_or((rest, None), |(whole, part)| (whole, Some(part)));
    let mut out = sign.to_owned();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    match part {
        Some(part) => format!("{out}.{part}"),
        None => out,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(axis: &Axis) -> Vec<String> {
        axis.ticks().into_iter().map(|tick| axis.words(tick)).collect()
    }

    #[test]
    fn ticks_are_round_and_as_many_as_are_read() {
        let linear = |low, high| Axis::linear((low, high), (0.0, 100.0));
        assert_eq!(words(&linear(0.0, 1.0)), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(words(&linear(95.3, 97.1)), ["95.5", "96.0", "96.5", "97.0"]);
        assert_eq!(words(&linear(-0.3, 0.2)), ["−0.3", "−0.2", "−0.1", "0.0", "0.1", "0.2"]);
        assert_eq!(words(&linear(0.0, 5000.0)), ["0", "1,000", "2,000", "3,000", "4,000", "5,000"]);
        assert_eq!(words(&linear(1.0, 3.2).whole()), ["1", "2", "3"]);
        let log = Axis::around([0.2, 30.0].into_iter(), (0.0, 100.0));
        assert_eq!((log.kind(), words(&log)), ("log", ["0.3", "1", "3", "10", "30"].map(str::to_owned).to_vec()));
        for (low, high) in
            [(0.0, 1e-9), (3.0, 3.0), (0.0, 0.0), (-1.0, 1e12), (f64::NAN, 1.0), (1e-4, 7.0), (0.1, 90.0)]
        {
            for axis in [linear(low, high), Axis::around([low, high].into_iter(), (0.0, 100.0))] {
                let ticks = axis.ticks();
                assert!((2..=14).contains(&ticks.len()), "{low} to {high}: {ticks:?} on {axis:?}");
                assert!(ticks.iter().all(|&tick| (-0.01..=100.01).contains(&axis.at(tick))), "{axis:?}");
            }
        }
    }

    #[test]
    fn values_lie_where_they_should() {
        let axis = Axis::linear((10.0, 20.0), (0.0, 100.0));
        assert_eq!([10.0, 15.0, 20.0].map(|value| axis.at(value)), [0.0, 50.0, 100.0]);
        let axis = Axis::logarithmic((1.0, 100.0), (100.0, 0.0));
        assert_eq!([1.0, 10.0, 100.0].map(|value| axis.at(value)), [100.0, 50.0, 0.0]);
        assert_eq!(axis.samples(3), [1.0, 10.0, 100.0]);
        for value in [1.0, 3.0, 99.0] {
            assert!((axis.value(axis.at(value)) / value - 1.0).abs() < 1e-12);
        }
        assert!(axis.at(f64::INFINITY).is_finite());
    }
}
