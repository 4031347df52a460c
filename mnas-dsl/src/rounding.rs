//! The rounding rules of the MnasNet family.

use crate::spec::SeRounding;

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

/// Squeeze-excite channels, a share of `channels`.
///
/// ```
/// # use mnas_dsl::{rounding::se_channels, spec::SeRounding};
/// // timm's `round`, halves to even as Python rounds; TensorFlow's `int`; MobileNetV3's multiples of 8.
/// assert_eq!(se_channels(22, 0.25, SeRounding::Nearest), 6);
/// assert_eq!(se_channels(22, 0.25, SeRounding::Floor), 5);
/// assert_eq!(se_channels(72, 0.25, SeRounding::Channels), 24);
/// ```
pub fn se_channels(channels: usize, ratio: f64, rounding: SeRounding) -> usize {
    let share = channels as f64 * ratio;
    match rounding {
        SeRounding::Nearest => (share.round_ties_even() as usize).max(1),
        SeRounding::Floor => (share as usize).max(1),
        SeRounding::Channels => round_channels(share),
    }
}

/// Layers of a block after depth scaling: rounded up, so that no layer is lost.
pub fn scale_layers(layers: usize, multiplier: f64) -> usize {
    ((layers as f64 * multiplier).ceil() as usize).max(1)
}
