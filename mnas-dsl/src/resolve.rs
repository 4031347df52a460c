//! A [`Spec`] to the [`Network`] that it means: scaled, defaults filled in, unrolled, shapes checked.

use crate::diagnostics::{Diagnostics, Report};
use crate::limits;
use crate::network::{
    Activation, Head, Interpolation, Layer, LayerOp, Network, Padding, Pads, Preprocess, Shape, Skip,
};
use crate::print;
use crate::reader::block::LayerInput;
use crate::rounding::{round_channels, scale_layers};
use crate::source::{At, Span};
use crate::spec::{Block, HeadSpec, PerChannel, ScaleSpec, Scaling, Spec};

impl Spec {
    /// What the spec means, layer by layer.
    ///
    /// # Errors
    ///
    /// Every place where shapes do not fit, an input is too small, or a size is too large.
    pub fn resolve(&self) -> Result<Network, Diagnostics> {
        let mut report = Report::new(&self.source);
        let network = resolve(self, &mut report);
        report.finish(Some(network))
    }
}

/// The network, with whatever is wrong in the report.
pub(crate) fn resolve(spec: &Spec, report: &mut Report) -> Network {
    let mut walk = Walk::new(spec, report);
    walk.stem();
    for (index, block) in spec.blocks.iter().enumerate() {
        walk.block(index, block);
    }
    let head = spec.head.as_ref().map(|head| walk.head(head));
    let layers = walk.layers;
    let network = Network {
        name: spec.name.value.clone(),
        input: spec.input.value,
        preprocess: spec.preprocess.as_ref().map(|_| preprocess(spec)),
        labels: spec.labels.as_ref().map(|labels| labels.value.clone()),
        batch_norm_eps: spec.batch_norm_eps.map_or(Spec::DEFAULT_BATCH_NORM_EPS, |eps| eps.value),
        layers,
        head,
    };
    // Tensors are bounded by now, so the sums cannot overflow.
    if report.found.is_empty() && network.parameters() > limits::PARAMETERS {
        report.error(spec.name.span, format!("the network has {} parameters", network.parameters()), |d| {
            d.label("too large").hint(format!("at most {} are supported", limits::PARAMETERS));
        });
    }
    network
}

struct Walk<'a, 'r> {
    spec: &'a Spec,
    report: &'r mut Report,
    padding: Padding,
    activation: Activation,
    scale: Option<&'a ScaleSpec>,
    /// Output of the last layer.
    shape: Shape,
    /// Filters of the last block as they are written, before scaling; `None` where they could not be read.
    written: Option<usize>,
    /// Whether rows and columns are what the spec says, not what stand-ins gave.
    size_known: bool,
    has_too_many_layers: bool,
    has_too_many_channels: bool,
    layers: Vec<Layer>,
}

impl<'a, 'r> Walk<'a, 'r> {
    fn new(spec: &'a Spec, report: &'r mut Report) -> Self {
        let mut walk = Self {
            spec,
            report,
            padding: spec.padding.map_or(Padding::Same, |it| it.value),
            activation: spec.activation.map_or(Activation::Relu, |it| it.value),
            scale: spec.scale.as_ref(),
            shape: spec.input.value,
            written: Some(spec.input.value.channels),
            size_known: true,
            has_too_many_layers: false,
            has_too_many_channels: false,
            layers: Vec::new(),
        };
        walk.check_tensor(spec.input.span, "the input", spec.input.value, spec.input.value.channels);
        walk
    }

    fn scaled(&mut self, filters: usize) -> usize {
        let Some(width) = self.scale.and_then(|scale| scale.width) else {
            return filters;
        };
        let scaled = round_channels(filters as f64 * width.value);
        let most = *limits::CHANNELS.end();
        if scaled > most {
            if !std::mem::replace(&mut self.has_too_many_channels, true) {
                self.report.error(width.span, format!("{filters} filters become {scaled}"), |d| {
                    d.label("too wide").hint(format!("the number of filters is at most {most} after scaling"));
                });
            }
            return most;
        }
        scaled
    }

    fn stem(&mut self) {
        let stem = &self.spec.stem;
        let fixed = self.scale.and_then(|scale| scale.stem).is_some_and(|it| it.value == Scaling::Fixed);
        let filters = if fixed { stem.filters.value } else { self.scaled(stem.filters.value) };
        self.layer("stem".to_owned(), stem, filters, true);
        self.after(stem);
    }

