//! The shape of a step as text.

use super::lexer::Words;
use crate::plan::tuning::{BlockEntry, ShapeKey, Size};
use std::fmt;

impl ShapeKey {
    /// Reads what is written by `Display`.
    pub(super) fn parse(text: &str) -> Option<ShapeKey> {
        let mut words = Words::new(text);
        let key = match words.next()? {
            "block" if words.is_empty() => ShapeKey::AnyBlock,
            "block" => {
                let input = words.size()?;
                let first = if words.take("expand") {
                    BlockEntry::Expand(words.number("")?)
                } else if words.take("stem") {
                    let channels = words.number("")?;
                    BlockEntry::Stem { channels, kernel_size: words.number("k")?, stride: words.number("s")? }
                } else {
                    BlockEntry::Nothing
                };
                words.expect("depthwise")?;
                let (kernel_size, stride) = (words.number("k")?, words.number("s")?);
                let reduced = if words.take("se") { words.number("")? } else { 0 };
                words.expect("to")?;
                ShapeKey::Block { input, first, kernel_size, stride, reduced, output: words.size()? }
            }
            "conv" => {
                let input = words.size()?;
                let (kernel_size, stride) = (words.number("k")?, words.number("s")?);
                words.expect("to")?;
                ShapeKey::Conv { input, kernel_size, stride, output: words.size()?, pool: words.take("pool") }
            }
            "linear" => {
                let inputs = words.number("")?;
                words.expect("to")?;
                ShapeKey::Linear { inputs, outputs: words.number("")? }
            }
            _ => return None,
        };
        words.is_empty().then_some(key)
    }
}

impl fmt::Display for ShapeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = |[height, width, channels]: Size| format!("{height}x{width}x{channels}");
        match *self {
            ShapeKey::AnyBlock => f.write_str("block"),
            ShapeKey::Block { input, first, kernel_size, stride, reduced, output } => {
                write!(f, "block {}", size(input))?;
                match first {
                    BlockEntry::Nothing => {}
                    BlockEntry::Expand(channels) => write!(f, " expand {channels}")?,
                    BlockEntry::Stem { channels, kernel_size, stride } => {
                        write!(f, " stem {channels} k{kernel_size} s{stride}")?;
                    }
                }
                write!(f, " depthwise k{kernel_size} s{stride}")?;
                if reduced > 0 {
                    write!(f, " se {reduced}")?;
                }
                write!(f, " to {}", size(output))
            }
            ShapeKey::Conv { input, kernel_size, stride, output, pool } => {
                let pool = if pool { " pool" } else { "" };
                write!(f, "conv {} k{kernel_size} s{stride} to {}{pool}", size(input), size(output))
            }
            ShapeKey::Linear { inputs, outputs } => write!(f, "linear {inputs} to {outputs}"),
        }
    }
}
