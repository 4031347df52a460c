//! How a run of output pixels is cut into register tiles.

use crate::plan::kernel::{Column, ConvKernel, InputLayout, is_loop};

/// A segment before its loops are known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Cut {
    pub(super) start: usize,
    pub(super) count: usize,
    pub(super) pixels: usize,
    pub(super) taps: (usize, usize),
    /// Whether the taps differ between the pixels.
    mixed: bool,
}

impl Cut {
    /// See [`Segment::columns`].
    pub(super) fn columns(&self, kernel: &ConvKernel) -> Option<Vec<Column>> {
        let InputLayout::Nhwc { stride } = kernel.source else { return None };
        let column = |kx: usize| {
            let meets = |p: &usize| {
                let (low, high) = taps(kernel, self.start + p);
                (low..high).contains(&kx)
            };
            let first = (0..self.pixels).find(meets)?;
            let end = (first..self.pixels).find(|p| !meets(p)).unwrap_or(self.pixels);
            let input = stride * ((self.start + first) * kernel.stride + kx - kernel.pad_left);
            Some(Column { kx, first, end, input })
        };
        self.mixed.then(|| (self.taps.0..self.taps.1).filter_map(column).collect())
    }
}

/// Kernel columns that meet the input at output pixel `ox` of a row.
fn taps(kernel: &ConvKernel, ox: usize) -> (usize, usize) {
    if kernel.kernel_size == 1 {
        return (0, 1);
    }
    let at = ox * kernel.stride;
    let low = kernel.pad_left.saturating_sub(at);
    let high = (kernel.input_width + kernel.pad_left).saturating_sub(at).min(kernel.kernel_size);
    (low.min(high), high)
}

/// Cuts a run into tiles of at most `max` pixels of nearly equal size.
///
/// Pixels at the edges, where some kernel columns meet no input, share tiles with others if a column's reduction is a
/// loop: the number of pixels in the loop does not matter then. Where the reduction is written out they stand alone.
pub(super) fn cut(kernel: &ConvKernel, max: usize) -> Vec<Cut> {
    if kernel.kernel_size > 1 && is_loop(kernel.input_channels) { mixed(kernel, max) } else { alike(kernel, max) }
}

fn mixed(kernel: &ConvKernel, max: usize) -> Vec<Cut> {
    let mut out: Vec<Cut> = Vec::new();
    balanced(kernel.pixels, max, |start, count, pixels| {
        for start in (0..count).map(|tile| start + tile * pixels) {
            let (first, last) = (taps(kernel, start), taps(kernel, start + pixels - 1));
            let tile = Cut { start, count: 1, pixels, taps: (last.0, first.1), mixed: first != last };
            match out.last_mut().filter(|s| !s.mixed && !tile.mixed && (s.pixels, s.taps) == (pixels, tile.taps)) {
                Some(same) => same.count += 1,
                None => out.push(tile),
            }
        }
    });
    out
}

fn alike(kernel: &ConvKernel, max: usize) -> Vec<Cut> {
    let taps = |ox: usize| taps(kernel, ox);
    let mut out = Vec::new();
    let mut start = 0;
    while start < kernel.pixels {
        let here = taps(start);
        let end = (start + 1..kernel.pixels).find(|&ox| taps(ox) != here).unwrap_or(kernel.pixels);
        balanced(end - start, max, |offset, count, pixels| {
            out.push(Cut { start: start + offset, count, pixels, taps: here, mixed: false });
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
