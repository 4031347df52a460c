//! Layers to the text of a spec: grouped into blocks, with the keys that say something.

use crate::error::Problems;
use crate::layers::{Kind, Layer, Layers};
use crate::net::{Act, Net};
use crate::padding;
use crate::ratios;
use crate::squeeze_excite::SqueezeExcites;
use mnas_dsl::Spec;
use mnas_dsl::network::{Activation, Padding, Shape, Skip};
use std::fmt::Write as _;

/// Layers of one block, at most.
const MAX_LAYERS: usize = 100;

/// The text. What no spec can say goes into `problems`.
pub(crate) fn write(
    name: &str,
    preprocess: &str,
    eps: Option<f64>,
    layers: &Layers,
    net: &Net,
    problems: &mut Problems,
) -> String {
    let mut text = format!("name: {name}\n");
    let Some((stem, rest)) = layers.layers.split_first() else { return text };
    let Shape { height, width, channels } = stem.input;
    let _ = writeln!(text, "input: {height}x{width}x{channels}");
    text.push_str(preprocess);
    if let Some(eps) = eps.filter(|&eps| eps != Spec::DEFAULT_BATCH_NORM_EPS) {
        let _ = writeln!(text, "batch_norm: {{eps: {eps}}}");
    }
    let padding = padding::of(layers, net, problems);
    if padding != Padding::Same {
        let _ = writeln!(text, "padding: {}", padding::word(padding));
    }
    let activation = commonest(layers);
    if activation != Activation::Relu {
        let _ = writeln!(text, "activation: {}", Act(Some(activation)));
    }
    let se = SqueezeExcites::of(rest, padding);
    text.push_str(&se.text(rest, net, problems));
    let _ = writeln!(text, "stem: {}", Group::new(stem, se, padding).text(activation, net, problems));
    text.push_str("blocks:\n");
    for group in groups(rest, se, padding) {
        let _ = writeln!(text, "  - {}", group.text(activation, net, problems));
    }
    match &layers.head {
        None => text.push_str("head: none\n"),
        Some(head) => {
            let mut keys = Vec::new();
            if let Some(conv) = &head.conv {
                keys.push(format!("filters: {}", conv.conv.output_channels));
            }
            if let Some(hidden) = &head.hidden {
                keys.push(format!("hidden: {}", hidden.conv.output_channels));
            }
            if head.is_conv {
                keys.push(format!("kernel: {}", head.classifier.conv.kernel_size));
            }
            keys.push(format!("classes: {}", head.classifier.conv.output_channels));
            let own: Vec<_> = head.conv.iter().chain(&head.hidden).collect();
            if let Some(first) = own.first().filter(|unit| !unit.activation.is(activation)) {
                keys.push(format!("activation: {}", first.activation));
            }
            if let [conv, hidden] = own[..]
                && !hidden.activation.fits(conv.activation)
            {
                let found = format!("a hidden layer with {}", hidden.activation);
                problems.push(net.place(hidden.output), found, format!("{}, as before the pool", conv.activation));
            }
            let _ = writeln!(text, "head: {{{}}}", keys.join(", "));
        }
    }
    text
}

/// Layers that are one block.
pub(crate) struct Group<'l, 't, 'a> {
    layers: Vec<&'l Layer<'t, 'a>>,
    se: SqueezeExcites,
    /// The network's.
    padding: Padding,
}

pub(crate) fn groups<'l, 't, 'a>(
    layers: &'l [Layer<'t, 'a>],
    se: SqueezeExcites,
    padding: Padding,
) -> Vec<Group<'l, 't, 'a>> {
    let mut groups: Vec<Group> = Vec::new();
    for layer in layers {
        match groups.last_mut() {
            Some(group) if group.takes(layer) => group.layers.push(layer),
            _ => groups.push(Group::new(layer, se, padding)),
        }
    }
    groups
}

impl<'l, 't, 'a> Group<'l, 't, 'a> {
    fn new(layer: &'l Layer<'t, 'a>, se: SqueezeExcites, padding: Padding) -> Self {
        Group { layers: vec![layer], se, padding }
    }

