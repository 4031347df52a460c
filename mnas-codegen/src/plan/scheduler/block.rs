//! How a block is fused: its row blocks, its kernels, its scratch memory.

use super::single::Scheduler;
use crate::plan::cost::{self, BlockSizes};
use crate::plan::kernel::{DepthwiseKernel, InputLayout, LoopRange, OutputLayout};
use crate::plan::schedule::{BlockRows, BlockSchedule, Parallelism, Scratch};
use crate::plan::steps::{Block, PlannedConv, Step};
use crate::plan::tuning::{RowBlock, StepTuning};
use crate::units::{Bytes, Elements};

impl Scheduler<'_> {
    /// A block with row blocks of `row_block` rows.
    pub(super) fn block(
        &self,
        step: &Step,
        block: &Block,
        row_block: usize,
        reason: String,
        parallelism: Parallelism,
    ) -> BlockSchedule {
        let lanes = self.isa.lanes;
        let source = self.source(step);
        let depthwise = &block.depthwise.conv;
        let (k, stride) = (depthwise.kernel_size, depthwise.stride);
        let (middle, out) = (block.middle(step), block.depthwise.output);
        let channels = self.padded(depthwise.output_channels);
        let choice = self.choice(step);

        let whole = row_block == out.height;
        let line_buffer = if block.expand.is_none() {
            0
        } else if whole {
            middle.height
        } else {
            ((row_block - 1) * stride + k).min(middle.height)
        };
        let line_buffer_block = Elements(line_buffer * middle.width * lanes);
        let mut expand_rows = 1;
        let expand = block.expand.as_ref().map(|e| {
            if whole && e.conv.kernel_size == 1 && e.conv.stride == 1 {
                expand_rows = middle.height;
            }
            let destination = OutputLayout::Nchwc { block_stride: line_buffer_block };
            let kernel = self.conv(e, step.input_shape, expand_rows * middle.width, source.clone(), destination, false);
            let kernel = choice.apply(self.isa, kernel, &choice.expand);
            kernel.with_range(if parallelism == Parallelism::Panels { LoopRange::Panels } else { LoopRange::All })
        });
        let depthwise_source =
            if expand.is_some() { InputLayout::Nchwc { block_stride: line_buffer_block } } else { source };
        let rows = if block.squeeze_excite.is_some() { out.height } else { row_block };
        let output_block = Elements(rows * out.width * lanes);
        let depthwise = DepthwiseKernel {
            destination: OutputLayout::Nchwc { block_stride: output_block },
            columns: choice.columns.unwrap_or(self.isa.depthwise_columns),
            pool: block.squeeze_excite.is_some().then_some(Elements(channels)),
            ranged: parallelism == Parallelism::Panels,
            ..self.depthwise(&block.depthwise, middle.width, depthwise_source)
        };
        // Scaling whichever is smaller costs less.
        let smaller = self.padded(block.project.output.channels) < out.pixels();
        let gate_weights = choice.gate_weights.unwrap_or(smaller);
        let gate = block.squeeze_excite.as_ref();
        let squeeze_excite = gate.map(|(reduce, expand)| self.squeeze_excite(reduce, expand, gate_weights));
        let gated = squeeze_excite.as_ref().is_some_and(|s| s.gate_weights);
        let (runs, range) = match parallelism {
            Parallelism::Panels => (rows, LoopRange::Tiles),
            Parallelism::RowBlocks(_) if squeeze_excite.is_some() => (row_block, LoopRange::Runs),
            _ => (rows, LoopRange::All),
        };
        let project = self.conv(
            &block.project,
            out,
            runs * out.width,
            InputLayout::Nchwc { block_stride: output_block },
            OutputLayout::Nhwc { stride: self.stride(block.project.output) },
            gated,
        );
        let mut project = choice.apply(self.isa, project, &choice.project).with_range(range);
        project.prefetch_len = self.prefetch_len(step, block, row_block);
        // With panel parallelism only one panel is expanded at a time.
        let expanded = match (&expand, parallelism) {
            (None, _) => 0,
            (Some(e), Parallelism::Panels) => e.panels.iter().map(|g| g.width).max().unwrap_or(0),
            (Some(_), _) => channels,
        };
        let mut scratch = Scratch {
            line_buffer: Elements(line_buffer * middle.width * expanded),
            depthwise: Elements(rows * out.width * channels),
            panel: project.scratch_len(),
            ..Scratch::default()
        };
        if let Some(se) = &squeeze_excite {
            let Scratch { mean, reduced, gate, .. } = se.scratch();
            scratch = Scratch { pooled: Elements(out.height * channels), mean, reduced, gate, ..scratch };
        }
        let rows = BlockRows::default();
        BlockSchedule {
            row_block,
            reason,
            line_buffer,
            expand,
            expand_rows,
            depthwise,
            squeeze_excite,
            project,
            scratch,
            rows,
        }
    }

    /// The part of the input that the next row block reads first, if it comes from beyond L2: the projection prefetches
    /// it, since it reads nothing else from there.
    fn prefetch_len(&self, step: &Step, block: &Block, row_block: usize) -> Elements {
        let input = step.input_shape;
        let row = self.stride(input) * input.width;
        let far = (row * input.height).bytes().0 > self.target.caches.l2_bytes;
        let row_blocks = row_block < block.depthwise.output.height && block.squeeze_excite.is_none();
        // The rows of an image, a stem's input, have another length.
        let pointwise = block.expand.as_ref().is_none_or(|e| e.conv.kernel_size == 1 && e.conv.stride == 1);
        if far && row_blocks && pointwise && step.input.is_some() && self.isa.prefetch {
            row * (row_block * block.depthwise.conv.stride)
        } else {
            Elements::ZERO
        }
    }

    /// The sizes of a block that estimates depend on.
    pub(super) fn block_sizes(&self, step: &Step, block: &Block) -> BlockSizes {
        let (middle, out, conv) = (block.middle(step), block.depthwise.output, &block.depthwise.conv);
        let channels = Elements(self.padded(conv.output_channels)).bytes();
        let bytes = |p: &PlannedConv| Elements(self.layers[p.layer].len()).bytes();
        // Two multiply-adds a cycle; the depthwise convolution reaches half of that.
        let speed = self.isa.multiply_adds();
        let work = |p: &PlannedConv| {
            let inputs = if p.conv.depthwise { 2 } else { p.conv.input_channels };
            (p.output.len() * p.conv.kernel_size * p.conv.kernel_size * inputs) as f64 / speed
        };
        let expand = block.expand.as_ref();
        BlockSizes {
            middle,
            out,
            kernel_size: conv.kernel_size,
            stride: conv.stride,
            pad_top: conv.pads.top,
            row: [if expand.is_some() { channels * middle.width } else { Bytes(0) }, channels * out.width],
            weights: [expand.map_or(Bytes(0), bytes), bytes(&block.project)],
            squeeze_excite: block.squeeze_excite.is_some(),
            work: [expand.map_or(0.0, work), work(&block.depthwise), work(&block.project)],
        }
    }

    /// Output rows of a row block, the divisor of the height whose traffic is estimated to cost least, and the reason. With
    /// `room`, only row blocks with so little scratch, or the one with the least.
    pub(super) fn row_block(
        &self,
        step: &Step,
        block: &Block,
        choice: &StepTuning,
        room: Option<Elements>,
    ) -> (usize, String) {
        let sizes = self.block_sizes(step, block);
        let height = sizes.out.height;
        let scratch = |rows| self.block(step, block, rows, String::new(), Parallelism::Single).scratch.len();
        let measured = choice.row_block.map(|row_block| match row_block {
            RowBlock::All => height,
            RowBlock::Rows(rows) => rows,
        });
        let cost = |rows| sizes.row_block(rows, self.target);
        let row_block = match (measured, room) {
            (Some(rows), None) => rows,
            (None, None) => cost::cheapest_rows(1..=height, height, cost),
            (measured, Some(room)) => {
                let divisors = (1..=height).filter(|rows| height.is_multiple_of(*rows));
                let fitting: Vec<usize> = divisors.clone().filter(|rows| scratch(*rows) <= room).collect();
                match measured.filter(|rows| fitting.contains(rows)) {
                    Some(rows) => rows,
                    None if fitting.is_empty() => divisors.min_by_key(|rows| scratch(*rows)).unwrap_or(height),
                    None => cost::cheapest_rows(fitting.into_iter(), height, cost),
                }
            }
        };
        let (between, weights) = (sizes.between().kib(), sizes.streamed_weights().kib());
        let reason = if row_block == height {
            format!("layer by layer: {between} KiB between the layers, {weights} KiB of weights read once")
        } else {
            format!(
                "row blocks of {row_block}: {} KiB between the layers instead of {between}, {weights} KiB of weights read {} times",
                sizes.live(row_block).kib(),
                height / row_block
            )
        };
        (row_block, reason)
    }
}
