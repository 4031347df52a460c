//! The largest sizes that a spec may have. Products of sizes within these limits do not overflow, and a mistyped
//! digit is an error instead of an allocation that fails.

use std::ops::RangeInclusive;

/// Rows and columns of the input.
pub(crate) const SIDE: RangeInclusive<usize> = 1..=8192;
/// Channels of anything.
pub(crate) const CHANNELS: RangeInclusive<usize> = 1..=65_536;
/// Kernel sizes (odd ones).
pub(crate) const KERNEL: RangeInclusive<usize> = 1..=15;
/// Strides.
pub(crate) const STRIDE: RangeInclusive<usize> = 1..=2;
/// Layers of one block.
pub(crate) const LAYERS: RangeInclusive<usize> = 1..=100;
/// Layers of all blocks together, after depth scaling.
pub(crate) const TOTAL_LAYERS: usize = 1000;
/// Outputs of the classifier.
pub(crate) const CLASSES: RangeInclusive<usize> = 1..=1_000_000;
/// `resize`.
pub(crate) const RESIZE: RangeInclusive<usize> = 1..=16_384;
/// `expand`, and the `width` and `depth` multipliers: above 0 and at most this.
pub(crate) const MULTIPLIER: f64 = 64.0;
/// Values of any one tensor.
pub(crate) const TENSOR: u64 = 1 << 28;
/// Parameters of the network.
pub(crate) const PARAMETERS: u64 = 1 << 31;
