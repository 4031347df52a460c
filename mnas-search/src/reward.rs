//! The reward of a network: accuracy and latency as one number.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The target of a reward: the time that an inference may take.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
pub struct Target {
    /// Milliseconds.
    pub ms: f64,
}

impl Target {
    /// Times below this, in milliseconds, are shown in microseconds.
    pub(crate) const MICROSECONDS_BELOW: f64 = 0.1;
}

impl std::str::FromStr for Target {
    type Err = String;

    /// `25ms`, `25`, `40fps` or `5.5us`.
    fn from_str(text: &str) -> Result<Self, String> {
        let lower = text.trim().to_ascii_lowercase();
        let of_unit = |unit: &str| lower.strip_suffix(unit);
        let milliseconds: (&str, fn(f64) -> f64) = match (of_unit("fps"), of_unit("us").or(of_unit("µs"))) {
            (Some(number), _) => (number, |rate| 1000.0 / rate),
            (None, Some(number)) => (number, |us| us / 1000.0),
            (None, None) => (of_unit("ms").unwrap_or(&lower), |ms| ms),
        };
        let mistake =
            || "write milliseconds, microseconds or frames a second above 0, such as 25ms, 50us or 40fps".to_owned();
        let value: f64 = milliseconds.0.trim().parse().map_err(|_| mistake())?;
        let ms = milliseconds.1(value);
        if value > 0.0 && ms > 0.0 && ms.is_finite() { Ok(Self { ms }) } else { Err(mistake()) }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (time, unit) = if self.ms < Self::MICROSECONDS_BELOW { (self.ms * 1e3, "us") } else { (self.ms, "ms") };
        write!(f, "{} {unit} ({} fps)", significant(time), significant(1000.0 / self.ms))
    }
}

fn significant(value: f64) -> f64 {
    let scale = 10_f64.powi(5 - value.abs().log10().ceil() as i32);
    (value * scale).round() / scale
}

/// How accuracy and latency become one number. Accuracy is from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reward {
    /// The accuracy alone.
    Accuracy,
    /// MnasNet's `ACC * (LAT / T)^w`, where w is alpha up to T, and beta beyond.
    Weighted {
        /// T.
        target: Target,
        /// Exponent for latencies up to T.
        alpha: f64,
        /// Exponent for latencies above T.
        beta: f64,
    },
    /// TuNAS's `ACC + beta * |LAT / T - 1|`.
    Absolute {
        /// T.
        target: Target,
        /// Below 0.
        beta: f64,
    },
}

impl Reward {
    /// Hard: a latency below T gains nothing, and above it the reward falls in proportion to the latency.
    pub const HARD: (f64, f64) = (0.0, -1.0);
    /// Soft: MnasNet's, for tasks where a doubled latency buys five percent of accuracy.
    pub const SOFT: (f64, f64) = (-0.07, -0.07);
    /// TuNAS's exponent.
    pub const ABSOLUTE: f64 = -0.1;

    /// The reward of a network. Only [`Reward::Accuracy`] is defined without a latency; the others are minus infinity
    /// then.
    pub fn of(&self, accuracy: f64, latency_ms: Option<f64>) -> f64 {
        let nothing = f64::NEG_INFINITY;
        match (*self, latency_ms) {
            (Self::Accuracy, _) => accuracy,
            (Self::Weighted { .. } | Self::Absolute { .. }, None) => nothing,
            (Self::Weighted { target, alpha, beta }, Some(latency)) => {
                let w = if latency <= target.ms { alpha } else { beta };
                accuracy * (latency / target.ms).powf(w)
            }
            (Self::Absolute { target, beta }, Some(latency)) => accuracy + beta * (latency / target.ms - 1.0).abs(),
        }
    }

    /// Whether the reward depends on latency.
    pub fn needs_latency(&self) -> bool {
        !matches!(self, Self::Accuracy)
    }
}

impl fmt::Display for Reward {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accuracy => f.write_str("ACC"),
            Self::Weighted { target, alpha, beta } if alpha == beta => {
                write!(f, "ACC * (LAT / T)^w, T = {target}, w = {alpha:.4}")
            }
            Self::Weighted { target, alpha, beta } => {
                write!(f, "ACC * (LAT / T)^w, T = {target}, w = {alpha:.4} up to T, {beta:.4} beyond")
            }
            Self::Absolute { target, beta } => write!(f, "ACC + {beta} * |LAT / T - 1|, T = {target}"),
        }
    }
}

