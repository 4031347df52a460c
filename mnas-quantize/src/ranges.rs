//! From histograms to scales and zero points.

use crate::Member;
use crate::histogram::Histogram;
use crate::observe::Observations;
use mnas_codegen::quantized::Map;
use mnas_codegen::quantized::arithmetic::RELU6_SCALE;
use mnas_codegen::quantized::structure::Role;

/// How the range of a map follows from the values that it had.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Method {
    /// The least mean squared error: rounding within the range, clipping outside of it.
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
    let of = |positive: bool| -> Vec<&Histogram> {
        let members = members.iter().filter(|m| m.is_positive() == positive);
        members.flat_map(|m| observations.channels(m.id)).collect()
    };
    let (positive, signed) = (of(true), of(false));
    let all: Vec<&Histogram> = positive.iter().chain(&signed).copied().collect();
    let range = bounds(all.iter().copied(), method);
    let zeros = match (range.0 < 0.0, positive.is_empty()) {
        (false, _) => vec![0],
        (true, true) => zero_points(range.0, range.1),
        (true, false) => vec![128],
    };
    let tried = zeros.into_iter().map(|zero| {
        let channels: Vec<(&Histogram, u8)> =
            positive.iter().map(|c| (*c, 0)).chain(signed.iter().map(|c| (*c, zero))).collect();
        (scale(&channels, method), zero)
    });
    let ((scale, _), zero) = tried.min_by(|a, b| a.0.1.total_cmp(&b.0.1)).expect("a zero point is tried");
    let scale = if scale > f64::from(f32::MIN_POSITIVE) { scale } else { f64::from(UNSEEN) };
    let limit = members.iter().fold(scale as f32, |scale, m| limited(f64::from(scale), m.role));
    (members.iter().map(|m| if m.is_positive() { 0 } else { zero }).collect(), limit)
}

/// One scale a channel and one zero point for all of them; errors are weighted by what the map's readers make of them.
pub(crate) fn by_channel(channels: &[Histogram], importance: &[f64], role: Role, method: Method) -> Map {
    let positive = matches!(role, Role::Map { positive: true, .. });
    let least = channels.iter().fold(0.0, |least: f64, c| least.min(c.least));
    let at = |zero: u8| {
        let mut total = 0.0;
        let mut scales = Vec::with_capacity(channels.len());
        for (channel, weight) in channels.iter().zip(importance) {
            let (scale, error) = scale(&[(channel, zero)], method);
            total += weight * error;
            scales.push(limited(scale, role));
        }
        (total, zero, scales)
    };
    if positive || least >= 0.0 {
        return Map { scales: filled(at(0).2), zero: 0 };
    }
    // A coarse search, then the even zero points around its best.
    let best = |zeros: &mut dyn Iterator<Item = u8>| {
        zeros.map(at).min_by(|a, b| a.0.total_cmp(&b.0)).expect("a zero point is tried")
    };
    let (_, coarse, _) = best(&mut (0..=128).step_by(16));
    let (_, zero, scales) = best(&mut (coarse.saturating_sub(14)..=coarse + 14).step_by(2));
    Map { scales: filled(scales), zero }
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

fn bounds<'h>(channels: impl Iterator<Item = &'h Histogram> + Clone, method: Method) -> (f64, f64) {
    let least = channels.clone().fold(0.0, |least: f64, c| least.min(c.least));
    let most = channels.clone().fold(0.0, |most: f64, c| most.max(c.most));
    let Method::Percentile(percent) = method else { return (least, most) };
    let mut values: Vec<(f64, f64)> = channels.clone().flat_map(Histogram::values).collect();
    values.sort_by(|a, b| a.0.total_cmp(&b.0));
    let zeros: u64 = channels.map(|c| c.zeros).sum();
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

/// The best scale of channels with these zero points, and its error.
fn scale(channels: &[(&Histogram, u8)], method: Method) -> (f64, f64) {
    let whole = channels.iter().fold(0.0, |whole: f64, (channel, zero)| {
        let (least, most) = bounds([*channel].into_iter(), method);
        let below = if *zero > 0 { -least / f64::from(*zero) } else { 0.0 };
        whole.max(most / f64::from(255 - zero)).max(below)
    });
    if whole <= 0.0 {
        return (f64::from(f32::MIN_POSITIVE), 0.0);
    }
    let error = |scale: f64| -> f64 { channels.iter().map(|(c, zero)| squared_error(c, scale, *zero)).sum() };
    if method != Method::Mse {
        return (whole, error(whole));
    }
    let steps = (0..=STEPS).map(|step| LEAST + (1.0 - LEAST) * step as f64 / STEPS as f64);
    let tried = steps.map(|part| (whole * part, error(whole * part)));
    tried.min_by(|a, b| a.1.total_cmp(&b.1)).expect("a step is tried")
}

/// Expected squared error: that of rounding, uniform in a step, within the range; that of clipping outside of it.
fn squared_error(channel: &Histogram, scale: f64, zero: u8) -> f64 {
    let (low, high) = (-f64::from(zero) * scale, (255.0 - f64::from(zero)) * scale);
    let rounding = scale * scale / 12.0;
    channel
        .values()
        .map(|(value, count)| {
            let clipped = if value < low {
                value - low
            } else if value > high {
                value - high
            } else {
                0.0
            };
            count * (clipped * clipped).max(rounding)
        })
        .sum()
}
