//! Which register tile computes a convolution.

use crate::machine::Int8;

/// Neighbouring tiles of one size: `count` tiles of `pixels` pixels, from pixel `start` of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Run {
    /// First pixel.
    pub start: usize,
    /// Tiles.
    pub count: usize,
    /// Pixels of a tile.
    pub pixels: usize,
}

/// Cuts `width` pixels into tiles of at most `most`, of two sizes that differ by one.
pub fn runs(width: usize, most: usize) -> Vec<Run> {
    let tiles = width.div_ceil(most);
    let (pixels, longer) = (width / tiles, width % tiles);
    let first = Run { start: 0, count: longer, pixels: pixels + 1 };
    let second = Run { start: longer * (pixels + 1), count: tiles - longer, pixels };
    [first, second].into_iter().filter(|run| run.count > 0).collect()
}

/// Vectors of the tile that is estimated to be fastest for rows of `width` pixels and `panels` vectors of
/// output channels.
///
/// A step of the reduction takes as long as its dot products or its loads, two of which start in a cycle, but not less
/// than the latency of a dot product (5 cycles).
pub fn choose(isa: &Int8, width: usize, panels: usize) -> usize {
    let cost = |vectors: usize| {
        let step = |pixels: usize, vectors: usize| (pixels * vectors).max(pixels + vectors).max(10);
        let tiles = |vectors: usize| -> usize {
            runs(width, isa.pixels[vectors - 1]).iter().map(|run| run.count * step(run.pixels, vectors)).sum()
        };
        let rest = panels % vectors;
        panels / vectors * tiles(vectors) + if rest > 0 { tiles(rest) } else { 0 }
    };
    // Wider tiles read the input less often.
    (1..=isa.pixels.len().min(panels)).rev().min_by_key(|&vectors| cost(vectors)).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::AVX512VNNI;

    #[test]
    fn runs_cover_a_row_once() {
        for width in 1..130 {
            for most in 1..30 {
                let runs = runs(width, most);
                let mut next = 0;
                for run in &runs {
                    assert!(run.start == next && (1..=most).contains(&run.pixels), "{width} {most}");
                    next += run.count * run.pixels;
                }
                assert_eq!(next, width);
            }
        }
    }

    #[test]
    fn tiles_suit_their_rows() {
        // One pixel is hidden behind the latency of several vectors.
        assert_eq!(choose(&AVX512VNNI.int8.unwrap(), 28, 1), 1);
        assert_eq!(choose(&AVX512VNNI.int8.unwrap(), 1, 63), 4);
    }
}
