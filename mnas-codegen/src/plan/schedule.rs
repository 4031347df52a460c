//! For one instruction set: how each step is cut into strips of rows and register tiles.

use super::isa::Isa;
use super::kernel::{ConvKernel, DepthwiseKernel, Destination, PanelGroup, Part, Source};
use super::layout;
use super::pack::PackedLayer;
use super::steps::{Block, PackedConv, Step, StepKind};
use super::target::Target;
use super::team::{self, TeamStep};
use super::tuning::{Choice, Key, Strip};
use crate::graph::Conv;
use mnas_dsl::network::Shape;

/// The steps of a plan as one instruction set does them.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// The instruction set.
    pub isa: Isa,
    /// One for each step.
    pub steps: Vec<StepSchedule>,
    /// How several threads do each step; nothing where the code is for one.
    pub team: Vec<TeamStep>,
    /// Whether a step is done as was measured, rather than as is estimated.
    pub tuned: Vec<bool>,
}

/// How one step is done.
#[derive(Clone, Debug, PartialEq)]
pub enum StepSchedule {
    /// Nothing to choose.
    Plain,
    /// A convolution, all of it or some rows a call.
    Conv {
        /// The kernel of a call.
        kernel: ConvKernel,
    },
    /// A depthwise convolution, an output row a call.
    Depthwise(DepthwiseKernel),
    /// Squeeze-excite of a tensor.
    SqueezeExcite(SqueezeExciteSchedule),
    /// A block.
    Block(Box<BlockSchedule>),
}

/// How a block is fused.
#[derive(Clone, Debug, PartialEq)]
pub struct BlockSchedule {
    /// Output rows between two projections; all of them means layer by layer.
    pub strip: usize,
    /// Why.
    pub reason: String,
    /// Rows of the expanded tensor that are kept; row `y` lies at `y % ring`.
    pub ring: usize,
    /// Makes expanded rows.
    pub expand: Option<ConvKernel>,
    /// Rows that a call of `expand` makes: one, or all.
    pub expand_rows: usize,
    /// Makes a strip.
    pub depthwise: DepthwiseKernel,
    /// The gate.
    pub squeeze_excite: Option<SqueezeExciteSchedule>,
    /// Projects a strip; after squeeze-excite the whole tensor.
    pub project: ConvKernel,
    /// Floats of each part of the scratch buffer.
    pub scratch: Scratch,
}

/// How squeeze-excite is done.
#[derive(Clone, Debug, PartialEq)]
pub struct SqueezeExciteSchedule {
    /// Pooled vector to reduced vector.
    pub reduce: ConvKernel,
    /// Reduced vector to gate.
    pub expand: ConvKernel,
    /// Whether the gate scales the projection's weights rather than the tensor.
    pub gate_weights: bool,
}

impl SqueezeExciteSchedule {
    /// Room for means, reduced vector and gate: what the two kernels read and write.
    pub fn scratch(&self) -> Scratch {
        let reads = |kernel: &ConvKernel| match kernel.source {
            Source::Nhwc { stride } => stride,
            Source::Blocked { .. } => 0,
        };
        let mean = reads(&self.reduce);
        Scratch { mean, reduced: reads(&self.expand), gate: mean, ..Scratch::default() }
    }
}

/// Parts of a scratch buffer, in floats.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scratch {
    /// Rows of the expanded tensor.
    pub ring: usize,
    /// Output of the depthwise convolution: a strip, or all of it.
    pub depthwise: usize,
    /// Sums of each row, a channel each: who adds them up does so in the order of the rows, whoever made them.
    pub pooled: usize,
    /// Means a channel.
    pub mean: usize,
    /// Between reduce and expand.
    pub reduced: usize,
    /// The gate.
    pub gate: usize,
    /// A panel of gated weights.
    pub panel: usize,
}

