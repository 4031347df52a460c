//! Specs printed back, in either notation.

pub(crate) mod block_string;
mod tokens;
mod yaml;

use crate::keywords::show_number;
use crate::source::Source;
use crate::spec::{Block, Notation, PerChannel};

/// The block on one line, in the notation of its source.
pub(crate) fn block_source(block: &Block, is_stem: bool, source: &Source) -> String {
    if source.is_tokens() { tokens::block(block, is_stem) } else { yaml::block(block, is_stem) }
}

/// The block string of a block that was written as one.
fn written_string(block: &Block) -> Option<String> {
    match block.notation {
        Notation::Long => None,
        Notation::Timm => block_string::to_timm(block),
        Notation::TensorFlow => block_string::to_tensorflow(block, 0),
    }
}

/// One value for all channels, or a list.
fn per_channel(values: &PerChannel) -> String {
    match values {
        PerChannel::One(value) => show_number(value.value),
        PerChannel::Each(values) => {
            let values: Vec<_> = values.value.iter().map(|&it| show_number(it)).collect();
            format!("[{}]", values.join(", "))
        }
    }
}

/// Words that YAML (1.1 or 1.2) reads as something else than a text.
const YAML_VALUES: [&str; 11] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n", "nan", "inf"];

/// A text as either notation takes it: quoted where it has to be.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