/// Minus the exponent with which latency buys accuracy around `target` among these samples `(accuracy, latency in ms)`:
/// the best accuracy within twice the target against the best within half of it. With it as w, networks along the front
/// around T have about the same reward, so that neither accuracy nor latency is traded away. (A slope over all samples
/// would be that of the fastest networks, where a little latency buys much, and the search would end among them.)
///
/// `None` where no two samples in that range differ in latency, or where the slower ones are not better.
pub fn fit_exponent(samples: &[(f64, f64)], target: Target) -> Option<f64> {
    let is_good =
        |&&(accuracy, latency): &&(f64, f64)| accuracy > 0.0 && latency > 0.0 && (accuracy * latency).is_finite();
    let samples: Vec<(f64, f64)> = samples.iter().filter(is_good).copied().collect();
    let latencies = || samples.iter().map(|sample| sample.1);
    let (fastest, slowest) = (latencies().fold(f64::INFINITY, f64::min), latencies().fold(0.0, f64::max));
    let (low, high) = (fastest.max(target.ms / 2.0), slowest.min(target.ms * 2.0));
    let best = |most: f64| samples.iter().filter(|sample| sample.1 <= most).map(|sample| sample.0).fold(0.0, f64::max);
    let exponent = (best(high) / best(low)).ln() / (high / low).ln();
    (low < high && exponent.is_finite() && exponent > 0.0).then_some(-exponent)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weighted((alpha, beta): (f64, f64)) -> Reward {
        Reward::Weighted { target: Target { ms: 80.0 }, alpha, beta }
    }

    #[track_caller]
    fn near(is: f64, expected: f64) {
        assert!((is - expected).abs() < 5e-4, "{is} is not {expected}");
    }

    /// ACC .5, T 80 ms; 2^-0.07 = 0.9526, 2^0.07 = 1.0497.
    #[test]
    fn rewards_are_those_worked_out_by_hand() {
        near(weighted(Reward::HARD).of(0.5, Some(160.0)), 0.250);
        near(weighted(Reward::SOFT).of(0.5, Some(160.0)), 0.476);
        near(weighted(Reward::HARD).of(0.5, Some(40.0)), 0.5);
        near(weighted(Reward::SOFT).of(0.5, Some(40.0)), 0.525);
        near(weighted(Reward::HARD).of(0.5, Some(80.0)), 0.5);
        near(weighted((-0.5, -2.0)).of(0.5, Some(320.0)), 0.5 / 16.0);
        near(weighted((-0.5, -2.0)).of(0.5, Some(20.0)), 1.0);
        let absolute = Reward::Absolute { target: Target { ms: 80.0 }, beta: Reward::ABSOLUTE };
        near(absolute.of(0.5, Some(160.0)), 0.4);
        near(absolute.of(0.5, Some(40.0)), 0.45);
        near(Reward::Accuracy.of(0.5, None), 0.5);
        assert_eq!(absolute.of(0.5, None), f64::NEG_INFINITY);
        // A doubled latency that buys five percent has the same reward: ln 1.05 / ln 2.
        let fair = weighted((-0.0704, -0.0704));
        near(fair.of(0.5, Some(80.0)), fair.of(0.525, Some(160.0)));
    }

    #[test]
    fn targets_are_times_or_rates() {
        let parse = |text: &str| text.parse::<Target>();
        assert_eq!(parse("25ms"), Ok(Target { ms: 25.0 }));
        assert_eq!(parse("25"), Ok(Target { ms: 25.0 }));
        assert_eq!(parse("40 FPS"), Ok(Target { ms: 25.0 }));
        assert_eq!(parse("5.5us"), Ok(Target { ms: 0.0055 }));
        assert_eq!(parse("50 µs"), Ok(Target { ms: 0.05 }));
        assert_eq!(Target { ms: 25.0 }.to_string(), "25 ms (40 fps)");
        assert_eq!(Target { ms: 0.05 }.to_string(), "50 us (20000 fps)");
        let reward = |alpha, beta| Reward::Weighted { target: Target { ms: 25.0 }, alpha, beta }.to_string();
        assert_eq!(reward(-0.03, -0.03), "ACC * (LAT / T)^w, T = 25 ms (40 fps), w = -0.0300");
        assert_eq!(reward(0.0, -1.0), "ACC * (LAT / T)^w, T = 25 ms (40 fps), w = 0.0000 up to T, -1.0000 beyond");
        for text in ["", "ms", "us", "0", "0us", "-3ms", "nan", "inf", "0fps", "3s"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_exponent_is_what_latency_bought_around_the_target() {
        // ACC = 0.4 * LAT^0.05 from T / 2 to 2 T. Much worse faster networks and slower ones that are not better do not
        // count, nor do some that are worse in both.
        let target = Target { ms: 20.0 };
        let mut samples: Vec<(f64, f64)> = [10.0, 20.0, 40.0].map(|ms: f64| (0.4 * ms.powf(0.05), ms)).to_vec();
        samples.extend([(0.1, 2.0), (0.2, 5.0), (0.3, 15.0), (0.2, 35.0), (0.9, 80.0)]);
        let w = fit_exponent(&samples, target).unwrap();
        assert!((w + 0.05).abs() < 1e-12, "{w}");
        let reward = Reward::Weighted { target, alpha: w, beta: w };
        near(reward.of(samples[0].0, Some(10.0)), reward.of(samples[2].0, Some(40.0)));
        // By hand: from 10 ms (fastest) to 25 ms (slowest), .5 to .6: ln 1.2 / ln 2.5.
        let w = fit_exponent(&[(0.5, 10.0), (0.6, 25.0)], Target { ms: 15.0 }).unwrap();
        near(w, -0.1990);
        assert_eq!(fit_exponent(&samples[..1], target), None);
        assert_eq!(fit_exponent(&[], target), None);
        assert_eq!(fit_exponent(&[(0.9, 15.0), (0.8, 20.0)], target), None);
        // No sample is near the target.
        assert_eq!(fit_exponent(&[(0.5, 100.0), (0.6, 200.0)], target), None);
    }
}