    /// Whether this layer repeats the block.
    fn takes(&self, layer: &'l Layer<'t, 'a>) -> bool {
        let Some(first) = self.layers.first() else { return true };
        let same = first.kind == layer.kind
            && first.kernel_size == layer.kernel_size
            && first.output.channels == layer.output.channels
            && first.activation.fits(layer.activation)
            && first.pointwise_activation.fits(layer.pointwise_activation)
            && first.se.is_some() == layer.se.is_some();
        if !same || layer.kind == Kind::MaxPool || layer.stride != 1 || self.layers.len() >= MAX_LAYERS {
            return false;
        }
        let with = Group { layers: self.layers.iter().copied().chain([layer]).collect(), ..*self };
        with.skip().is_some()
            && (!layer.kind.expands() || with.expand().is_some() || with.exact_expand().is_some())
            && (layer.kind != Kind::Bottleneck || with.reduce().is_some())
            && with.squeeze_excite().is_some()
            && with.padding().is_some()
    }

    /// What `skip` has to say: nothing, or a word; `None` where no word says it of all layers.
    fn skip(&self) -> Option<Option<&'static str>> {
        let fits = |word: Skip| self.layers.iter().all(|layer| layer.skip == skip(word, layer));
        let default = match self.layers.first().map(|layer| layer.kind) {
            Some(Kind::Bottleneck | Kind::Xception) => Skip::Projection,
            _ => Skip::Identity,
        };
        if fits(default) {
            return Some(None);
        }
        let words = [
            ("none", Skip::None),
            ("identity", Skip::Identity),
            ("pool", Skip::Pool),
            ("projection", Skip::Projection),
        ];
        words.into_iter().find(|(_, it)| fits(*it)).map(|(word, _)| Some(word))
    }

    /// The ratio of TensorFlow's block strings, which do not round.
    fn exact_expand(&self) -> Option<usize> {
        let first = self.layers.first().filter(|first| first.kind == Kind::MbConv)?;
        let ratio = first.expanded / first.input.channels;
        let is_exact = self.layers.iter().all(|layer| layer.expanded == layer.input.channels * ratio);
        // 1 would be no expansion at all.
        (is_exact && ratio > 1).then_some(ratio)
    }

    /// The block as TensorFlow's string, where only that has the width of its expansion.
    fn block_string(&self, activation: Activation) -> Option<String> {
        let first = self.layers.first()?;
        let ratio = self.exact_expand().filter(|_| self.expand().is_none())?;
        let has_defaults = first.activation.is(activation) && self.padding() == Some(self.padding);
        let skip = match self.skip()? {
            None => "",
            Some("none") => "_noskip",
            Some(_) => return None,
        };
        let se = self.squeeze_excite()?.map_or(String::new(), |ratio| format!("_se{ratio}"));
        let (layers, k, s) = (self.layers.len(), first.kernel_size, first.stride);
        let (inputs, outputs) = (first.input.channels, first.output.channels);
        has_defaults.then(|| format!("r{layers}_k{k}_s{s}{s}_e{ratio}_i{inputs}_o{outputs}{se}{skip}"))
    }

    fn reduce(&self) -> Option<f64> {
        let widths: Vec<_> = self.layers.iter().map(|it| (it.output.channels, it.expanded)).collect();
        ratios::reduce(&widths)
    }

    /// The padding that all layers have: the network's, if that is one.
    fn padding(&self) -> Option<Padding> {
        let all = [self.padding, Padding::Valid, Padding::Same, Padding::Symmetric];
        all.into_iter().find(|padding| self.layers.iter().all(|layer| padding::fits(*padding, layer)))
    }

    fn expand(&self) -> Option<f64> {
        let widths: Vec<_> = self.layers.iter().map(|it| (it.input.channels, it.expanded)).collect();
        ratios::expand(&widths)
    }

    /// `se`: `Some(None)` where there is none, `None` where no ratio gives the widths.
    pub(crate) fn squeeze_excite(&self) -> Option<Option<f64>> {
        let widths: Vec<_> = self.layers.iter().filter_map(|layer| self.se.width(layer)).collect();
        if widths.is_empty() { Some(None) } else { ratios::squeeze_excite(&widths, self.se.rounding).map(Some) }
    }

    /// The block as a map of YAML. `activation` is the network's.
    fn text(&self, activation: Activation, net: &Net, problems: &mut Problems) -> String {
        let Some(&first) = self.layers.first() else { return String::new() };
        if let Some(text) = self.block_string(activation) {
            return text;
        }
        let mut keys = Vec::new();
        let mut put = |key: &str, value: String| keys.push(format!("{key}: {value}"));
        put("op", first.kind.op().to_owned());
        if first.kind.expands() {
            match self.expand() {
                Some(ratio) => put("expand", ratio.to_string()),
                None => problems.push(
                    net.place(first.first_step()),
                    format!("an expansion from {} to {} channels", first.input.channels, first.expanded),
                    "widths of expansions are multiples of 8, which is how `expand` rounds",
                ),
            }
        }
        put("kernel", first.kernel_size.to_string());
        if first.stride != 1 {
            put("stride", first.stride.to_string());
        }
        if first.kind != Kind::MaxPool {
            put("filters", first.output.channels.to_string());
        }
        if first.kind == Kind::Bottleneck {
            match self.reduce() {
                Some(0.25) => {}
                Some(ratio) => put("reduce", ratio.to_string()),
                None => problems.push(
                    net.place(first.window),
                    format!("a convolution of {} channels before {}", first.expanded, first.output.channels),
                    "a bottleneck's has no more than come out of the block",
                ),
            }
        }
        if self.layers.len() > 1 {
            put("layers", self.layers.len().to_string());
        }
        match (first.se, self.squeeze_excite()) {
            (_, Some(Some(ratio))) => put("se", ratio.to_string()),
            (Some(se), None) => problems.push(
                net.place(se.reduce.step),
                format!(
                    "a squeeze-excite of {} channels where {} come into the block and {} are gated",
                    se.reduce.conv.output_channels, first.input.channels, first.expanded
                ),
                "its width is the same share of either in all layers of the block",
            ),
            _ => {}
        }
        match self.skip() {
            Some(None) => {}
            Some(Some(word)) => put("skip", word.to_owned()),
            None => problems.push(
                net.place(first.window),
                "a skip that its shapes do not allow",
                "`identity` needs equal shapes, `pool` equal channels, `projection` padding that keeps the edges",
            ),
        }
        // Where none fits it is reported of the whole network.
        if let Some(padding) = self.padding().filter(|padding| *padding != self.padding) {
            put("padding", padding::word(padding).to_owned());
        }
        if !first.activation.is(activation) {
            put("activation", first.activation.to_string());
        }
        if first.kind == Kind::SepConv && !first.pointwise_activation.is(Activation::Linear) {
            let same = first.pointwise_activation.fits(first.activation);
            put("pointwise_activation", if same { "same".to_owned() } else { first.pointwise_activation.to_string() });
        }
        format!("{{{}}}", keys.join(", "))
    }
}

