//! YAML, laid out as the shipped specs are.

use super::{YAML_VALUES, per_channel, quoted, written_string};
use crate::keywords::{
    ACTIVATIONS, HEAD_SCALINGS, INTERPOLATIONS, PADDINGS, SE_BASES, SE_GATES, SE_ROUNDINGS, SKIPS, STEM_SCALINGS,
    show_number, word,
};
use crate::spec::{Block, PointwiseActivation, Spec};

impl Spec {
    /// The spec in YAML. Reading it gives an equal spec.
    pub fn to_yaml(&self) -> String {
        let mut out = String::new();
        let mut line = |key: &str, value: String| out.push_str(&format!("{key}: {value}\n"));
        let name = &self.name.value;
        line("name", if YAML_VALUES.contains(&name.as_str()) { quoted(name) } else { name.clone() });
        line("input", self.input.value.to_string());
        if let Some(it) = &self.preprocess {
            let mut map = Map::default();
            map.put("mean", it.mean.as_ref().map(per_channel));
            map.put("std", it.std.as_ref().map(per_channel));
            map.put("range", it.range.map(|it| show_number(it.value)));
            map.put("resize", it.resize.map(|it| it.value));
            map.put("interpolation", it.interpolation.map(|it| word(INTERPOLATIONS, it.value)));
            line("preprocess", map.finish());
        }
        if let Some(labels) = &self.labels {
            let is_plain = labels.value == "imagenet";
            line("labels", if is_plain { labels.value.clone() } else { quoted(&labels.value) });
        }
        if let Some(eps) = self.batch_norm_eps {
            line("batch_norm", format!("{{eps: {}}}", show_number(eps.value)));
        }
        if let Some(padding) = self.padding {
            line("padding", word(PADDINGS, padding.value).to_owned());
        }
        if let Some(activation) = self.activation {
            line("activation", word(ACTIVATIONS, activation.value).to_owned());
        }
        if let Some(it) = &self.squeeze_excite {
            let mut map = Map::default();
            map.put("of", it.of.map(|it| word(SE_BASES, it.value)));
            map.put("rounding", it.rounding.map(|it| word(SE_ROUNDINGS, it.value)));
            map.put("activation", it.activation.map(|it| word(ACTIVATIONS, it.value)));
            map.put("gate", it.gate.map(|it| word(SE_GATES, it.value)));
            line("squeeze_excite", map.finish());
        }
        line("stem", block(&self.stem, true));
        out.push_str("blocks:\n");
        for it in &self.blocks {
            out.push_str(&format!("  - {}\n", block(it, false)));
        }
        let mut line = |key: &str, value: String| out.push_str(&format!("{key}: {value}\n"));
        match &self.head {
            None => line("head", "none".to_owned()),
            Some(head) => {
                let mut map = Map::default();
                map.put("filters", head.filters.map(|it| it.value));
                map.put("pool", head.pool.then_some("average"));
                map.put("hidden", head.hidden.map(|it| it.value));
                map.put("dropout", head.dropout.map(|it| show_number(it.value)));
                map.put("kernel", head.kernel_size.map(|it| it.value));
                map.put("classes", Some(head.classes.value));
                map.put("activation", head.activation.map(|it| word(ACTIVATIONS, it.value)));
                line("head", map.finish());
            }
        }
        if let Some(scale) = &self.scale {
            let mut map = Map::default();
            map.put("width", scale.width.map(|it| show_number(it.value)));
            map.put("depth", scale.depth.map(|it| show_number(it.value)));
            map.put("stem", scale.stem.map(|it| word(STEM_SCALINGS, it.value)));
            map.put("head", scale.head.map(|it| word(HEAD_SCALINGS, it.value)));
            map.put("ends", scale.ends.map(|it| word(STEM_SCALINGS, it.value)));
            line("scale", map.finish());
        }
        out
    }
}

/// A flow map in the making.
#[derive(Default)]
struct Map(Vec<String>);

impl Map {
    fn put(&mut self, key: &str, value: Option<impl std::fmt::Display>) {
        if let Some(value) = value {
            self.0.push(format!("{key}: {value}"));
        }
    }

    fn finish(self) -> String {
        format!("{{{}}}", self.0.join(", "))
    }
}

/// The block as one YAML value. The stem has no skip to write.
pub(super) fn block(block: &Block, is_stem: bool) -> String {
    if let Some(text) = written_string(block) {
        return text;
    }
    let mut map = Map::default();
    map.put("op", Some(block.kind.op()));
    map.put("expand", block.expand_ratio.map(|it| show_number(it.value)));
    map.put("kernel", Some(block.kernel_size.value));
    map.put("stride", block.stride.map(|it| it.value));
    map.put("filters", block.filters.map(|it| it.value));
    map.put("layers", block.layers.map(|it| it.value));
    map.put("reduce", block.reduce_ratio.map(|it| show_number(it.value)));
    map.put("se", block.se_ratio.map(|it| show_number(it.value)));
    map.put("skip", block.skip.filter(|_| !is_stem).map(|it| word(SKIPS, it.value)));
    map.put("activation", block.activation.map(|it| word(ACTIVATIONS, it.value)));
    map.put(
        "pointwise_activation",
        block.pointwise_activation.map(|it| match it.value {
            PointwiseActivation::Same => "same",
            PointwiseActivation::Is(activation) => word(ACTIVATIONS, activation),
        }),
    );
    map.put("padding", block.padding.map(|it| word(PADDINGS, it.value)));
    map.finish()
}
