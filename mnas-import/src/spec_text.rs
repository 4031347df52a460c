//! Layers to the text of a spec: grouped into blocks, with the keys that say something.

use crate::error::Problems;
use crate::layers::{Kind, Layer, Layers};
use crate::net::{Act, Net};
use crate::ratios;
use crate::squeeze_excite::SqueezeExcites;
use mnas_dsl::Spec;
use mnas_dsl::network::{Activation, Padding, Pads, Shape, Skip};
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
    if padding(layers, net, problems) == Padding::Symmetric {
        text.push_str("padding: symmetric\n");
    }
    let activation = commonest(layers);
    if activation != Activation::Relu {
        let _ = writeln!(text, "activation: {}", Act(Some(activation)));
    }
    let se = SqueezeExcites::of(rest);
    text.push_str(&se.text(rest, net, problems));
    let _ = writeln!(text, "stem: {}", Group::new(stem, se).text(activation, net, problems));
    text.push_str("blocks:\n");
    for group in groups(rest, se) {
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
}

pub(crate) fn groups<'l, 't, 'a>(layers: &'l [Layer<'t, 'a>], se: SqueezeExcites) -> Vec<Group<'l, 't, 'a>> {
    let mut groups: Vec<Group> = Vec::new();
    for layer in layers {
        match groups.last_mut() {
            Some(group) if group.takes(layer) => group.layers.push(layer),
            _ => groups.push(Group::new(layer, se)),
        }
    }
    groups
}

impl<'l, 't, 'a> Group<'l, 't, 'a> {
    fn new(layer: &'l Layer<'t, 'a>, se: SqueezeExcites) -> Self {
        Group { layers: vec![layer], se }
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
        if !same || layer.stride != 1 || self.layers.len() >= MAX_LAYERS {
            return false;
        }
        let with = Group { layers: self.layers.iter().copied().chain([layer]).collect(), se: self.se };
        with.skip().is_some() && (!layer.kind.expands() || with.expand().is_some()) && with.squeeze_excite().is_some()
    }

    /// What `skip` has to say: nothing, or a word; `None` where no word says it of all layers.
    fn skip(&self) -> Option<Option<&'static str>> {
        let fits = |given: fn(&Layer) -> Skip| self.layers.iter().all(|layer| layer.skip == given(layer));
        if fits(|layer| if may_skip(layer) { Skip::Identity } else { Skip::None }) {
            Some(None)
        } else if fits(|_| Skip::None) {
            Some(Some("none"))
        } else if fits(|layer| if layer.input.channels == layer.output.channels { Skip::Pool } else { Skip::None }) {
            Some(Some("pool"))
        } else {
            None
        }
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
        put("filters", first.output.channels.to_string());
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
                "`identity` needs stride 1 and equal channels, `pool` equal channels",
            ),
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
        }
    }
}

/// Whether a layer has an identity skip unless a spec says otherwise.
fn may_skip(layer: &Layer) -> bool {
    let ends_linear = layer.kind != Kind::SepConv || layer.pointwise_activation.is(Activation::Linear);
    layer.stride == 1 && layer.input.channels == layer.output.channels && ends_linear
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

/// The padding of all layers. Where they do not agree, those that do as the fewest are reported.
fn padding(layers: &Layers, net: &Net, problems: &mut Problems) -> Padding {
    let windows = || layers.layers.iter().filter(|layer| layer.has_window());
    let misfits = |padding| windows().filter(move |layer| layer.pads != pads(padding, layer)).count();
    let padding =
        if misfits(Padding::Same) <= misfits(Padding::Symmetric) { Padding::Same } else { Padding::Symmetric };
    let word = if padding == Padding::Same { "same" } else { "symmetric" };
    for layer in windows().filter(|layer| layer.pads != pads(padding, layer)) {
        let (found, ours) = (layer.pads, pads(padding, layer));
        let show = |Pads { top, left, bottom, right }: Pads| format!("[{top}, {left}, {bottom}, {right}]");
        problems.push(
            net.place(layer.window),
            format!("pads {} of a {1}x{1} kernel with stride {2}", show(found), layer.kernel_size, layer.stride),
            format!("`padding: {word}`, which most layers have, is {} here, and is one for all", show(ours)),
        );
    }
    padding
}

fn pads(padding: Padding, layer: &Layer) -> Pads {
    let (k, s) = (layer.kernel_size, layer.stride);
    let sides = |size: usize| match padding {
        Padding::Same => {
            let total = (size.div_ceil(s).saturating_sub(1) * s + k).saturating_sub(size);
            (total / 2, total - total / 2)
        }
        Padding::Symmetric => (((s - 1) + (k - 1)) / 2, ((s - 1) + (k - 1)) / 2),
        Padding::Valid => (0, 0),
    };
    let ((top, bottom), (left, right)) = (sides(layer.input.height), sides(layer.input.width));
    Pads { top, left, bottom, right }
}
