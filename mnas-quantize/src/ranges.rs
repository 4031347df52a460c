//! From histograms to scales and zero points.

use crate::Member;
use crate::histogram::Histogram;
use crate::observe::Observations;
use crate::spread::Spread;
use mnas_codegen::graph::TensorId;
use mnas_codegen::quantized::Map;
use mnas_codegen::quantized::arithmetic::RELU6_SCALE;
use mnas_codegen::quantized::structure::Role;

/// How the range of a map follows from the values that it had.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Method {
    /// The least mean squared error: rounding within the range, clipping outside of it. Where each channel has a scale,
    /// ranges get a margin for values that were not seen, as large as half of the images need it for the other half.
    Mse,
    /// All values.
    MinMax,
    /// All but so many percent at either end, such as 99.99.
    Percentile(f64),
}

/// Fractions of the observed range that are tried.
const STEPS: usize = 80;
/// The least of them.
const LEAST: f64 = 0.15;

/// The zero point of each member of a group, and the scale of all of them.
///
/// Where some members are positive and some are not, the signed ones have their zero point in the middle.
pub(crate) fn of_group(members: &[Member], observations: &Observations, method: Method) -> (Vec<u8>, f32) {
    let of = |positive: bool| -> Vec<Histogram> {
        let members = members.iter().filter(|m| m.is_positive() == positive);
        members.flat_map(|m| observations.channels(m.id)).collect()
    };
    let (positive, signed) = (of(true), of(false));
    let all: Vec<&Histogram> = positive.iter().chain(&signed).collect();
    let range = bounds(&all, method);
    let zeros = match (range.0 < 0.0, positive.is_empty()) {
        (false, _) => vec![0],
        (true, true) => zero_points(range.0, range.1),
        (true, false) => vec![128],
    };
    let spreads: Vec<Spread> = all.iter().map(|c| Spread::new(c)).collect();
    let tried = zeros.into_iter().map(|zero| {
        let zero_of = |at: usize| if at < positive.len() { 0 } else { zero };
        let whole = all.iter().enumerate().fold(0.0, |w: f64, (at, c)| w.max(whole(bounds(&[c], method), zero_of(at))));
        let error =
            |scale: f64| -> f64 { spreads.iter().enumerate().map(|(at, c)| c.squared_error(scale, zero_of(at))).sum() };
        (best_scale(whole, method, error), zero)
    });
    let ((scale, _), zero) = tried.min_by(|a, b| a.0.1.total_cmp(&b.0.1)).expect("a zero point is tried");
    let scale = if scale > f64::from(f32::MIN_POSITIVE) { scale } else { f64::from(UNSEEN) };
    let limit = members.iter().fold(scale as f32, |scale, m| limited(f64::from(scale), m.role));
    (members.iter().map(|m| if m.is_positive() { 0 } else { zero }).collect(), limit)
}

/// One scale a channel and one zero point for all of them; errors are weighted by what the map's readers make of them.
pub(crate) fn by_channel(
    id: TensorId,
    observations: &Observations,
    importance: &[f64],
    role: Role,
    method: Method,
) -> Map {
    let channels = Channels::new(&observations.channels(id), importance, method);
    let halves = observations.halves(id).map(|half| Channels::new(half, importance, method));
    let at = |zero: u8| {
        let margin = if method == Method::Mse { Margin::between(&halves, zero, method) } else { Margin::NONE };
        let scales: Vec<f64> = channels.scales(zero, method);
        let error = match method {
            Method::Mse => margin.error,
            _ => channels.error(&scales, zero),
        };
        (error, zero, margin.widened(&scales))
    };
    let positive = matches!(role, Role::Map { positive: true, .. });
    let (_, zero, scales) = if positive || channels.all.iter().all(|c| c.least >= 0.0) {
        at(0)
    } else {
        // A coarse search, then the even zero points around its best.
        let best = |zeros: &mut dyn Iterator<Item = u8>| {
            zeros.map(at).min_by(|a, b| a.0.total_cmp(&b.0)).expect("a zero point is tried")
        };
        let (_, coarse, _) = best(&mut (0..=128).step_by(16));
        best(&mut (coarse.saturating_sub(14)..=coarse + 14).step_by(2))
    };
    Map { scales: filled(scales.into_iter().map(|s| limited(s, role)).collect()), zero }
}

/// The channels of a map.
struct Channels<'w> {
    all: Vec<Spread>,
    /// Least and largest value of each.
    bounds: Vec<(f64, f64)>,
    importance: &'w [f64],
}

impl<'w> Channels<'w> {
    fn new(histograms: &[Histogram], importance: &'w [f64], method: Method) -> Self {
        let bounds = histograms.iter().map(|c| bounds(&[c], method)).collect();
        Channels { all: histograms.iter().map(Spread::new).collect(), bounds, importance }
    }

    /// The best scale of each for a zero point; 0 of those that were always 0.
    fn scales(&self, zero: u8, method: Method) -> Vec<f64> {
        let each = self.all.iter().zip(&self.bounds);
        each.map(|(c, &bounds)| best_scale(whole(bounds, zero), method, |s| c.squared_error(s, zero)).0).collect()
    }

