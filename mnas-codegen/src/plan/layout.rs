//! How the pixels of a tensor lie in memory.

use mnas_dsl::network::Shape;

/// Floats of a cache line.
pub(crate) const CACHE_LINE: usize = 16;
/// Cache lines from one pixel to the next at which as many pixels as a kernel reads together no longer find room in a cache
/// of 64 sets, for they share so few of them.
const FEW_SETS: usize = 8;

/// Floats from one pixel of a map to the next, where channels are rounded up to `align`: a line more than the channels take
/// where pixels would share few sets of the first-level cache.
pub(super) fn stride(shape: Shape, align: usize) -> usize {
    let padded = shape.channels.next_multiple_of(align);
    let shares = padded.is_multiple_of(FEW_SETS * CACHE_LINE) && shape.pixels() > 1;
    if shares { padded + CACHE_LINE } else { padded }
}
