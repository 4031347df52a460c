//! Modules of mnas-harness as files of a program.

use mnas_harness::Source;
use std::fmt::Write as _;

/// `mod NAME;` of each module.
pub fn declarations(sources: &[Source]) -> String {
    sources.iter().fold(String::new(), |mut text, source| {
        let _ = writeln!(text, "pub mod {};", source.name);
        text
    })
}

/// The files of the modules.
pub fn files(sources: &[Source]) -> Vec<(String, Vec<u8>)> {
    sources.iter().map(|source| (format!("{}.rs", source.name), source.text.as_bytes().to_vec())).collect()
}

/// The macro that makes an engine of a generated type.
pub fn engine_macro(threads: u32) -> &'static str {
    if threads > 1 { "multi_thread" } else { "single_thread" }
}
