//! How a run of output pixels is cut into register tiles.

use crate::plan::ConvKernel;

/// Output pixels that are done alike: `count` tiles of `pixels`, from `start`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Segment {
    pub(super) start: usize,
    pub(super) count: usize,
    pub(super) pixels: usize,
    /// Kernel columns that meet the input.
    pub(super) taps: (usize, usize),
}

/// Cuts a run into tiles of at most `max` pixels of nearly equal size; edge columns stand alone.
pub(super) fn segments(kernel: &ConvKernel, max: usize) -> Vec<Segment> {
    let k = kernel.kernel_size;
    let taps = |ox: usize| {
        if k == 1 {
            return (0, 1);
        }
        let at = ox * kernel.stride;
        let low = kernel.pad_left.saturating_sub(at);
        let high = (kernel.input_width + kernel.pad_left).saturating_sub(at).min(k);
        (low.min(high), high)
    };
    let mut out = Vec::new();
    let mut start = 0;
    while start < kernel.pixels {
        let here = taps(start);
        let end = (start + 1..kernel.pixels).find(|&ox| taps(ox) != here).unwrap_or(kernel.pixels);
        balanced(end - start, max, |offset, count, pixels| {
            out.push(Segment { start: start + offset, count, pixels, taps: here });
        });
        start = end;
    }
    out
}

/// `n` as tiles of at most `max` that differ by one at most, the larger first.
pub(super) fn balanced(n: usize, max: usize, mut push: impl FnMut(usize, usize, usize)) {
    let tiles = n.div_ceil(max.max(1)).max(1);
    let (size, larger) = (n / tiles, n % tiles);
    if larger > 0 {
        push(0, larger, size + 1);
    }
    if size > 0 {
        push(larger * (size + 1), tiles - larger, size);
    }
}

#[cfg(test)]
mod tests {
    use super::balanced;

    #[test]
    fn tiles_cover_a_run_once_and_differ_by_one() {
        for n in 1..60 {
            for max in 1..9 {
                let mut next = 0;
                let mut sizes = Vec::new();
                balanced(n, max, |start, count, size| {
                    assert_eq!(start, next);
                    next += count * size;
                    sizes.push(size);
                });
                assert_eq!(next, n, "{n} by {max}");
                assert!(sizes.iter().all(|&s| s <= max));
                assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1);
            }
        }
    }
}
