//! Rust tokens, laid out as the documentation's examples are.

use super::{per_channel, quoted, written_string};
use crate::keywords::{
    ACTIVATIONS, HEAD_SCALINGS, INTERPOLATIONS, PADDINGS, SE_BASES, SE_GATES, SE_ROUNDINGS, SKIPS, STEM_SCALINGS,
    show_number, word,
};
use crate::names::{camel_case, snake_case};
use crate::network::Skip;
use crate::spec::{Block, PointwiseActivation, Spec};

impl Spec {
    /// The spec as the input of `mnas_net!`. Reading it gives an equal spec.
    pub fn to_tokens(&self) -> String {
        let name = &self.name.value;
        let ident = camel_case(name);
        let input = self.input.value;
        let mut out = format!("pub struct {ident}<{} x {} x {}", input.height, input.width, input.channels);
        if let Some(head) = &self.head {
            out.push_str(&format!(", {}", head.classes.value));
        }
        out.push_str("> {\n");
        let mut line = |words: Words| out.push_str(&format!("    {};\n", words.0.join(" ")));
        if snake_case(&ident) != *name {
            line(Words::new("name").word(name));
        }
        if let Some(it) = &self.preprocess {
            let mut words = Words::new("preprocess");
            words = words.pair("mean", it.mean.as_ref().map(per_channel));
            words = words.pair("std", it.std.as_ref().map(per_channel));
            words = words.pair("range", it.range.map(|it| show_number(it.value)));
            words = words.pair("resize", it.resize.map(|it| it.value));
            line(words.pair("interpolation", it.interpolation.map(|it| word(INTERPOLATIONS, it.value))));
        }
        if let Some(labels) = &self.labels {
            let is_plain = labels.value == "imagenet";
            let text = if is_plain { labels.value.clone() } else { quoted(&labels.value) };
            line(Words::new("labels").word(text));
        }
        if let Some(eps) = self.batch_norm_eps {
            line(Words::new("batch_norm").pair("eps", Some(show_number(eps.value))));
        }
        if let Some(padding) = self.padding {
            line(Words::new("padding").word(word(PADDINGS, padding.value)));
        }
        if let Some(activation) = self.activation {
            line(Words::new("activation").word(word(ACTIVATIONS, activation.value)));
        }
        if let Some(it) = &self.squeeze_excite {
            let mut words = Words::new("squeeze_excite");
            words = words.pair("of", it.of.map(|it| word(SE_BASES, it.value)));
            words = words.pair("rounding", it.rounding.map(|it| word(SE_ROUNDINGS, it.value)));
            words = words.pair("activation", it.activation.map(|it| word(ACTIVATIONS, it.value)));
            line(words.pair("gate", it.gate.map(|it| word(SE_GATES, it.value))));
        }
        line(Words::new("stem").word(block(&self.stem, true)));
        for it in &self.blocks {
            line(Words(vec![block(it, false)]));
        }
        match &self.head {
            None => line(Words::new("head").word("none")),
            Some(head) => {
                let mut words = Words::new("head");
                words = words.short("c", head.filters.map(|it| it.value));
                words = words.pair("pool", head.pool.then_some("average"));
                words = words.pair("hidden", head.hidden.map(|it| it.value));
                words = words.pair("dropout", head.dropout.map(|it| show_number(it.value)));
                words = words.pair("kernel", head.kernel_size.map(|it| it.value));
                line(words.pair("activation", head.activation.map(|it| word(ACTIVATIONS, it.value))));
            }
        }
        if let Some(scale) = &self.scale {
            let mut words = Words::new("scale");
            words = words.pair("width", scale.width.map(|it| show_number(it.value)));
            words = words.pair("depth", scale.depth.map(|it| show_number(it.value)));
            words = words.pair("stem", scale.stem.map(|it| word(STEM_SCALINGS, it.value)));
            words = words.pair("head", scale.head.map(|it| word(HEAD_SCALINGS, it.value)));
            line(words.pair("ends", scale.ends.map(|it| word(STEM_SCALINGS, it.value))));
        }
        out.push_str("}\n");
        out
    }
}

/// A statement in the making.
struct Words(Vec<String>);

impl Words {
    fn new(first: &str) -> Self {
        Self(vec![first.to_owned()])
    }

    fn word(mut self, word: impl std::fmt::Display) -> Self {
        self.0.push(word.to_string());
        self
    }

    fn pair(mut self, key: &str, value: Option<impl std::fmt::Display>) -> Self {
        if let Some(value) = value {
            self.0.push(format!("{key} {value}"));
        }
        self
    }

    /// `k3`: a letter with its number.
    fn short(mut self, key: &str, value: Option<impl std::fmt::Display>) -> Self {
        if let Some(value) = value {
            self.0.push(format!("{key}{value}"));
        }
        self
    }
}

/// The block as one statement, without its semicolon. The stem has no skip to write.
pub(super) fn block(block: &Block, is_stem: bool) -> String {
    if let Some(text) = written_string(block) {
        return quoted(&text);
    }
    let mut words = Words::new(block.kind.op());
    words = words.short("e", block.expand_ratio.map(|it| it.value));
    words = words.short("k", Some(block.kernel_size.value));
    words = words.short("s", block.stride.map(|it| it.value));
    words = words.short("c", block.filters.map(|it| it.value));
    words = words.short("r", block.layers.map(|it| it.value));
    words = words.short("se", block.se_ratio.map(|it| it.value));
    words = words.pair("reduce", block.reduce_ratio.map(|it| show_number(it.value)));
    words = match block.skip.filter(|_| !is_stem).map(|it| it.value) {
        None => words,
        Some(Skip::None) => words.word("noskip"),
        Some(skip) => words.pair("skip", Some(word(SKIPS, skip))),
    };
    words = words.pair("activation", block.activation.map(|it| word(ACTIVATIONS, it.value)));
    words = words.pair(
        "pointwise_activation",
        block.pointwise_activation.map(|it| match it.value {
            PointwiseActivation::Same => "same",
            PointwiseActivation::Is(activation) => word(ACTIVATIONS, activation),
        }),
    );
    words = words.pair("padding", block.padding.map(|it| word(PADDINGS, it.value)));
    words.0.join(" ")
}