    fn block(&mut self, index: usize, block: &Block) {
        self.check_input_filters(block);
        let filters = self.scaled(block.filters.value);
        let layers = self.layer_count(index, block);
        if self.layers.len() + layers > limits::TOTAL_LAYERS {
            // Once is enough, and the rest is not worth unrolling.
            if !std::mem::replace(&mut self.has_too_many_layers, true) {
                let span = block.layers.map_or(block.span, |it| it.span);
                self.report.error(span, format!("the network has more than {} layers", limits::TOTAL_LAYERS), |d| {
                    d.label("too many layers").hint("use fewer blocks or fewer layers in each");
                });
            }
            self.size_known = false;
        } else {
            let inputs_known = self.written.is_some() && !block.broken.filters;
            let mut has_skip = false;
            for repeat in 0..layers {
                let skip = self.layer(format!("blocks.{index}.{repeat}"), block, filters, repeat == 0);
                has_skip |= skip != Skip::None;
            }
            self.check_skip(block, layers, has_skip, inputs_known);
        }
        self.after(block);
    }

    fn after(&mut self, block: &Block) {
        self.written = (!block.broken.filters).then_some(block.filters.value);
        self.size_known &= !block.broken.other;
    }

    fn layer_count(&self, index: usize, block: &Block) -> usize {
        let layers = block.layers.map_or(1, |it| it.value);
        let Some(depth) = self.scale.and_then(|scale| scale.depth) else {
            return layers;
        };
        let is_end = index == 0 || index + 1 == self.spec.blocks.len();
        let fixed = self.scale.and_then(|scale| scale.ends).is_some_and(|it| it.value == Scaling::Fixed);
        if is_end && fixed { layers } else { scale_layers(layers, depth.value) }
    }

    /// Adds a layer and says what skip it has.
    fn layer(&mut self, name: String, block: &Block, filters: usize, first: bool) -> Skip {
        let input = self.shape;
        let stride = if first { block.stride.map_or(1, |it| it.value) } else { 1 };
        self.check_stride(block, stride);
        let kernel_size = block.kernel_size.value;
        let (height, top, bottom) = convolve(self.padding, input.height, kernel_size, stride);
        let (width, left, right) = convolve(self.padding, input.width, kernel_size, stride);
        let output = Shape { height, width, channels: filters };
        let activation = block.activation.map_or(self.activation, |it| it.value);
        let op = (block.kind.row().layer)(
            block,
            &LayerInput { shape: input, activation, squeeze_excite: self.spec.squeeze_excite.as_ref() },
        );
        if let LayerOp::MbConv { expanded, .. } = op {
            self.check_tensor(block.span, "the expansion", input, expanded);
        }
        self.check_tensor(block.span, "the output", output, filters);
        let skip = skip(block, input, output, stride);
        self.layers.push(Layer {
            name,
            source: print::block_source(block, self.layers.is_empty(), &self.spec.source),
            input,
            output,
            kernel_size,
            stride,
            pads: Pads { top, left, bottom, right },
            op,
            skip,
        });
        self.shape = output;
        skip
    }

    fn check_stride(&mut self, block: &Block, stride: usize) {
        let Shape { height, width, .. } = self.shape;
        if stride == 1 || !self.size_known || (height >= 2 && width >= 2) {
            return;
        }
        let span = block.stride.map_or(block.span, |it| it.span);
        let input = self.spec.input.value;
        self.report.error(
            span,
            format!("the input {}x{} is too small for the strides", input.height, input.width),
            |d| {
                d.label(format!("only {height}x{width} is left here")).hint("use a larger input or fewer strides of 2");
            },
        );
        // What follows is too small as well; once is enough.
        self.size_known = false;
    }

    fn check_tensor(&mut self, span: Span, what: &str, shape: Shape, channels: usize) {
        let values = (shape.height as u64)
            .checked_mul(shape.width as u64)
            .and_then(|pixels| pixels.checked_mul(channels as u64));
        if values.is_some_and(|values| values <= limits::TENSOR) || !self.size_known {
            return;
        }
        let Shape { height, width, .. } = shape;
        self.report.error(span, format!("{what} has {height}x{width}x{channels} values"), |d| {
            d.label("too large").hint(format!("a tensor has at most {} values", limits::TENSOR));
        });
        self.size_known = false;
    }