impl Scratch {
    /// Names and lengths of the parts in the order in which they follow each other, each rounded up to 64 bytes.
    pub fn parts(&self) -> [(&'static str, usize); 7] {
        [
            ("ring", self.ring),
            ("depthwise", self.depthwise),
            ("pooled", self.pooled),
            ("mean", self.mean),
            ("reduced", self.reduced),
            ("gate", self.gate),
            ("panel", self.panel),
        ]
        .map(|(name, len)| (name, len.next_multiple_of(16)))
    }

    /// Floats in all.
    pub fn len(&self) -> usize {
        self.parts().iter().map(|(_, len)| len).sum()
    }

    /// Whether no scratch is needed.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl StepSchedule {
    /// Floats of scratch that it needs.
    pub fn scratch_len(&self) -> usize {
        match self {
            StepSchedule::Block(b) => b.scratch.len(),
            StepSchedule::SqueezeExcite(se) => se.scratch().len(),
            StepSchedule::Plain | StepSchedule::Conv { .. } | StepSchedule::Depthwise(_) => 0,
        }
    }
}

/// How many do a block, and what each of them does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One, everything.
    Alone,
    /// Several, some of the strips each.
    Strips,
    /// Several, some panels of the expansion each, and some tiles of the projection.
    Panels,
}

/// Shapes inside of a block: of what the depthwise convolution reads, and of what it makes.
#[derive(Clone, Copy)]
pub(super) struct Size {
    pub(super) middle: Shape,
    pub(super) out: Shape,
}

impl Size {
    pub(super) fn of(step: &Step, block: &Block) -> Self {
        let middle = block.expand.as_ref().map_or(step.input_shape, |e| e.output);
        Size { middle, out: block.depthwise.output }
    }
}

pub(super) fn schedule(steps: &[Step], layers: &[PackedLayer], isa: Isa, align: usize, target: &Target) -> Schedule {
    let s = Scheduler { layers, isa, align, target };
    let mut done: Vec<StepSchedule> = steps.iter().map(|step| s.step(step)).collect();
    for at in 1..steps.len() {
        s.ask_for_classifier(&steps[at - 1..=at], &mut done[at - 1]);
    }
    let team = if target.threads { team::schedule(&s, steps, &done) } else { Vec::new() };
    let tuned = steps.iter().map(|step| s.measured(step).is_some()).collect();
    Schedule { isa, steps: done, team, tuned }
}

pub(super) struct Scheduler<'a> {
    pub(super) layers: &'a [PackedLayer],
    pub(super) isa: Isa,
    /// What channels are rounded up to.
    align: usize,
    pub(super) target: &'a Target,
}

