//! The mnas language: one grammar in two notations, YAML and Rust tokens.
//!
//! Text becomes a tree with spans; one reader walks the tree and collects every error. The result is a [`Spec`] (what was
//! written) or a [`Network`] (what it means: every layer with its shapes, and its operators as a [`chain`]).
//!
//! ```
//! let (spec, network) = mnas_dsl::load_yaml(
//!     "
//! name: tiny
//! input: 32x32x3
//! stem: {op: conv, kernel: 3, stride: 2, filters: 8}
//! blocks:
//!   - {op: mbconv, expand: 6, kernel: 3, stride: 2, filters: 16, layers: 2}
//! head: {classes: 10}
//! ",
//!     "tiny.yaml",
//! )?;
//! assert_eq!(spec.blocks.len(), 1);
//! assert_eq!(network.layers.len(), 3);
//! # Ok::<(), mnas_dsl::Diagnostics>(())
//! ```
//!
//! Nothing here reads a file, the environment or a clock.
#![forbid(unsafe_code)]

pub mod block_string;
pub mod chain;
mod count;
mod diagnostics;
mod keywords;
mod kind;
mod limits;
pub mod names;
#[doc(hidden)]
pub mod nearest;
pub mod network;
mod print;
mod printable;
mod reader;
mod render;
mod resolve;
pub mod rounding;
pub mod source;
pub mod space;
pub mod spec;
mod tokens;
mod tree;

mod yaml;

pub use diagnostics::{Diagnostic, Diagnostics, Place};
pub use network::Network;
pub use printable::printable;
pub use space::Space;
pub use spec::Spec;
pub use tokens::{MacroInput, MacroSource, parse_tokens};

use diagnostics::Report;

/// Reads a spec in YAML. `file` is its name in messages; nothing is opened.
///
/// # Errors
///
/// Every error that does not depend on shapes, each with its place.
pub fn parse_yaml(text: &str, file: &str) -> Result<Spec, Diagnostics> {
    let (root, source) = yaml::parse(text, file)?;
    let mut report = Report::new(&source);
    let spec = reader::read(&root, &mut report);
    report.finish(spec)
}

/// Reads a spec in YAML and resolves it.
///
/// # Errors
///
/// The errors of both steps. Where a value cannot be read, everything that does not depend on it is still checked.
pub fn load_yaml(text: &str, file: &str) -> Result<(Spec, Network), Diagnostics> {
    let (root, source) = yaml::parse(text, file)?;
    let mut report = Report::new(&source);
    if space::refuse(&root, &mut report) {
        return report.finish(None);
    }
    let both = reader::read(&root, &mut report).map(|spec| {
        let network = resolve::resolve(&spec, &mut report);
        (spec, network)
    });
    report.finish(both)
}

/// Runs the README's examples.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeExamples;
