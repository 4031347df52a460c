//! A [`Spec`] to the [`Network`] that it means: scaled, defaults filled in, unrolled, shapes checked.

use crate::diagnostics::{Diagnostics, Report};
use crate::kind::{LayerInput, Windows};
use crate::limits;
use crate::network::{
    Activation, Classifier, Head, Interpolation, Layer, Network, Padding, Pads, Preprocess, Shape, Skip, slide,
};
use crate::print;
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

/// The network. Errors go into the report.
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
    /// Whether rows and columns follow from the spec alone, and not from stand-ins for values that could not be read.
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
        let written = stem.filters.map_or(self.shape.channels, |it| it.value);
        let filters = if fixed { written } else { self.scaled(written) };
        self.layer("stem".to_owned(), stem, filters, true);
        self.after(stem);
    }

    fn block(&mut self, index: usize, block: &Block) {
        self.check_input_filters(block);
        let filters = match block.filters {
            Some(filters) => self.scaled(filters.value),
            None => self.shape.channels,
        };
        let layers = self.layer_count(index, block);
        if self.layers.len() + layers > limits::TOTAL_LAYERS {
            // Reported once; the rest is not unrolled.
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
        if block.broken.filters {
            self.written = None;
        } else if let Some(filters) = block.filters {
            self.written = Some(filters.value);
        }
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
        let padding = block.padding.map_or(self.padding, |it| it.value);
        let row = block.kind.row();
        let windows = (row.windows)(block, padding, input, stride).unwrap_or_else(|| {
            self.report_window(block.kernel_size.span, kernel_size, input);
            Windows { output: input, pads: Pads::NONE, pool: None }
        });
        let output = Shape { channels: filters, ..windows.output };
        let activation = block.activation.map_or(self.activation, |it| it.value);
        let squeeze_excite = self.spec.squeeze_excite.as_ref();
        let from = LayerInput { shape: input, activation, filters, pool: windows.pool, squeeze_excite };
        let op = (row.layer)(block, &from);
        let skip = skip(block, input, output, stride);
        let layer = Layer {
            name,
            source: print::block_source(block, self.layers.is_empty(), &self.spec.source),
            input,
            output,
            kernel_size,
            stride,
            pads: windows.pads,
            op,
            skip,
        };
        let chain = layer.chain();
        for (_, _, inner) in chain.with_shapes(input).take(chain.units.len().saturating_sub(1)) {
            self.check_tensor(block.span, row.inner, inner, inner.channels);
        }
        self.check_tensor(block.span, "the output", output, filters);
        self.layers.push(layer);
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
        // Later layers are too small as well; the error is reported once.
        self.size_known = false;
    }

    fn report_window(&mut self, span: Span, kernel_size: usize, input: Shape) {
        // Sizes that follow from stand-ins are not checked.
        if std::mem::replace(&mut self.size_known, false) {
            let Shape { height, width, .. } = input;
            self.report.error(span, format!("a kernel of {kernel_size} does not fit into {height}x{width}"), |d| {
                d.label("too large without padding").hint("use a larger input, a smaller kernel, or `padding: same`");
            });
        }
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

    /// Compares the input channels of a TensorFlow string with those of the layer before.
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
        let shapes = first.map_or(String::new(), |layer| format!("{} become {}", layer.input, layer.output));
        let what = match skip.value {
            Skip::Pool => "a pooling skip needs a layer that keeps its channels",
            Skip::Projection => "a projected skip needs padding that keeps the edges",
            Skip::Identity | Skip::None => "an identity skip needs a layer that keeps its shape",
        };
        self.report.error(skip.span, what, |d| {
            d.label(shapes).hint("write `skip: none`, or omit `skip` to get a skip wherever shapes allow");
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
        let classes = head.classes.value;
        let classifier = match head.kernel_size {
            None => Classifier::Linear,
            Some(At { value: kernel_size, span }) => {
                let pads = Pads::of(self.padding, self.shape, kernel_size, 1);
                match slide(self.shape, kernel_size, 1, pads) {
                    Some(scores) => self.check_tensor(span, "the classifier", scores, classes),
                    None => self.report_window(span, kernel_size, self.shape),
                }
                Classifier::Conv { kernel_size, pads }
            }
        };
        Head { conv, hidden, classifier, classes }
    }
}

/// The skip of one layer. `check_skip` reports a skip that no layer of a block can have.
fn skip(block: &Block, input: Shape, output: Shape, stride: usize) -> Skip {
    if block.has_pointwise_activation() {
        return Skip::None;
    }
    let shortcut = Shape { height: input.height.div_ceil(stride), width: input.width.div_ceil(stride), ..output };
    match block.skip.map_or(block.kind.row().skip, |skip| skip.value) {
        Skip::Identity | Skip::Projection if input == output && stride == 1 => Skip::Identity,
        Skip::Pool if shortcut == output && input.channels == output.channels => Skip::Pool,
        Skip::Projection if shortcut == output => Skip::Projection,
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
