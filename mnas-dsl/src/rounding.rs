//! The rounding rules of the MnasNet family.

/// Channels to the nearest multiple of 8, never more than a tenth down: TensorFlow's `round_filters`
/// and timm's `round_channels` of `channels * multiplier`.
///
/// ```
/// # use mnas_dsl::rounding::round_channels;
/// assert_eq!(round_channels(32.0 * 0.35), 16); // 11.2: 8 would lose more than a tenth
/// assert_eq!(round_channels(24.0 * 1.4), 32);
/// ```
pub fn round_channels(value: f64) -> usize {
    // Floats to integers saturate; callers bound the value.
    let rounded = (((value + 4.0) as usize) / 8 * 8).max(8);
    if (rounded as f64) < 0.9 * value { rounded + 8 } else { rounded }
}

/// Squeeze-excite channels for a layer with `input` channels: timm's `round(input * ratio)`, halves to
/// even as Python rounds, at least 1.
pub fn se_channels(input: usize, ratio: f64) -> usize {
    ((input as f64 * ratio).round_ties_even() as usize).max(1)
}

/// Layers of a block after depth scaling: rounded up, so that no layer is lost.
pub fn scale_layers(layers: usize, multiplier: f64) -> usize {
    ((layers as f64 * multiplier).ceil() as usize).max(1)
}