    /// TensorFlow's strings say their input channels, which may not be what comes in.
    fn check_input_filters(&mut self, block: &Block) {
        if let (Some(claim), Some(written)) = (block.input_filters, self.written)
            && claim.value != written
        {
            self.report.error(
                claim.span,
                format!("the block string says {} input filters, but {written} come in", claim.value),
                |d| {
                    d.label(format!("{written} come in")).hint(format!(
                        "write `i{written}`; where TensorFlow meant no skip by it (MnasNet-small), add `noskip`"
                    ));
                },
            );
        }
    }

    fn check_skip(&mut self, block: &Block, layers: usize, has_skip: bool, channels_known: bool) {
        let Some(skip) = block.skip.filter(|skip| skip.value != Skip::None) else {
            return;
        };
        if has_skip || !channels_known || block.broken.other || block.has_pointwise_activation() {
            return;
        }
        let first = self.layers.iter().rev().nth(layers.saturating_sub(1));
        let shapes =
            first.map_or(String::new(), |layer| format!("{} become {}", show(layer.input), show(layer.output)));
        let what = match skip.value {
            Skip::Pool => "a pooling skip needs a layer that keeps its channels",
            _ => "an identity skip needs a layer that keeps its shape",
        };
        self.report.error(skip.span, what, |d| {
            d.label(shapes).hint("write `skip: none`, or leave `skip` away for a skip wherever shapes allow");
        });
    }

    fn head(&mut self, head: &HeadSpec) -> Head {
        let activation = head.activation.map_or(self.activation, |it| it.value);
        let mut width = |written: At<usize>| {
            let written = written.value;
            let width = match self.scale.and_then(|scale| scale.head).map_or(Scaling::Fixed, |it| it.value) {
                Scaling::Fixed => written,
                Scaling::Scaled => self.scaled(written),
                Scaling::AtLeast => self.scaled(written).max(written),
            };
            (width, activation)
        };
        let (conv, hidden) = (head.filters.map(&mut width), head.hidden.map(&mut width));
        if let (Some((count, _)), Some(span)) = (conv, head.filters.map(|it| it.span)) {
            self.check_tensor(span, "the head's convolution", self.shape, count);
        }
        Head { conv, hidden, classes: head.classes.value }
    }
}

fn show(shape: Shape) -> String {
    format!("{}x{}x{}", shape.height, shape.width, shape.channels)
}

/// Rows (or columns) of a convolution's output, and its padding before and after.
fn convolve(padding: Padding, input: usize, kernel_size: usize, stride: usize) -> (usize, usize, usize) {
    match padding {
        Padding::Same => {
            let output = input.div_ceil(stride);
            let total = (output.saturating_sub(1) * stride + kernel_size).saturating_sub(input);
            (output, total / 2, total - total / 2)
        }
        Padding::Symmetric => {
            let pad = ((stride - 1) + (kernel_size - 1)) / 2;
            ((input + 2 * pad).saturating_sub(kernel_size) / stride + 1, pad, pad)
        }
    }
}

/// The skip of one layer. What a whole block asks for in vain is reported by `check_skip`.
fn skip(block: &Block, input: Shape, output: Shape, stride: usize) -> Skip {
    if block.has_pointwise_activation() {
        return Skip::None;
    }
    let same_channels = input.channels == output.channels;
    match block.skip.map_or(Skip::Identity, |skip| skip.value) {
        Skip::Identity if stride == 1 && same_channels => Skip::Identity,
        Skip::Pool if same_channels => Skip::Pool,
        _ => Skip::None,
    }
}

fn preprocess(spec: &Spec) -> Preprocess {
    let input = spec.input.value;
    let written = spec.preprocess.as_ref();
    let each = |values: Option<&PerChannel>, default: f64| match values {
        None => vec![default; input.channels],
        Some(PerChannel::One(value)) => vec![value.value; input.channels],
        Some(PerChannel::Each(values)) => values.value.clone(),
    };
    Preprocess {
        // The usual crop of 0.875: 224 of 256.
        resize: written.and_then(|it| it.resize).map_or((input.height.max(input.width) * 8).div_ceil(7), |it| it.value),
        interpolation: written.and_then(|it| it.interpolation).map_or(Interpolation::Bilinear, |it| it.value),
        divide: written.and_then(|it| it.range).map_or(255.0, |it| it.value),
        mean: each(written.and_then(|it| it.mean.as_ref()), 0.0),
        std: each(written.and_then(|it| it.std.as_ref()), 1.0),
    }
}