    fn error(&self, scales: &[f64], zero: u8) -> f64 {
        let each = self.all.iter().zip(self.importance).zip(scales);
        each.map(|((c, weight), &scale)| weight * c.squared_error(scale, zero)).sum()
    }
}

/// What scales get beyond those that the seen values need.
struct Margin {
    /// Factor of all.
    factor: f64,
    /// Share of the mean of all that each is drawn to.
    share: f64,
    /// The error that is left.
    error: f64,
}

impl Margin {
    const NONE: Margin = Margin { factor: 1.0, share: 0.0, error: 0.0 };
    const FACTORS: [f64; 10] = [1.0, 1.1, 1.2, 1.35, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0];
    const SHARES: [f64; 7] = [0.0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.7];

    /// The margin with which the scales of each half of the images suit the other half best.
    fn between(halves: &[Channels; 2], zero: u8, method: Method) -> Margin {
        let [a, b] = halves;
        let (scales_a, scales_b) = (a.scales(zero, method), b.scales(zero, method));
        let tried = Self::FACTORS.iter().flat_map(|&factor| Self::SHARES.map(|share| (factor, share)));
        let margins = tried.map(|(factor, share)| {
            let margin = Margin { factor, share, error: 0.0 };
            let error = b.error(&margin.widened(&scales_a), zero) + a.error(&margin.widened(&scales_b), zero);
            Margin { error, ..margin }
        });
        margins.min_by(|a, b| a.error.total_cmp(&b.error)).expect("a margin is tried")
    }

    fn widened(&self, scales: &[f64]) -> Vec<f64> {
        let seen = scales.iter().filter(|s| **s > 0.0);
        let mean = seen.clone().sum::<f64>() / seen.count().max(1) as f64;
        scales.iter().map(|s| self.factor * ((1.0 - self.share) * s + self.share * mean)).collect()
    }
}

/// Channels that were always 0 get the mean scale of the others: they may have values in other images.
fn filled(mut scales: Vec<f32>) -> Vec<f32> {
    let seen = || scales.iter().filter(|s| **s > f32::MIN_POSITIVE);
    let count = seen().count();
    let mean = if count > 0 { seen().sum::<f32>() / count as f32 } else { UNSEEN };
    scales.iter_mut().filter(|s| **s <= f32::MIN_POSITIVE).for_each(|s| *s = mean);
    scales
}

/// The scale of a map that was 0 in all images.
const UNSEEN: f32 = 1.0 / 255.0;

fn limited(scale: f64, role: Role) -> f32 {
    match role {
        Role::Map { gate: true, .. } => 1.0 / 255.0,
        Role::Map { relu6: true, .. } => (scale as f32).clamp(f32::MIN_POSITIVE, RELU6_SCALE),
        _ => (scale as f32).max(f32::MIN_POSITIVE),
    }
}

/// Even zero points around the one that splits the byte as the range is split.
fn zero_points(least: f64, most: f64) -> Vec<u8> {
    let ideal = (255.0 * -least / (most - least) / 2.0).round() as i32 * 2;
    (-8..=8).map(|step| (ideal + 4 * step).clamp(0, 254) as u8).collect()
}

fn bounds(channels: &[&Histogram], method: Method) -> (f64, f64) {
    let least = channels.iter().fold(0.0, |least: f64, c| least.min(c.least));
    let most = channels.iter().fold(0.0, |most: f64, c| most.max(c.most));
    let Method::Percentile(percent) = method else { return (least, most) };
    let mut values: Vec<(f64, f64)> = channels.iter().flat_map(|c| c.values()).collect();
    values.sort_by(|a, b| a.0.total_cmp(&b.0));
    let zeros: u64 = channels.iter().map(|c| c.zeros).sum();
    let total = values.iter().map(|(_, n)| n).sum::<f64>() + zeros as f64;
    let left_out = total * (1.0 - percent / 100.0);
    let (low, high) = (cut(values.iter(), left_out), cut(values.iter().rev(), left_out));
    (low.min(0.0).max(least), high.max(0.0).min(most))
}

/// The first value behind which no more than `left_out` values were passed.
fn cut<'v>(mut values: impl Iterator<Item = &'v (f64, f64)>, left_out: f64) -> f64 {
    let mut seen = 0.0;
    let found = values.find(|(_, count)| {
        seen += count;
        seen > left_out
    });
    found.map_or(0.0, |(value, _)| *value)
}

/// The least scale whose range has all values between bounds.
fn whole((least, most): (f64, f64), zero: u8) -> f64 {
    let below = if zero > 0 { -least / f64::from(zero) } else { 0.0 };
    (most / f64::from(255 - zero)).max(below)
}

/// The best scale up to `whole`, and its error.
fn best_scale(whole: f64, method: Method, error: impl Fn(f64) -> f64) -> (f64, f64) {
    if whole <= 0.0 {
        return (0.0, 0.0);
    }
    if method != Method::Mse {
        return (whole, error(whole));
    }
    let steps = (0..=STEPS).map(|step| LEAST + (1.0 - LEAST) * step as f64 / STEPS as f64);
    let tried = steps.map(|part| (whole * part, error(whole * part)));
    tried.min_by(|a, b| a.1.total_cmp(&b.1)).expect("a step is tried")
}