impl Scheduler<'_> {
    pub(super) fn padded(&self, channels: usize) -> usize {
        channels.next_multiple_of(self.align)
    }

    /// Whether a kernel that makes rows has a place to ask for its next panel: few channels are written out in full.
    pub(super) fn asks(&self, conv: &Conv) -> bool {
        self.isa.prefetch && conv.input_channels >= 16
    }

    /// As [`layout::stride`].
    pub(super) fn stride(&self, shape: Shape) -> usize {
        layout::stride(shape, self.align)
    }

    fn source(&self, step: &Step) -> Source {
        let stride = match step.input {
            None => step.input_shape.channels,
            Some(_) => self.stride(step.input_shape),
        };
        Source::Nhwc { stride }
    }

    /// What was measured to be best for such a step, if anything was.
    fn measured(&self, step: &Step) -> Option<&Choice> {
        self.target.tuned.get(self.isa, Key::of(step)?)
    }

    /// As [`Self::measured`]; nothing is chosen where nothing was measured.
    pub(super) fn choice(&self, step: &Step) -> Choice {
        self.measured(step).cloned().unwrap_or_default()
    }

    fn step(&self, step: &Step) -> StepSchedule {
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
                StepSchedule::SqueezeExcite(self.squeeze_excite(reduce, expand, false))
            }
            StepKind::Linear { conv } => {
                let destination = Destination::Nhwc { stride: self.padded(conv.output.channels) };
                let kernel = self.conv(conv, step.input_shape, 1, source, destination, false);
                StepSchedule::Conv { kernel: choice.apply(self.isa, kernel, &choice.tiles) }
            }
            StepKind::Conv { conv, pool } => {
                let out = conv.output;
                let destination =
                    if *pool { Destination::Pool } else { Destination::Nhwc { stride: self.stride(out) } };
                let rows = if *pool { out.height } else { self.rows(conv, step.input_shape, &source) };
                // All pixels are one run, or rows are found by the kernel.
                let run = conv.conv.kernel_size == 1 && conv.conv.stride == 1 && rows == out.height;
                let pixels = if run { out.pixels() } else { out.width };
                let kernel = self.conv(conv, step.input_shape, pixels, source, destination, false);
                let mut kernel = choice.apply(self.isa, kernel, &choice.tiles);
                if !run {
                    let Shape { height: input_height, width, .. } = step.input_shape;
                    kernel.part = Part::Rows { pad_top: conv.conv.pads.top, input_height, most: rows };
                    kernel.input_width = width;
                    kernel.prefetch = rows == out.height && self.asks(&conv.conv);
                }
                StepSchedule::Conv { kernel }
            }
            StepKind::Block(block) => {
                let (strip, reason) = self.strip(block, Size::of(step, block), &choice);
                StepSchedule::Block(Box::new(self.block(step, block, strip, reason, Form::Alone)))
            }
        }
    }

    fn conv(
        &self,
        packed: &PackedConv,
        input: Shape,
        pixels: usize,
        source: Source,
        destination: Destination,
        gated: bool,
    ) -> ConvKernel {
        // Called once an inference.
        let whole = packed.conv.kernel_size == 1 && pixels == packed.output.pixels();
        let conv = &packed.conv;
        let mut start = 0;
        let mut groups = Vec::new();
        for p in &self.layers[packed.layer].panels {
            // What is only padding is left out where whole vectors of it are.
            let channels =
                (conv.output_channels - start).next_multiple_of(self.isa.lanes.max(8)).min(p.width * p.count);
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
            // Only a kernel with edges needs to know.
            input_width: if conv.kernel_size > 1 || conv.stride > 1 { input.width } else { 0 },
            pixels,
            source,
            destination,
            panels: groups,
            activation: conv.activation,
            residual: conv.residual,
            gated,
            part: Part::All,
            // A matrix times a vector is nothing but a stream of weights, which the processor foresees by itself.
            prefetch: whole && pixels > 1 && self.isa.prefetch,
            ahead: 0,
        }
    }

    /// A head asks for the first weights of the classifier behind it, which does nothing but wait for them: so many that
    /// they are still in L2 when it comes to them.
    fn ask_for_classifier(&self, pair: &[Step], head: &mut StepSchedule) {
        if let (
            [Step { kind: StepKind::Conv { pool: true, .. }, .. }, Step { kind: StepKind::Linear { conv }, .. }],
            StepSchedule::Conv { kernel, .. },
        ) = (pair, head)
            && kernel.prefetch
        {
            kernel.ahead = self.layers[conv.layer].len().min(self.isa.least_l2 / 2 / 4);
        }
    }

    /// Output rows of a call, a divisor of the height: a call reads all weights once, and its input rows once for each
    /// panel of them.
    ///
    /// What is read again comes from L2 if it fits there, and from L3 otherwise. So does what is written: of a large map
    /// panels write a few channels of each pixel, in no order that the processor foresees.
    fn rows(&self, packed: &PackedConv, input: Shape, source: &Source) -> usize {
        let (conv, out) = (&packed.conv, packed.output);
        let layer = &self.layers[packed.layer];
        let panels: usize = layer.panels.iter().map(|p| p.count).sum();
        let pixel = match source {
            Source::Nhwc { stride } => *stride * 4,
            Source::Blocked { .. } => 0,
        };
        let written = if conv.residual.is_some() { 2 } else { 1 };
        let (row_in, row_out) = (input.width * pixel, written * out.width * self.stride(out) * 4);
        let cost = |rows: usize| {
            let read = ((rows - 1) * conv.stride + conv.kernel_size).min(input.height);
            let weights = out.height / rows * layer.len() * 4;
            let maps = panels * row_in * input.height + row_out * out.height;
            weights as f64 / self.target.bandwidth(layer.len() * 4)
                + maps as f64 / self.target.bandwidth(read * row_in + rows * row_out)
        };
        let divisors = (1..=out.height).rev().filter(|rows| out.height.is_multiple_of(*rows));
        divisors.min_by(|&a, &b| cost(a).total_cmp(&cost(b))).unwrap_or(out.height)
    }

    /// A depthwise convolution by itself.
    fn depthwise(&self, packed: &PackedConv, input_width: usize, source: Source) -> DepthwiseKernel {
        let conv = &packed.conv;
        DepthwiseKernel {
            channels: conv.output_channels,
            kernel_size: conv.kernel_size,
            stride: conv.stride,
            pad_left: conv.pads.left,
            input_width,
            output_width: packed.output.width,
            source,
            destination: Destination::Nhwc { stride: self.stride(packed.output) },
            panel: self.align,
            columns: self.isa.depthwise_columns,
            activation: conv.activation,
            residual: conv.residual,
            pool: None,
            ranged: false,
        }
    }

    /// From the means of channels to their gates.
    fn squeeze_excite(&self, reduce: &PackedConv, expand: &PackedConv, gate_weights: bool) -> SqueezeExciteSchedule {
        let vector = |conv: &PackedConv| {
            let channels = conv.conv.input_channels;
            let input = Shape { height: 1, width: 1, channels };
            let source = Source::Nhwc { stride: self.padded(channels) };
            let destination = Destination::Nhwc { stride: self.padded(conv.output.channels) };
            self.conv(conv, input, 1, source, destination, false)
        };
        SqueezeExciteSchedule { reduce: vector(reduce), expand: vector(expand), gate_weights }
    }

    /// A block by strips of so many rows.
    pub(super) fn block(&self, step: &Step, block: &Block, strip: usize, reason: String, form: Form) -> BlockSchedule {
        let lanes = self.isa.lanes;
        let source = self.source(step);
        let depthwise = &block.depthwise.conv;
        let (k, stride) = (depthwise.kernel_size, depthwise.stride);
        let Size { middle, out } = Size::of(step, block);
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
            kernel.with_part(if form == Form::Panels { Part::Panels } else { Part::All })
        });
        let depthwise_source = if expand.is_some() { Source::Blocked { block: ring_block } } else { source };
        let rows = if block.squeeze_excite.is_some() { out.height } else { strip };
        let output_block = rows * out.width * lanes;
        let depthwise = DepthwiseKernel {
            destination: Destination::Blocked { block: output_block },
            columns: choice.columns.unwrap_or(self.isa.depthwise_columns),
            pool: block.squeeze_excite.is_some().then_some(channels),
            ranged: form == Form::Panels,
            ..self.depthwise(&block.depthwise, middle.width, depthwise_source)
        };
        // Scaling whichever is smaller costs less.
        let smaller = self.padded(block.project.output.channels) < out.pixels();
        let gate_weights = choice.gate_weights.unwrap_or(smaller);
        let gate = block.squeeze_excite.as_ref();
        let squeeze_excite = gate.map(|(reduce, expand)| self.squeeze_excite(reduce, expand, gate_weights));
        let gated = squeeze_excite.as_ref().is_some_and(|s| s.gate_weights);
        let (runs, part) = match form {
            Form::Panels => (rows, Part::Tiles),
            Form::Strips if squeeze_excite.is_some() => (strip, Part::Runs),
            Form::Alone | Form::Strips => (rows, Part::All),
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
        // Of panels one at a time is expanded.
        let expanded = match (&expand, form) {
            (None, _) => 0,
            (Some(e), Form::Panels) => e.panels.iter().map(|g| g.width).max().unwrap_or(0),
            (Some(_), Form::Alone | Form::Strips) => channels,
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
        BlockSchedule { strip, reason, ring, expand, expand_rows, depthwise, squeeze_excite, project, scratch }
    }

    /// Floats of the input that the next strip reads and this one did not, where they have to come from beyond L2: while
    /// a strip is projected nothing else does.
    fn ahead(&self, step: &Step, block: &Block, strip: usize) -> usize {
        let input = step.input_shape;
        let row = input.width * self.stride(input);
        let far = input.height * row * 4 > self.target.l2_bytes;
        let strips = strip < block.depthwise.output.height && block.squeeze_excite.is_none();
        // Of a stem the input is an image, whose rows are others.
        let pointwise = block.expand.as_ref().is_none_or(|e| e.conv.kernel_size == 1 && e.conv.stride == 1);
        if far && strips && pointwise && step.input.is_some() && self.isa.prefetch {
            strip * block.depthwise.conv.stride * row
        } else {
            0
        }
    }

    /// Output rows of a strip: the divisor of the height whose traffic is estimated to cost least.
    ///
    /// A short strip keeps the expanded rows near, but streams the weights of both convolutions once a strip; a tall
    /// one streams them seldom, but the rows between the layers leave the cache. What fits into L2 together is read
    /// at its bandwidth, of what does not the more from L3 the more it is.
    fn strip(&self, block: &Block, Size { middle, out }: Size, choice: &Choice) -> (usize, String) {
        let depthwise = &block.depthwise.conv;
        let channels = self.padded(depthwise.output_channels);
        let row_out = out.width * channels * 4;
        let row_in = if block.expand.is_some() { middle.width * channels * 4 } else { 0 };
        let bytes = |p: &PackedConv| self.layers[p.layer].len() * 4;
        let weights = block.expand.as_ref().map_or(0, bytes)
            + if block.squeeze_excite.is_some() { 0 } else { bytes(&block.project) };
        let between = row_in * middle.height + row_out * out.height;
        let kept = |strip: usize| {
            let rows = ((strip - 1) * depthwise.stride + depthwise.kernel_size).min(middle.height);
            row_in * rows + row_out * strip
        };
        let cost = |strip: usize| {
            let room = self.target.near().min(self.target.l2_bytes.saturating_sub(weights));
            let bandwidth = match kept(strip) {
                kept if kept > room && strip == out.height => self.target.l3_bandwidth,
                kept => self.target.strip_bandwidth(kept, room),
            };
            let traffic = (out.height / strip) * weights + 2 * between;
            // Short runs of pixels leave registers idle at the end of each.
            let run = strip * out.width;
            let idle = run.next_multiple_of(8) as f64 / run as f64;
            traffic as f64 / bandwidth * idle
        };
        let divisors = (1..=out.height).filter(|s| out.height.is_multiple_of(*s));
        let strip = match choice.strip {
            Some(Strip::All) => out.height,
            Some(Strip::Rows(rows)) => rows,
            None => divisors.min_by(|&a, &b| cost(a).total_cmp(&cost(b))).unwrap_or(out.height),
        };
        let reason = if strip == out.height {
            format!(
                "layer by layer: {} KiB between the layers, {} KiB of weights read once",
                between >> 10,
                weights >> 10
            )
        } else {
            format!(
                "strips of {strip}: {} KiB between the layers instead of {}, {} KiB of weights read {} times",
                kept(strip) >> 10,
                between >> 10,
                weights >> 10,
                out.height / strip
            )
        };
        (strip, reason)
    }
}
