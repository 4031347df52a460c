//! Layers to the text of a spec: grouped into blocks, with the keys that say something.

use crate::error::Problems;
use crate::group::{Group, SqueezeExcites, groups};
use crate::layer::Layers;
use crate::net::{Act, Net};
use crate::padding;
use mnas_dsl::Spec;
use mnas_dsl::network::{Activation, Padding, Shape};
use std::fmt::Write as _;

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

impl Group<'_, '_, '_> {
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

    /// The block as a map of YAML. `activation` is the network's.
    fn text(&self, activation: Activation, net: &Net, problems: &mut Problems) -> String {
        let Some(&first) = self.layers.first() else { return String::new() };
        if let Some(text) = self.block_string(activation) {
            return text;
        }
        let mut keys = Vec::new();
        let mut put = |key: &str, value: String| keys.push(format!("{key}: {value}"));
        put("op", first.kind.op().to_owned());
        if first.kind.has("expand") {
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
        if first.kind.has("filters") {
            put("filters", first.output.channels.to_string());
        }
        if first.kind.has("reduce") {
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
        if first.kind.has("pointwise_activation") && !first.pointwise_activation.is(Activation::Linear) {
            let same = first.pointwise_activation.fits(first.activation);
            put("pointwise_activation", if same { "same".to_owned() } else { first.pointwise_activation.to_string() });
        }
        format!("{{{}}}", keys.join(", "))
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
