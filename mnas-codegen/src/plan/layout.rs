//! How the pixels of a tensor lie in memory.

use crate::machine::CacheModel;
use mnas_dsl::network::Shape;

/// Floats of a cache line, as kernels prefetch them.
pub(crate) const CACHE_LINE: usize = 16;

/// Floats from one pixel of a map to the next, where channels are rounded up to `align`: a cache line more than the channels
/// take where pixels would share few sets of the first-level cache.
pub(super) fn stride(shape: Shape, align: usize, caches: &CacheModel) -> usize {
    let padded = shape.channels.next_multiple_of(align);
    let conflicts = shape.pixels() > 1 && caches.few_sets(padded * size_of::<f32>());
    if conflicts { padded + caches.line / size_of::<f32>() } else { padded }
}
