//! How a block is fused: its row blocks, its kernels, its scratch memory.

use super::single::Scheduler;
use crate::plan::cost::{self, BlockSizes};
use crate::plan::kernel::{DepthwiseKernel, Destination, Part, Source};
use crate::plan::schedule::{BlockRows, BlockSchedule, Parallelism, Scratch};
use crate::plan::steps::{Block, PlannedConv, Step};
use crate::plan::tuning::{Choice, Strip};

impl Scheduler<'_> {
    /// A block by strips of so many rows.
    pub(super) fn block(
        &self,
        step: &Step,
        block: &Block,
        strip: usize,
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

        let whole = strip == out.height;
        let ring = if block.expand.is_none() {
            0
        } else if whole {
            middle.height
        } else {
            ((strip - 1) * stride + k).min(middle.height)
        };
        let ring_block = ring * middle.width * lanes;
        let mut expand_rows = 1;
        let expand = block.expand.as_ref().map(|e| {
            if whole && e.conv.kernel_size == 1 && e.conv.stride == 1 {
                expand_rows = middle.height;
            }
            let destination = Destination::Blocked { block: ring_block };
            let kernel = self.conv(e, step.input_shape, expand_rows * middle.width, source.clone(), destination, false);
            let kernel = choice.apply(self.isa, kernel, &choice.expand);
            kernel.with_part(if parallelism == Parallelism::Panels { Part::Panels } else { Part::All })
        });
        let depthwise_source = if expand.is_some() { Source::Blocked { block: ring_block } } else { source };
        let rows = if block.squeeze_excite.is_some() { out.height } else { strip };
        let output_block = rows * out.width * lanes;
        let depthwise = DepthwiseKernel {
            destination: Destination::Blocked { block: output_block },
            columns: choice.columns.unwrap_or(self.isa.depthwise_columns),
            pool: block.squeeze_excite.is_some().then_some(channels),
            ranged: parallelism == Parallelism::Panels,
            ..self.depthwise(&block.depthwise, middle.width, depthwise_source)
        };
        // Scaling whichever is smaller costs less.
        let smaller = self.padded(block.project.output.channels) < out.pixels();
        let gate_weights = choice.gate_weights.unwrap_or(smaller);
        let gate = block.squeeze_excite.as_ref();
        let squeeze_excite = gate.map(|(reduce, expand)| self.squeeze_excite(reduce, expand, gate_weights));
        let gated = squeeze_excite.as_ref().is_some_and(|s| s.gate_weights);
        let (runs, part) = match parallelism {
            Parallelism::Panels => (rows, Part::Tiles),
            Parallelism::RowBlocks(_) if squeeze_excite.is_some() => (strip, Part::Runs),
            _ => (rows, Part::All),
        };
        let project = self.conv(
            &block.project,
            out,
            runs * out.width,
            Source::Blocked { block: output_block },
            Destination::Nhwc { stride: self.stride(block.project.output) },
            gated,
        );
        let mut project = choice.apply(self.isa, project, &choice.project).with_part(part);
        project.ahead = self.ahead(step, block, strip);
        // With panel parallelism only one panel is expanded at a time.
        let expanded = match (&expand, parallelism) {
            (None, _) => 0,
            (Some(e), Parallelism::Panels) => e.panels.iter().map(|g| g.width).max().unwrap_or(0),
            (Some(_), _) => channels,
        };
        let mut scratch = Scratch {
            ring: ring * middle.width * expanded,
            depthwise: rows * out.width * channels,
            panel: project.scratch_len(),
            ..Scratch::default()
        };
        if let Some(se) = &squeeze_excite {
            let Scratch { mean, reduced, gate, .. } = se.scratch();
            scratch = Scratch { pooled: out.height * channels, mean, reduced, gate, ..scratch };
        }
        let rows = BlockRows::default();
        BlockSchedule { strip, reason, ring, expand, expand_rows, depthwise, squeeze_excite, project, scratch, rows }
    }

    /// Floats of the input that the next strip reads and this one did not, where they have to come from beyond L2: while
    /// a strip is projected nothing else does.
    fn ahead(&self, step: &Step, block: &Block, strip: usize) -> usize {
        let input = step.input_shape;
        let row = input.width * self.stride(input);
        let far = input.height * row * 4 > self.target.caches.l2_bytes;
        let strips = strip < block.depthwise.output.height && block.squeeze_excite.is_none();
        // Of a stem the input is an image, whose rows are others.
        let pointwise = block.expand.as_ref().is_none_or(|e| e.conv.kernel_size == 1 && e.conv.stride == 1);
        if far && strips && pointwise && step.input.is_some() && self.isa.prefetch {
            strip * block.depthwise.conv.stride * row
        } else {
            0
        }
    }

    /// The sizes of a block that estimates depend on.
    pub(super) fn block_sizes(&self, step: &Step, block: &Block) -> BlockSizes {
        let (middle, out, conv) = (block.middle(step), block.depthwise.output, &block.depthwise.conv);
        let channels = self.padded(conv.output_channels) * 4;
        let bytes = |p: &PlannedConv| self.layers[p.layer].len() * 4;
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
            row: [if expand.is_some() { middle.width * channels } else { 0 }, out.width * channels],
            weights: [expand.map_or(0, bytes), bytes(&block.project)],
            squeeze_excite: block.squeeze_excite.is_some(),
            work: [expand.map_or(0.0, work), work(&block.depthwise), work(&block.project)],
        }
    }

    /// Output rows of a row block, the divisor of the height whose traffic is estimated to cost least, and the reason.
    pub(super) fn strip(&self, step: &Step, block: &Block, choice: &Choice) -> (usize, String) {
        let sizes = self.block_sizes(step, block);
        let height = sizes.out.height;
        let strip = match choice.strip {
            Some(Strip::All) => height,
            Some(Strip::Rows(rows)) => rows,
            None => cost::cheapest_rows(1..=height, height, |rows| sizes.row_block(rows, self.target)),
        };
        let (between, weights) = (sizes.between() >> 10, sizes.streamed_weights() >> 10);
        let reason = if strip == height {
            format!("layer by layer: {between} KiB between the layers, {weights} KiB of weights read once")
        } else {
            format!(
                "strips of {strip}: {} KiB between the layers instead of {between}, {weights} KiB of weights read {} times",
                sizes.live(strip) >> 10,
                height / strip
            )
        };
        (strip, reason)
    }
}
