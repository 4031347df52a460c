//! The shape of a step as text.

use super::words::Words;
use crate::plan::tuning::{First, Key, Size};
use std::fmt;

impl Key {
    /// Reads what is written by `Display`.
    pub(super) fn parse(text: &str) -> Option<Key> {
        let mut words = Words::new(text);
        let key = match words.next()? {
            "block" if words.is_empty() => Key::AnyBlock,
            "block" => {
                let input = words.size()?;
                let first = if words.take("expand") {
                    First::Expand(words.number("")?)
                } else if words.take("stem") {
                    let channels = words.number("")?;
                    First::Stem { channels, kernel_size: words.number("k")?, stride: words.number("s")? }
                } else {
                    First::Nothing
                };
                words.expect("depthwise")?;
                let (kernel_size, stride) = (words.number("k")?, words.number("s")?);
                let reduced = if words.take("se") { words.number("")? } else { 0 };
                words.expect("to")?;
                Key::Block { input, first, kernel_size, stride, reduced, output: words.size()? }
            }
            "conv" => {
                let input = words.size()?;
                let (kernel_size, stride) = (words.number("k")?, words.number("s")?);
                words.expect("to")?;
                Key::Conv { input, kernel_size, stride, output: words.size()?, pool: words.take("pool") }
            }
            "linear" => {
                let inputs = words.number("")?;
                words.expect("to")?;
                Key::Linear { inputs, outputs: words.number("")? }
            }
            _ => return None,
        };
        words.is_empty().then_some(key)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = |[height, width, channels]: Size| format!("{height}x{width}x{channels}");
        match *self {
            Key::AnyBlock => f.write_str("block"),
            Key::Block { input, first, kernel_size, stride, reduced, output } => {
                write!(f, "block {}", size(input))?;
                match first {
                    First::Nothing => {}
                    First::Expand(channels) => write!(f, " expand {channels}")?,
                    First::Stem { channels, kernel_size, stride } => {
                        write!(f, " stem {channels} k{kernel_size} s{stride}")?;
                    }
                }
                write!(f, " depthwise k{kernel_size} s{stride}")?;
                if reduced > 0 {
                    write!(f, " se {reduced}")?;
                }
                write!(f, " to {}", size(output))
            }
            Key::Conv { input, kernel_size, stride, output, pool } => {
                let pool = if pool { " pool" } else { "" };
                write!(f, "conv {} k{kernel_size} s{stride} to {}{pool}", size(input), size(output))
            }
            Key::Linear { inputs, outputs } => write!(f, "linear {inputs} to {outputs}"),
        }
    }
}
