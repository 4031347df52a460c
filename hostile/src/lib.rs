//! Untrusted files: good ones are mutated in thousands of ways, and the reader of their format reads each.
//!
//! The program of this crate reads many files in a row and reports the outcome of each. [`watch`] runs it with limits,
//! detects when it dies, hangs, grows or opens a file, and finds the input that did it. `tests` uses both, also on readers
//! that are broken on purpose ([`planted`]), each of which has to be detected.
#![forbid(unsafe_code)]

pub mod bytes;
pub mod format;
pub mod mutate;
pub mod planted;
pub mod random;
mod run;
pub mod watch;

pub use format::{FORMATS, Format, Outcome};
pub use mutate::mutant;

/// A format or a planted reader by its name.
pub fn by_name(name: &str) -> Option<&'static Format> {
    FORMATS.iter().chain(planted::PLANTED).find(|format| format.name == name)
}
