//! How the pixels of a tensor lie in memory.

use crate::machine::CacheModel;
use crate::units::{Bytes, Elements};
use mnas_dsl::network::Shape;

/// A cache line, to which buffers, scratch and packed layers are aligned, and by which kernels prefetch.
pub(crate) const CACHE_LINE: Bytes = Bytes(CacheModel::LINE);

/// From one pixel of a map to the next, where channels are rounded up to `align`: a cache line more than the channels take
/// where pixels would share few sets of the first-level cache.
pub(super) fn stride(shape: Shape, align: usize, caches: &CacheModel) -> Elements {
    let padded = Elements(shape.channels.next_multiple_of(align));
    let conflicts = shape.pixels() > 1 && caches.few_sets(padded.bytes().0);
    if conflicts { padded + Bytes(caches.line).elements() } else { padded }
}

/// A length in whole cache lines.
pub(super) fn aligned(len: Elements) -> Elements {
    len.next_multiple_of(CACHE_LINE.elements())
}