impl Kind {
    fn expands(self) -> bool {
        matches!(self, Kind::MbConv | Kind::FusedMbConv)
    }

    fn op(self) -> &'static str {
        match self {
            Kind::Conv => "conv",
            Kind::SepConv => "sepconv",
            Kind::MbConv => "mbconv",
            Kind::FusedMbConv => "fused_mbconv",
            Kind::Bottleneck => "bottleneck",
            Kind::Xception => "xception",
            Kind::MaxPool => "max_pool",
        }
    }
}

/// What a layer has where its block says `skip: word`.
fn skip(word: Skip, layer: &Layer) -> Skip {
    let Layer { input, output, stride, .. } = *layer;
    if layer.kind == Kind::SepConv && !layer.pointwise_activation.is(Activation::Linear) {
        return Skip::None;
    }
    let shortcut = Shape { height: input.height.div_ceil(stride), width: input.width.div_ceil(stride), ..output };
    match word {
        Skip::Identity | Skip::Projection if input == output && stride == 1 => Skip::Identity,
        Skip::Pool if shortcut == output && input.channels == output.channels => Skip::Pool,
        Skip::Projection if shortcut == output => Skip::Projection,
        _ => Skip::None,
    }
}

/// The activation that most layers have; of equals, the first.
fn commonest(layers: &Layers) -> Activation {
    let head = layers.head.iter().filter_map(|head| head.conv.as_ref()).map(|conv| conv.activation);
    let all: Vec<Activation> =
        layers.layers.iter().map(|layer| layer.activation).chain(head).filter_map(|act| act.0).collect();
    let count = |activation: &Activation| all.iter().filter(|it| *it == activation).count();
    let mut best: Option<Activation> = None;
    for activation in &all {
        if best.as_ref().is_none_or(|best| count(activation) > count(best)) {
            best = Some(*activation);
        }
    }
    best.unwrap_or(Activation::Relu)
}
