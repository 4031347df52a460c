//! The loops of a depthwise kernel.

use super::segments::balanced;
use crate::plan::kernel::{DepthwiseKernel, DepthwiseLoops, DepthwiseSegment};

impl DepthwiseKernel {
    /// Fills in the loops. Columns whose taps all meet the input make full tiles; a tile that touches an edge is a segment
    /// of its own.
    pub fn lay_out(&mut self) {
        let mut tiles: Vec<(usize, usize)> = Vec::new();
        balanced(self.output_width, self.columns, |start, count, columns| {
            tiles.extend((0..count).map(|i| (start + i * columns, columns)));
        });
        let inside = |start: usize, columns: usize| {
            start * self.stride >= self.pad_left
                && (start + columns - 1) * self.stride + self.kernel_size <= self.input_width + self.pad_left
        };
        let mut segments: Vec<DepthwiseSegment> = Vec::new();
        for (start, columns) in tiles {
            match segments.last_mut() {
                Some(last) if last.columns == columns && inside(start, columns) && inside(last.start, columns) => {
                    last.count += 1;
                }
                _ => segments.push(DepthwiseSegment { start, count: 1, columns }),
            }
        }
        self.loops = DepthwiseLoops { segments };
    }
}
