//! How one thread does a step: the kernels of each, with their tiles.

use crate::graph::Conv;
use crate::machine::Isa;
use crate::plan::cost::{self, ConvSizes};
use crate::plan::kernel::{
    ConvKernel, ConvLoops, DepthwiseKernel, DepthwiseLoops, InputLayout, LoopRange, OutputLayout, PanelGroup, is_loop,
};
use crate::plan::layout;
use crate::plan::pack::PackedLayer;
use crate::plan::schedule::{Parallelism, SqueezeExciteSchedule, StepSchedule};
use crate::plan::steps::{PlannedConv, Step, StepKind};
use crate::plan::target::Target;
use crate::plan::tuning::{ShapeKey, StepTuning};
use crate::units::{Bytes, Elements};
use mnas_dsl::network::Shape;

pub(super) struct Scheduler<'a> {
    pub(super) layers: &'a [PackedLayer],
    pub(super) isa: Isa,
    /// Channels are rounded up to a multiple of this.
    pub(super) align: usize,
    pub(super) target: &'a Target,
}

impl Scheduler<'_> {
    pub(super) fn padded(&self, channels: usize) -> usize {
        channels.next_multiple_of(self.align)
    }

    /// Whether a row kernel has a loop to prefetch in: short reductions are fully unrolled.
    pub(super) fn can_prefetch(&self, conv: &Conv) -> bool {
        self.isa.prefetch && is_loop(conv.input_channels)
    }

    /// As [`layout::stride`].
    pub(super) fn stride(&self, shape: Shape) -> Elements {
        layout::stride(shape, self.align, &self.target.caches)
    }

    pub(super) fn source(&self, step: &Step) -> InputLayout {
        let stride = match step.input {
            None => Elements(step.input_shape.channels),
            Some(_) => self.stride(step.input_shape),
        };
        InputLayout::Nhwc { stride }
    }

    /// The measured choice for a step of this shape, if there is one.
    pub(super) fn measured(&self, step: &Step) -> Option<&StepTuning> {
        self.target.tuned.get(self.isa, ShapeKey::of(step)?)
    }

    /// The measured choice, or one that leaves everything to the estimates.
    pub(super) fn choice(&self, step: &Step) -> StepTuning {
        self.measured(step).cloned().unwrap_or_default()
    }

    pub(super) fn step(&self, step: &Step, room: Option<Elements>) -> StepSchedule {
        let source = self.source(step);
        let choice = self.choice(step);
        match &step.kind {
            StepKind::PadImage | StepKind::Pool { .. } | StepKind::GlobalAveragePool | StepKind::Elementwise { .. } => {
                StepSchedule::Plain
            }
            StepKind::Depthwise { conv } => {
                StepSchedule::Depthwise(self.depthwise(conv, step.input_shape.width, source))
            }
            StepKind::SqueezeExcite { reduce, expand } => {
                StepSchedule::SqueezeExcite(Box::new(self.squeeze_excite(reduce, expand, false)))
            }
            StepKind::Linear { conv } => {
                let destination = OutputLayout::Nhwc { stride: Elements(self.padded(conv.output.channels)) };
                let kernel = self.conv(conv, step.input_shape, 1, source, destination, false);
                StepSchedule::Conv { kernel: choice.apply(self.isa, kernel, &choice.tiles) }
            }
            StepKind::Conv { conv, pool } => {
                let out = conv.output;
                let destination =
                    if *pool { OutputLayout::Pool } else { OutputLayout::Nhwc { stride: self.stride(out) } };
                let rows = if *pool { out.height } else { self.rows(step, conv, &source) };
                // All pixels are one run, or the kernel finds its rows itself.
                let run = conv.conv.kernel_size == 1 && conv.conv.stride == 1 && rows == out.height;
                let pixels = if run { out.pixels() } else { out.width };
                let kernel = self.conv(conv, step.input_shape, pixels, source, destination, false);
                let mut kernel = choice.apply(self.isa, kernel, &choice.tiles);
                if !run {
                    let Shape { height: input_height, width, .. } = step.input_shape;
                    kernel.range = LoopRange::Rows { pad_top: conv.conv.pads.top, input_height, most: rows };
                    kernel.input_width = width;
                    kernel.prefetch = rows == out.height && self.can_prefetch(&conv.conv);
                }
                StepSchedule::Conv { kernel }
            }
            StepKind::Block(block) => {
                let (row_block, reason) = self.row_block(step, block, &choice, room);
                StepSchedule::Block(Box::new(self.block(step, block, row_block, reason, Parallelism::Single)))
            }
        }
    }

    pub(super) fn conv(
        &self,
        packed: &PlannedConv,
        input: Shape,
        pixels: usize,
        source: InputLayout,
        destination: OutputLayout,
        gated: bool,
    ) -> ConvKernel {
        // Called once an inference.
        let whole = packed.conv.kernel_size == 1 && pixels == packed.output.pixels();
        let conv = &packed.conv;
        let mut start = 0;
        let mut groups = Vec::new();
        for p in &self.layers[packed.layer].panels {
            // Whole vectors of padding are left out.
            let channels =
                (conv.output_channels - start).next_multiple_of(self.isa.f32.channels).min(p.width * p.count);
            for (channels, count) in [(p.width, channels / p.width), (channels % p.width, 1)] {
                if channels > 0 && count > 0 {
                    let tile = self.isa.tile_for(channels / self.isa.lanes, pixels);
                    let (width, vectors, pixels) = (p.width, tile.vectors, tile.pixels);
                    groups.push(PanelGroup { width, channels, count, start, vectors, pixels });
                    start += width * count;
                }
            }
        }
        ConvKernel {
            input_channels: conv.input_channels,
            output_channels: conv.output_channels,
            kernel_size: conv.kernel_size,
            stride: conv.stride,
            pad_left: conv.pads.left,
            // Only a kernel with edges needs it.
            input_width: if conv.kernel_size > 1 || conv.stride > 1 { input.width } else { 0 },
            pixels,
            source,
            destination,
            panels: groups,
            activation: conv.activation,
            residual: conv.residual,
            gated,
            range: LoopRange::All,
            // A GEMV reads its weights in order, which the hardware prefetcher recognises.
            prefetch: whole && pixels > 1 && self.isa.prefetch,
            prefetch_len: Elements::ZERO,
            loops: ConvLoops::default(),
        }
    }

    /// Prefetches the leading weights of the following classifier, which is memory-bound: as many as will still be in L2
    /// when it runs.
    pub(super) fn prefetch_classifier(&self, pair: &[Step], head: &mut StepSchedule) {
        if let (
            [Step { kind: StepKind::Conv { pool: true, .. }, .. }, Step { kind: StepKind::Linear { conv }, .. }],
            StepSchedule::Conv { kernel, .. },
        ) = (pair, head)
            && kernel.prefetch
        {
            kernel.prefetch_len = Elements(self.layers[conv.layer].len())
                .min(Bytes(self.target.caches.least_l2(&self.isa) / 2).elements());
        }
    }

    /// Output rows of a call: the divisor of the height whose traffic is estimated to cost least.
    fn rows(&self, step: &Step, packed: &PlannedConv, source: &InputLayout) -> usize {
        let height = packed.output.height;
        let pixel = match source {
            InputLayout::Nhwc { stride } => *stride,
            InputLayout::Nchwc { .. } => Elements::ZERO,
        };
        let sizes = self.conv_sizes(packed, step.input_shape, pixel);
        cost::cheapest_rows((1..=height).rev(), height, |rows| sizes.row_block(rows, self.target))
    }

    /// The sizes of a convolution that estimates depend on; its input's pixels are `pixel` apart.
    pub(super) fn conv_sizes(&self, packed: &PlannedConv, input: Shape, pixel: Elements) -> ConvSizes {
        let (conv, output) = (&packed.conv, packed.output);
        let layer = &self.layers[packed.layer];
        let accesses = if conv.residual.is_some() { 2 } else { 1 };
        let taps = conv.kernel_size * conv.kernel_size * conv.input_channels;
        ConvSizes {
            rows: [input.height, output.height],
            window: [conv.kernel_size, conv.stride],
            panels: layer.panels.iter().map(|p| p.count).sum(),
            weights: Elements(layer.len()).bytes(),
            row_in: pixel.bytes() * input.width,
            row_out: self.stride(output).bytes() * (accesses * output.width),
            work: (output.len() * taps) as f64 / self.isa.multiply_adds(),
        }
    }

    /// A depthwise convolution by itself.
    pub(super) fn depthwise(&self, packed: &PlannedConv, input_width: usize, source: InputLayout) -> DepthwiseKernel {
        let conv = &packed.conv;
        DepthwiseKernel {
            channels: conv.output_channels,
            kernel_size: conv.kernel_size,
            stride: conv.stride,
            pad_left: conv.pads.left,
            input_width,
            output_width: packed.output.width,
            source,
            destination: OutputLayout::Nhwc { stride: self.stride(packed.output) },
            panel: self.align,
            columns: self.isa.depthwise_columns,
            activation: conv.activation,
            residual: conv.residual,
            pool: None,
            ranged: false,
            loops: DepthwiseLoops::default(),
        }
    }

    /// From the means of channels to their gates.
    pub(super) fn squeeze_excite(
        &self,
        reduce: &PlannedConv,
        expand: &PlannedConv,
        gate_weights: bool,
    ) -> SqueezeExciteSchedule {
        let vector = |conv: &PlannedConv| {
            let channels = conv.conv.input_channels;
            let input = Shape { height: 1, width: 1, channels };
            let source = InputLayout::Nhwc { stride: Elements(self.padded(channels)) };
            let destination = OutputLayout::Nhwc { stride: Elements(self.padded(conv.output.channels)) };
            self.conv(conv, input, 1, source, destination, false)
        };
        SqueezeExciteSchedule { reduce: vector(reduce), expand: vector(expand), gate_weights }
    }
}
